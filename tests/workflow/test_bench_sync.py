"""The benchmark sets every method on the same takes, and does without pyxdf where it is absent."""

import pytest

from rushes import registry
from rushes.errors import PluginError
from rushes.workflow import bench_sync
from rushes.workflow._bench.models import MODELS


def test_every_method_is_measured_on_every_noise_model_and_ours_errs_least() -> None:
    found = bench_sync.bench_sync(trials=1)
    assert {row.model for row in found.rows} == set(MODELS)
    for model in MODELS:
        worst = {row.method: row.error_max_ns for row in found.rows if row.model == model}
        assert set(worst) == {"rushes", "first-frame offset", "least squares", "Theil-Sen", "pyxdf"}
        assert worst["rushes"] == min(worst.values())
    assert not found.left_out


def test_without_pyxdf_its_row_is_left_out_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> None:
        raise PluginError(f"'{module}' needs the package 'pyxdf', which is not installed", code="plugin.import")

    monkeypatch.setattr(registry, "late", absent)
    found = bench_sync.bench_sync(trials=1, models=["clip"])
    assert "pyxdf" not in {row.method for row in found.rows}
    assert "which is not installed" in found.left_out["pyxdf"]
