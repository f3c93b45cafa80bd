"""Claps meet as sets, and silence is not taken for one."""

import numpy as np
import pytest

from rushes.timing.crosscheck.clap import Events, compare_events, jumps, sound_onsets
from rushes.virtual.sound import heard
from rushes.virtual.takes import AUDIO, tabletop_spec

MS = 1_000_000
SECOND = 1_000_000_000


def sound(clap_s, seconds=3.0):
    rig = tabletop_spec("clap", seed=4, seconds=seconds, clap_s=clap_s)
    blocks = [heard(rig, AUDIO, i, begins_s=i / AUDIO.rate_hz) for i in range(int(seconds * AUDIO.rate_hz))]
    starts = np.rint(np.arange(len(blocks)) * SECOND / AUDIO.rate_hz).astype(np.int64)
    return sound_onsets(np.stack(blocks).astype(np.float64), starts, AUDIO.sample_rate_hz)


def events(*seconds, half_ms=0.0):
    return Events(t_ns=np.array([round(s * SECOND) for s in seconds], np.int64), half_ns=round(half_ms * MS))


@pytest.mark.parametrize("clap_s", [0.7, 1.2345, 2.7])
def test_a_clap_is_heard_to_the_sample(clap_s):
    found = sound(clap_s)
    assert len(found.t_ns) == 1
    assert abs(found.t_ns[0] - clap_s * SECOND) <= SECOND / AUDIO.sample_rate_hz


def test_a_quiet_room_holds_no_clap():
    assert len(sound(None).t_ns) == 0


def test_a_jolt_and_a_flash_lie_in_the_interval_in_which_they_begin():
    times = np.arange(0, 4 * SECOND, 50 * MS)
    light = 100 + np.random.default_rng(1).normal(0, 0.3, len(times)) + 30.0 * (times >= 2 * SECOND)
    found = jumps(times, light, least=6.0)
    assert found.t_ns.tolist() == [1975 * MS]
    assert found.half_ns == 25 * MS


def test_one_clap_on_each_side_gives_what_must_be_added():
    found = compare_events("audio", "cam", (events(2.0), events(1.9, half_ms=10)))
    assert found.offset_ns == 100 * MS
    assert found.ci95_ns == 10 * MS
    assert found.verdict == "differs"
    assert compare_events("audio", "cam", (events(2.0), events(2.0))).verdict == "agrees"


def test_a_second_event_on_one_side_does_not_hide_two_that_meet():
    found = compare_events("a", "b", (events(1.0, 5.0), events(1.3, 4.9, 5.3, half_ms=5)))
    assert found.offset_ns == pytest.approx(-300 * MS, abs=5 * MS)


def test_several_ways_to_match_are_not_observable():
    found = compare_events("a", "b", (events(1.0), events(0.8, 1.3)))
    assert found.verdict == "not observable"
    assert "several ways" in found.reason


def test_no_clap_is_not_observable():
    found = compare_events("a", "b", (events(), events(1.0)))
    assert found.verdict == "not observable"
    assert found.reason == "no clap stands out in a"
