"""Numbers and sound are shown so that every place on the page is a sample of the stream."""

import wave

import av
import numpy as np
import pytest

from rushes import resources
from rushes.errors import UsageError
from rushes.workflow._annotate import stretches
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, shared_data):
    place = tmp_path_factory.mktemp("stretches") / "dataset"
    sample = resources.folder("data_samples") / "tabletop" / "tabletop_s01_take1.mcap"
    paths = [sample, shared_data / "video/audio", shared_data / "devices/xdf"]
    ingest(place, Request(paths=[*paths, shared_data / "video/imageio/realshort.mp4"]))
    with Dataset.open(place) as dataset:
        yield dataset


def column(path, name):
    with path.open() as lines:
        names = next(lines).strip().split(",")
        return [line.strip().split(",")[names.index(name)] for line in lines]


def test_every_row_that_is_drawn_names_its_sample_and_the_samples_time(recorded, tmp_path) -> None:
    (one,) = stretches.series(recorded, "stream = '/imu'")
    laid = stretches.lay(recorded, one, tmp_path)
    imu = recorded.arrow("imu", where={"stream": "/imu"}).sort_by("index")
    times = imu["t_ns"].to_numpy()
    assert [int(x) for x in column(laid.path, "sample")] == list(range(len(times)))
    assert [round(float(x) * 1e9) for x in column(laid.path, "t")] == (times - times[0]).tolist()
    assert [float(x) for x in column(laid.path, "c0")] == pytest.approx(imu["gyro_x_rad_s"].to_pylist(), rel=1e-8)
    assert stretches.lay(recorded, one, tmp_path).path == laid.path


def test_a_long_series_is_thinned_out_and_keeps_its_peaks(recorded, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(stretches, "MOST_ROWS", 300)
    (one,) = stretches.series(recorded, "stream = '/imu'")
    laid = stretches.lay(recorded, one, tmp_path)
    drawn = [int(x) for x in column(laid.path, "sample")]
    assert len(drawn) == laid.passport.rows <= 310
    assert "of them are drawn" in laid.about
    for name in ("gyro_x_rad_s", "accel_z_m_s2"):
        values = recorded.arrow("imu", columns=["index", name], where={"stream": "/imu"}).sort_by("index")[name]
        kept = values.to_numpy()[drawn]
        assert (kept.min(), kept.max()) == (values.to_numpy().min(), values.to_numpy().max())
    # A range from row to row is all samples between them, those that are not drawn too.
    places = [float(x) for x in column(laid.path, "t")]
    span = laid.axis.span_of(places[10], places[20])
    assert (span.index, span.index_end) == (drawn[10], drawn[20] + 1)


def test_a_stream_is_cut_into_stretches_that_leave_nothing_out(recorded, tmp_path) -> None:
    cut = stretches.series(recorded, "stream = '/imu'", clip_ns=700_000_000)
    assert len(cut) == 5  # 3 s
    assert [one.index for one in cut[1:]] == [one.index_end for one in cut[:-1]]
    assert (cut[0].index, cut[-1].index_end) == (0, 3000)
    second = stretches.lay(recorded, cut[1], tmp_path)
    assert 0.7 <= float(column(second.path, "t")[0]) < 0.71
    assert int(column(second.path, "sample")[0]) == cut[1].index


def test_sound_is_shown_sample_for_sample(recorded, tmp_path, shared_data) -> None:
    (one,) = [s for s in stretches.sounds(recorded, None) if s.row["channels"] == 2 and s.row["count"] == 15]
    laid = stretches.lay(recorded, one, tmp_path)
    with (
        wave.open(str(shared_data / "video/audio/audio_int16_48k.wav")) as truth,
        wave.open(str(laid.path)) as shown,
    ):
        assert shown.getparams()[:4] == truth.getparams()[:4] == (2, 2, 48_000, 60_743)
        assert shown.readframes(60_743) == truth.readframes(60_743)
    mixed = [s for s in stretches.sounds(recorded, None) if s.row["channels"] == 5]
    with wave.open(str(stretches.lay(recorded, mixed[0], tmp_path / "5").path)) as shown:
        assert shown.getparams()[:4] == (1, 2, 48_000, 60_743)


def test_compressed_sound_lies_where_its_packets_say(recorded, tmp_path, shared_data) -> None:
    (one,) = stretches.sounds(recorded, "codec = 'aac'")
    laid = stretches.lay(recorded, one, tmp_path)
    rows = recorded.arrow("audio", where={"recording_id": one.row["recording_id"]}).sort_by("index").to_pylist()
    with wave.open(str(laid.path)) as shown:
        assert shown.getnframes() == sum(row["samples"] for row in rows)
        heard = np.frombuffer(shown.readframes(shown.getnframes()), "<i2").reshape(-1, shown.getnchannels())
    at = {row["pts"]: row["first_sample"] for row in rows}
    met = 0
    with av.open(str(shared_data / "video/imageio/realshort.mp4")) as container:
        for frame in container.decode(audio=0):
            if frame.pts in at and (wanted := frame.to_ndarray().T).any():
                found = heard[at[frame.pts] : at[frame.pts] + frame.samples] / 32_768
                assert found == pytest.approx(wanted[: len(found)], abs=1 / 32_768)
                met += 1
    assert met > 20
    whole = laid.axis.span_of(0, 1e6)
    assert (whole.index, whole.index_end) == (0, len(rows))


def test_a_clap_that_is_heard_is_found_at_its_time(recorded, tmp_path) -> None:
    (one,) = stretches.sounds(recorded, "stream = '/audio'")
    laid = stretches.lay(recorded, one, tmp_path)
    with wave.open(str(laid.path)) as shown:
        heard = np.abs(np.frombuffer(shown.readframes(shown.getnframes()), "<i2").astype(np.int32))
    clap = int(np.argmax(heard > 15_000))
    span = laid.axis.span_of(clap / 48_000, (clap + 4800) / 48_000)
    assert (span.sample, span.sample_end) == (clap, clap + 4800)
    block = recorded.arrow("audio", where={"stream": "/audio"}).sort_by("index").to_pylist()[span.index]
    assert block["first_sample"] <= clap < block["first_sample"] + block["samples"]
    assert span.t_start_ns == block["t_ns"] + round((clap - block["first_sample"]) * 1e9 / 48_000)


def test_streams_of_other_channels_are_told_apart(recorded) -> None:
    several = stretches.series(recorded, "stream IN ('/imu', 'BioSemi')")
    with pytest.raises(UsageError) as told:
        stretches.channels(recorded, several)
    assert told.value.code == "annotate.several-channels"
    imu = stretches.channels(recorded, stretches.series(recorded, "stream = '/imu'"))
    assert [one.name for one in imu] == ["gyro x", "gyro y", "gyro z", "accel x", "accel y", "accel z"]


def test_gaps_of_a_stream_are_told(recorded, tmp_path) -> None:
    (one,) = stretches.series(recorded, "stream = 'BioSemi'")
    assert "gaps: the longest" in stretches.lay(recorded, one, tmp_path).about
