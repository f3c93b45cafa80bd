"""What every test may ask for."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci",  # the same examples each time, so more of them would only be slower; make soak draws new ones
    max_examples=25,
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let slow tests run in two processes: those of one file, and all that need Label Studio, in the same one.

    What needs Label Studio mostly waits, what is slow mostly computes: the two fit beside one another.
    """
    for item in items:
        if item.get_closest_marker("live") or item.get_closest_marker("slow"):
            place = item.path.relative_to(ROOT / "tests")
            item.add_marker(pytest.mark.xdist_group("annotate" if place.parts[0] == "annotate" else str(place)))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that was skipped because something is missing is a failure."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("CI") and skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{len(skipped)} skipped: in CI that is a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
