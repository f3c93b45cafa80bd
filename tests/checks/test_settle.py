"""Checks are chosen by id or family, and every one on offer keeps the contract's facts."""

import pytest

from rushes import registry
from rushes.checks import choose
from rushes.errors import UsageError

OFFERED = registry.load_all("checks")


def test_ids_match_their_modules():
    assert {name: check.name for name, check in OFFERED.items()} == {
        name: name.replace("_", ".", 1) for name in OFFERED
    }


def test_all_or_some_or_a_family():
    assert [check.name for check in choose(OFFERED, None)] == sorted(check.name for check in OFFERED.values())
    assert [check.name for check in choose(OFFERED, ["stream.gap"])] == ["stream.gap"]
    assert [check.name for check in choose(OFFERED, ["image"])] == [
        "image.aspect",
        "image.blur",
        "image.bright",
        "image.cast",
        "image.clipped",
        "image.covered",
        "image.dark",
        "image.duplicate",
        "image.format",
        "image.frozen",
        "image.grey",
        "image.half",
        "image.low_information",
        "image.near_duplicate",
        "image.size",
        "image.unreadable",
    ]


def test_an_unknown_check_is_refused_with_a_close_match():
    with pytest.raises(UsageError, match=r"'stream\.gaps'") as caught:
        choose(OFFERED, ["stream.gaps"])
    assert caught.value.code == "check.unknown"
    assert "stream.gap" in caught.value.hint


def test_options_explain_themselves():
    gap = OFFERED["stream_gap"]
    assert str(gap.defaults["limit"]).startswith("1.5 intervals (half-way between")
