"""What every test may ask for."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, beside the checkout or where RUSHES_TEST_DATA says."""
    place = Path(os.environ.get("RUSHES_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not place.is_dir():
        message = f"the real recordings are not at {place}; set RUSHES_TEST_DATA to where they are"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return place
