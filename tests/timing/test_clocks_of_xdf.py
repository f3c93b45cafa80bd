"""Clock offsets of real XDF recordings: resets, and equality with pyxdf where it should be equal."""

import logging

import numpy as np
import pytest
import pyxdf

from rushes.timing.clockfit import estimate
from rushes.timing.clockmap import residuals
from timing.clock_models import pairs


def ns(seconds):
    return np.rint(np.asarray(seconds) * 1e9).astype(np.int64)


@pytest.fixture(params=["MyMarkerStream", "BioSemi"])
def stream(request, shared_data):
    """One stream of a recording in which the sender's clock started anew: as recorded, and as pyxdf maps it."""
    logging.getLogger("pyxdf").setLevel(logging.ERROR)
    path = shared_data / "devices" / "xdf" / "clock_resets.xdf"
    plain = {"synchronize_clocks": False, "dejitter_timestamps": False}
    raw = pyxdf.load_xdf(path, **plain)[0]
    mapped = pyxdf.load_xdf(path, **(plain | {"synchronize_clocks": True}))[0]
    return next((a, b) for a, b in zip(raw, mapped, strict=True) if a["info"]["name"] == [request.param])


def evidence(raw):
    times = ns(raw["clock_times"])
    return pairs(times, times + ns(raw["clock_values"]), "two-way")


def test_a_reset_parts_the_evidence_and_the_samples(stream) -> None:
    raw, mapped = stream
    found = estimate(evidence(raw))
    assert [segment.pairs for segment in found.segments] == [82, 33]
    assert found.verdict == "estimated"
    stamps = ns(raw["time_stamps"])
    cut = int(np.flatnonzero(np.diff(stamps) < 0)[0]) + 1
    assert found.segment_of(stamps).tolist() == [0] * cut + [1] * (len(stamps) - cut)
    assert np.abs(found.apply(stamps) - ns(mapped["time_stamps"])).max() < 1_000_000


def test_the_map_lies_nearer_to_the_recorded_offsets_than_a_line_does(stream) -> None:
    raw, _ = stream
    offsets = evidence(raw)
    for part in (slice(0, 82), slice(82, 115)):
        times = offsets.from_ns[part] - offsets.from_ns[part][0]
        line = np.polynomial.Polynomial.fit(times, offsets.to_ns[part] - offsets.from_ns[part], 1)
        straight = np.abs(offsets.to_ns[part] - offsets.from_ns[part] - line(times))
        ours = np.abs(residuals(estimate(offsets), offsets)[part])
        assert np.median(ours) <= np.median(straight) + 1000


def test_a_clean_clock_is_mapped_as_pyxdf_maps_it() -> None:
    draw = np.random.default_rng(3)
    times = 1000 + np.arange(120) * 5.0
    offsets = -55.0 + 30e-6 * (times - 1000) + draw.normal(0, 30e-6, 120)
    found = estimate(pairs(ns(times), ns(times) + ns(offsets), "two-way"))
    slope, start = 30e-6, -55.0
    truth = ns(start + slope * (times - 1000))
    assert np.abs(found.apply(ns(times)) - ns(times) - truth).max() < 20_000
    design = np.column_stack([np.ones(120), times / 1e-4])
    fitted = pyxdf.pyxdf._robust_fit(design, offsets / 1e-4)
    theirs = ns(fitted[0] * 1e-4 + fitted[1] * times)
    assert np.abs(found.apply(ns(times)) - ns(times) - theirs).max() < 20_000
