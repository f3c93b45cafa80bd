"""The wheel carries everything: installed elsewhere, away from the checkout, it runs the demo."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, cwd=place)
    (built,) = place.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_its_three_folders_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top.partition("-")[0] for top in tops} == {"rushes"}
    for needed in (
        "rushes/schemas/tables/v1/frames.yaml",
        "rushes/schemas/cli/envelope.schema.json",
        "rushes/pipelines/tabletop.yaml",
        "rushes/data_samples/truth.json",
        "rushes/report/style.css",
        "rushes/py.typed",
    ):
        assert needed in names
    tracked = subprocess.run(["git", "ls-files", "toolkit"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {name.removeprefix("toolkit/") for name in tracked.stdout.split()} <= set(names)


@pytest.mark.slow
@pytest.mark.live
def test_the_demo_runs_from_the_wheel_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site), "HOME": str(tmp_path), "PIP_NO_INDEX": "1"}
    where = "import rushes, rushes.resources as r; print(rushes.__file__, r.folder('schemas'))"
    told = subprocess.run(
        [sys.executable, "-c", where], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert all(path.startswith(str(site)) for path in told.stdout.split()), told.stdout + told.stderr
    command = [sys.executable, "-m", "rushes", "demo"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT as foretold" not in done.stdout
    assert "the App (FiftyOne" in done.stdout
