"""The doctor tells the truth: it is shown illnesses and must name each, with a fix."""

import shutil
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from rushes.workflow import doctor


def states() -> dict[str, doctor.Ailment]:
    return {item.name: item for item in doctor.examine()}


def test_a_healthy_machine_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIFTYONE_DATABASE_URI", raising=False)
    seen = states()
    assert [item.name for item in seen.values() if item.state == "missing"] == []
    assert {"Python", "pyarrow", "one OpenCV", "mongod", "browser", "disk"} <= set(seen)


def test_a_missing_and_an_old_package_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = metadata.version

    def version(name: str) -> str:
        if name == "pyarrow":
            raise metadata.PackageNotFoundError(name)
        return "0.0.1" if name == "click" else honest(name)

    monkeypatch.setattr(doctor, "version", version)
    seen = states()
    assert (seen["pyarrow"].state, seen["pyarrow"].fix[:20]) == ("missing", "pip install 'pyarrow")
    assert (seen["click"].state, seen["click"].found) == ("warning", "0.0.1")


def test_a_second_opencv_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def distribution(name: str) -> object:
        if name == "opencv-python":
            return SimpleNamespace(version="4.9.0")
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "distribution", distribution)
    found = states()["one OpenCV"]
    assert found.state == "warning"
    assert "opencv-python 4.9.0" in found.found
    assert "pip uninstall" in found.fix


@pytest.mark.parametrize("fault", ["absent", "broken"])
def test_a_mongod_that_is_absent_or_does_not_run_is_told(
    fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\nexit 14\n")
    program.chmod(0o755)
    monkeypatch.delenv("FIFTYONE_DATABASE_URI", raising=False)
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: str(program) if fault == "broken" else None)
    found = states()["mongod"]
    assert found.state == "missing"
    assert found.fix
    assert "does not run" in found.found or fault == "absent"


def test_a_password_of_the_database_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIFTYONE_DATABASE_URI", "mongodb://me:secret@host:27017")
    assert "secret" not in states()["mongod"].found
