"""Real outlets over loopback, one of them on a clock of the kernel that is a thousand seconds ahead."""

import shutil
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pylsl
import pytest

from contracts.sources import Gathered, SourceContract, running
from rushes.capture.lsl import PLUGIN
from rushes.errors import CaptureError, RecipeError
from rushes.sensors import SensorOfRig

SENDER = Path(__file__).parent.parent / "lsl_sender.py"
AHEAD_S = 1000
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
static struct timespec true_of(clockid_t clock, const struct timespec *till) {
    struct timespec found = *till;
    if (clock == CLOCK_MONOTONIC) found.tv_sec -= atol(getenv("AHEAD_S"));
    return found;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    int code = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_MONOTONIC) now->tv_sec += atol(getenv("AHEAD_S"));
    return code;
}
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *till, struct timespec *rest) {
    int (*next)(clockid_t, int, const struct timespec *, struct timespec *) = dlsym(RTLD_NEXT, "clock_nanosleep");
    struct timespec found = flags & TIMER_ABSTIME ? true_of(clock, till) : *till;
    return next(clock, flags, &found, rest);
}
int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *till) {
    int (*next)(sem_t *, clockid_t, const struct timespec *) = dlsym(RTLD_NEXT, "sem_clockwait");
    struct timespec found = true_of(clock, till);
    return next(sem, clock, &found);
}
int pthread_cond_clockwait(
    pthread_cond_t *cond, pthread_mutex_t *held, clockid_t clock, const struct timespec *till
) {
    int (*next)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *) =
        dlsym(RTLD_NEXT, "pthread_cond_clockwait");
    struct timespec found = true_of(clock, till);
    return next(cond, held, clock, &found);
}
"""
"""A monotonic clock that is ahead, for one process; put before the C library."""


@pytest.fixture(scope="module")
def ahead(tmp_path_factory):
    """Give what stands before a command so that its monotonic clock is so many seconds ahead."""

    def in_a_room_of_its_own(seconds):
        room = ("unshare", "--user", "--map-root-user", "--time", "--monotonic", str(seconds))
        return (*room, "--fork", "--kill-child")

    if shutil.which("unshare"):
        tried = subprocess.run([*in_a_room_of_its_own(1), "true"], check=False, capture_output=True)
        if tried.returncode == 0:
            return in_a_room_of_its_own
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("this machine lets nobody have a clock of his own, and there is no C compiler")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(SHIM)
    made = folder / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, folder / "clock.c", "-ldl"], check=True)
    return lambda seconds: ("env", f"LD_PRELOAD={made}", f"AHEAD_S={seconds}")


def own_name():
    return f"Rushes test {uuid.uuid4().hex[:8]}"


def sensor_of(device, **fields):
    return SensorOfRig(name="amp", source="lsl", device=device, frame_of_reference="head", **fields)


def outlet_of(name, *, kind="EEG", channels=2, rate_hz=100.0, form="float32", source_id=None, labels=()):
    info = pylsl.StreamInfo(name, kind, channels, rate_hz, form, source_id or uuid.uuid4().hex)
    described = info.desc().append_child("channels")
    for label, unit in labels:
        channel = described.append_child("channel")
        channel.append_child_value("label", label)
        channel.append_child_value("unit", unit)
    return pylsl.StreamOutlet(info)


@contextmanager
def opened(device, **fields):
    source = PLUGIN.open(sensor_of(device, **fields))
    try:
        yield source
    finally:
        source.close()


class Sender:
    """An outlet in a process of its own."""

    def __init__(self, name, *, rate_hz=500, channels=2, samples=0, source_id=None, before=()):
        command = [*before, sys.executable, str(SENDER), name, name if source_id is None else source_id]
        self.process = subprocess.Popen(
            [*command, str(rate_hz), str(channels), str(samples)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def go(self):
        """Have it send, as soon as somebody listens."""
        assert self.process.stdout.readline() == "heard\n"
        print(file=self.process.stdin, flush=True)

    def end(self):
        """Have it end, and give how many samples it sent."""
        said, _ = self.process.communicate(timeout=10)
        return int(said)


@contextmanager
def sending(*args, **kwargs):
    sender = Sender(*args, **kwargs)
    try:
        yield sender
    finally:
        if sender.process.poll() is None:
            sender.process.kill()
            sender.process.communicate()


def values_of(into, stream):
    return np.concatenate([each.content.values for each in into.of(stream)])


def stamps_of(into, stream):
    return np.concatenate([each.device_ns for each in into.of(stream)])


def offsets_of(into):
    """Give log less device of every pair, and the round trips, in nanoseconds."""
    pairs = into.pairs
    assert {(each.to_clock, each.relation, each.source) for each in pairs} == {("log", "two-way", "lsl")}
    offsets = np.concatenate([each.to_ns - each.from_ns for each in pairs])
    return offsets, np.concatenate([each.round_trip_ns for each in pairs])


class TestLslContract(SourceContract):
    source = PLUGIN

    @pytest.fixture
    def sensor(self):
        name, over = own_name(), threading.Event()
        outlet = outlet_of(name, labels=[("Fp1", "µV"), ("Fp2", "µV")])

        def send():
            while not over.wait(0.01):
                outlet.push_sample([1.0, 2.0])

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        yield sensor_of(name)
        over.set()
        thread.join()

    @pytest.fixture
    def absent(self):
        return sensor_of(own_name())


def test_every_sample_comes_once_as_it_was_sent_with_its_raw_stamp():
    name = own_name()
    outlet = outlet_of(name, channels=3, form="double64")
    sent = np.random.default_rng(7).normal(size=(3000, 3))
    stamps = 1000.0 + np.arange(3000) * 0.0123456789

    with opened(name) as source:
        into = Gathered()
        with running(source, into):
            time.sleep(0.1)  # what came before it runs is thrown away
            for at in range(0, 3000, 30):
                outlet.push_chunk(sent[at : at + 30].tolist(), stamps[at : at + 30].tolist())
            into.wait(lambda: into.count() >= 3000)
        stream = source.streams[0].name

    assert np.array_equal(values_of(into, stream), sent)
    assert np.array_equal(stamps_of(into, stream), np.rint(stamps * 1e9).astype(np.int64))
    assert np.array_equal(np.concatenate([each.seq for each in into.of(stream)]), np.arange(3000))


@pytest.mark.parametrize("form", ["float32", "int8", "int16", "int32", "int64"])
def test_every_format_of_numbers_becomes_float64(form):
    name = own_name()
    outlet = outlet_of(name, form=form)

    with opened(name) as source:
        into = Gathered()
        with running(source, into):
            time.sleep(0.1)
            outlet.push_chunk([[-3, 100], [0, 7]])
            into.wait(lambda: into.count() >= 2)

    assert values_of(into, source.streams[0].name).tolist() == [[-3.0, 100.0], [0.0, 7.0]]


def test_channels_have_the_names_and_units_of_the_description_and_are_unique():
    name = own_name()
    _outlet = outlet_of(name, channels=3, labels=[("Fp1", "µV"), ("", ""), ("Fp1", "µV")])

    with opened(name) as source:
        (stream,) = source.streams

    assert stream.channel_names == ("Fp1", "channel 2", "Fp1 2")
    assert stream.channel_units == ("µV", "", "µV")
    assert (stream.form, stream.modality, stream.nominal_rate_hz) == ("numbers", "signal", 100.0)
    assert stream.name == "/amp/" + name.lower().replace(" ", "_")


def test_markers_are_texts():
    name = own_name()
    outlet = outlet_of(name, kind="Markers", channels=1, rate_hz=0.0, form="string")

    with opened(f"name='{name}' and type='Markers'") as source:
        into = Gathered()
        with running(source, into):
            time.sleep(0.1)
            outlet.push_sample(["tea is poured"], 12.5)
            outlet.push_sample(["größer\0"], 13.0)
            into.wait(lambda: into.count() >= 2)
        (stream,) = source.streams

    assert (stream.form, stream.modality, stream.nominal_rate_hz) == ("texts", "event", None)
    assert [text for each in into.samples for text in each.content.values] == ["tea is poured", "größer\0"]
    assert stamps_of(into, stream.name).tolist() == [12_500_000_000, 13_000_000_000]


def test_streams_that_match_one_query_are_streams_of_one_sensor_and_share_their_hosts_clock():
    kind = own_name()
    _outlets = [outlet_of(name, kind=kind) for name in ("left", "right", "right")]

    with opened(f"type='{kind}'", options={"outlets": 3}) as source:
        names = [stream.name for stream in source.streams]
        clocks = {stream.device_clock for stream in source.streams}
    with opened(f"type='{kind}'", options={"clock": "stream"}) as source:
        own = {stream.device_clock for stream in source.streams}

    assert names == ["/amp/left", "/amp/right", "/amp/right_2"]
    assert len(clocks) == 1
    assert len(own) == 3


def test_fewer_outlets_than_the_rig_expects_are_an_absent_sensor():
    name = own_name()
    _outlet = outlet_of(name)

    with pytest.raises(CaptureError) as told:
        PLUGIN.open(sensor_of(name, options={"outlets": 2}))

    assert told.value.code == "capture.absent"
    assert "1 of 2" in told.value.message


def test_an_option_that_is_not_known_is_refused():
    with pytest.raises(RecipeError, match="outlets"):
        PLUGIN.open(sensor_of("any", options={"clock": "outlets"}))


def test_an_outlet_is_listed_by_what_opens_it():
    name = own_name()
    _outlet = outlet_of(name, channels=5)

    found = {each.device: each for each in PLUGIN.scan()}

    assert found[name].facts["channels"] == "5"


def test_a_stamp_that_is_no_time_is_left_out_and_counted():
    name = own_name()
    outlet = outlet_of(name)

    with opened(name) as source:
        into = Gathered()
        with running(source, into):
            time.sleep(0.1)
            for stamp in (5.0, float("nan"), 1e300, 6.0):
                outlet.push_sample([1.0, 2.0], stamp)
            into.wait(lambda: into.count() >= 2 and bool(into.told("garbage")))

    assert stamps_of(into, source.streams[0].name).tolist() == [5_000_000_000, 6_000_000_000]
    assert sum(each.count for each in into.told("garbage")) == 2


@pytest.mark.live
def test_the_offset_of_a_sender_with_another_clock_is_found_within_a_millisecond(ahead):
    name = own_name()

    with sending(name, before=ahead(AHEAD_S)) as sender, opened(name) as source:
        into = Gathered()
        with running(source, into):
            sender.go()
            into.wait(lambda: len(into.pairs) >= 2)
        (stream,) = source.streams

    offsets, trips = offsets_of(into)
    truth = into.clock.of_monotonic(-AHEAD_S * 1_000_000_000)
    sent = values_of(into, stream.name)[:, 1]
    assert {each.from_clock for each in into.pairs} == {stream.device_clock}
    assert np.abs(offsets - truth).max() < 1_000_000
    assert (np.abs(offsets - truth) <= trips + 50_000).all()
    assert np.abs(stamps_of(into, stream.name) / 1e9 - sent).max() < 0.05  # raw: of the sender's own clock


@pytest.mark.live
def test_an_outlet_that_begins_again_goes_on_without_a_loss_and_is_told():
    name = own_name()
    into = Gathered()

    with sending(name, samples=400) as first, opened(name) as source, running(source, into):
        first.go()
        into.wait(lambda: into.count() >= 400)
        into.wait(lambda: bool(into.pairs))
        assert first.end() == 400
        with sending(name, samples=400) as second:
            second.go()
            into.wait(lambda: into.count() >= 800)
            into.wait(lambda: any("began again" in each.message for each in into.troubles))
            assert second.end() == 400
        (stream,) = source.streams

    assert values_of(into, stream.name)[:, 0].tolist() == [*range(400), *range(400)]
    (told,) = [each for each in into.troubles if "began again" in each.message]
    assert (told.what, told.stream, told.sensor) == ("returned", stream.name, "amp")


@pytest.mark.live
def test_an_outlet_without_a_source_id_is_told_as_gone_and_looked_for_by_its_name():
    name = own_name()
    into = Gathered()

    with sending(name, samples=200, source_id="") as first, opened(name) as source, running(source, into):
        first.go()
        into.wait(lambda: into.count() >= 200)
        assert first.end() == 200
        into.wait(lambda: bool(into.told("stopped")))
        with sending(name, samples=200, source_id="") as second:
            second.go()
            into.wait(lambda: bool(into.told("returned")))
            into.wait(lambda: into.count() > 200 and values_of(into, source.streams[0].name)[-1, 0] == 199)
            assert second.end() == 200
        (stream,) = source.streams

    numbers = values_of(into, stream.name)[:, 0]
    assert numbers[:200].tolist() == list(range(200))
    again = numbers[200:].tolist()
    assert again == list(range(int(again[0]), 200))  # from where it was found again, without a hole
    seq = np.concatenate([each.seq for each in into.of(stream.name)])
    assert np.array_equal(seq, np.arange(len(seq)))
    assert {each.stream for each in [*into.told("stopped"), *into.told("returned")]} == {stream.name}


@pytest.mark.live
@pytest.mark.parametrize("source_id", [None, ""])
def test_an_outlet_that_begins_again_with_another_clock_is_told_and_its_pairs_are_of_both(ahead, source_id):
    name = own_name()
    into = Gathered()

    with sending(name, samples=200, source_id=source_id) as first, opened(name) as source, running(source, into):
        first.go()
        into.wait(lambda: into.count() >= 200)
        into.wait(lambda: bool(into.pairs))
        assert first.end() == 200
        before = len(into.pairs)
        with sending(name, samples=200, source_id=source_id, before=ahead(AHEAD_S)) as second:
            second.go()
            into.wait(lambda: into.count() > 200 and values_of(into, source.streams[0].name)[-1, 0] == 199)
            into.wait(lambda: bool(into.told("clock")))
            into.wait(lambda: len(into.pairs) > before)
            assert second.end() == 200
        (stream,) = source.streams

    (told,) = into.told("clock")
    assert told.stream == stream.name
    assert f"-{AHEAD_S}." in told.message
    offsets, _ = offsets_of(into)
    same, other = into.clock.of_monotonic(0), into.clock.of_monotonic(-AHEAD_S * 1_000_000_000)
    assert np.minimum(np.abs(offsets - same), np.abs(offsets - other)).max() < 1_000_000
    assert np.abs(offsets[0] - same) < 1_000_000
    assert np.abs(offsets[-1] - other) < 1_000_000
