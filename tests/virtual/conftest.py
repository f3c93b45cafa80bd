"""One tiny recording for the whole room."""

from pathlib import Path

import pytest

from rushes.virtual.recording import write_recording
from rushes.virtual.spec import FaultSpec, RigSpec
from rushes.virtual.takes import tiny_spec
from rushes.virtual.truth import Truth

FAULTS = FaultSpec(dropped=(2, 3), repeated=(6,), truncated=(5,))


@pytest.fixture(scope="session")
def tiny() -> RigSpec:
    return tiny_spec(seed=11, faults=FAULTS)


@pytest.fixture(scope="session")
def tiny_recording(tiny: RigSpec, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    path = tmp_path_factory.mktemp("virtual") / "tiny.mcap"
    return path, write_recording(tiny, path)
