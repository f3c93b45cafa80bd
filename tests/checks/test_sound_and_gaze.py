"""Sound that is cut off or absent, and gaze that is lost or stuck, are found; speech and saccades are not."""

import numpy as np
import pytest

from contracts.checks import StreamCheckContract, findings, ticks
from rushes.checks._sound import SOUND_MEASURES, measure_block
from rushes.checks.audio_level import PLUGIN as AUDIO
from rushes.checks.gaze_plausible import PLUGIN as GAZE
from rushes.contracts import StreamView
from rushes.decoders import as_wave, plain
from rushes.model import Stream

BLOCK = 1600


def speech(seconds=8.0, channels=2, loud=0.2):
    """Noise at 16 kHz that swells and fades four times a second, never to nothing."""
    count = round(seconds * 16_000)
    rng = np.random.default_rng(2)
    swell = 0.3 + 0.7 * np.abs(np.sin(np.arange(count) * 2 * np.pi * 2 / 16_000))
    return (loud * swell[:, None] * rng.standard_normal((count, channels)).clip(-3, 3)).astype(np.float32)


def heard(wave):
    blocks = [measure_block(wave[at : at + BLOCK]) for at in range(0, len(wave), BLOCK)]
    columns = dict(zip(SOUND_MEASURES, np.array(blocks).T, strict=True))
    return StreamView(
        recording="walk.mcap",
        stream=Stream(name="mic", modality="audio", table="audio", clock="header", channels=wave.shape[1]),
        columns={"index": np.arange(len(blocks)), "t_ns": ticks(10, len(blocks))} | columns,
    )


class TestAudio(StreamCheckContract):
    check = AUDIO

    def clean(self):
        return heard(speech())

    def faulty(self):
        wave = speech()
        wave[16_000:24_000] = (6 * wave[16_000:24_000]).clip(-1, 1)
        return heard(wave)

    def test_a_clipped_stretch_is_one_finding(self):
        (found,) = findings(AUDIO, self.faulty())
        assert found.message.startswith("mic: blocks 10 to 14: clipped, ")
        assert (found.severity, found.count) == ("warning", 5)

    def test_a_single_peak_at_full_scale_is_not_clipped(self):
        wave = speech()
        wave[::700] = 1.0
        assert findings(AUDIO, heard(wave)) == []

    def test_samples_that_are_no_numbers_are_an_error_and_the_rest_is_judged(self):
        wave = speech()
        wave[5000, 1], wave[9000:9700] = np.nan, np.inf
        (found,) = findings(AUDIO, heard(wave))
        assert found.message == "mic: block 3: samples without a number, and so in 2 more blocks"
        assert (found.severity, found.index, found.count) == ("error", 3, 3)

    def test_zeros_silence_pauses_offset_and_dead_channels_are_told_apart(self):
        assert [f.message for f in findings(AUDIO, heard(np.zeros((80_000, 2), np.float32)))] == [
            "mic: nothing but zeros"
        ]
        (quiet,) = findings(AUDIO, heard(speech(loud=1e-4)))
        assert quiet.message.startswith("mic: silent from beginning to end, at most -")
        wave = speech()
        wave[48_000:96_000] *= 1e-4
        assert [(f.severity, f.message) for f in findings(AUDIO, heard(wave), silent_s=2)] == [
            ("info", "mic: blocks 30 to 59: silent for 3 s (limit 2 s below -60 dBFS)")
        ]
        (aside,) = findings(AUDIO, heard(speech() + 0.05))
        assert aside.value == pytest.approx(0.05, abs=0.005)
        assert aside.message.startswith("mic: its middle lies at +5.")
        dead = speech()
        dead[:, 1] = 0
        (found,) = findings(AUDIO, heard(dead))
        assert found.message.startswith("mic: one of its 2 channels is silent throughout")


@pytest.mark.parametrize(("codec", "order"), [("pcm_s24le", "little"), ("pcm_s24be", "big")])
def test_sound_of_24_bits_is_read_at_full_scale_one(codec, order):
    payload = b"".join(value.to_bytes(3, order, signed=True) for value in (2**22, -(2**23), 0, 2**21))
    assert as_wave(plain(payload + b"\x01", codec, 2)) == pytest.approx(np.array([[0.5, -1.0], [0.0, 0.25]]))


@pytest.mark.parametrize(("codec", "kind"), [("pcm_s16le", "<i2"), ("pcm_s32be", ">i4"), ("pcm_f32le", "<f4")])
def test_plain_sound_is_read_at_full_scale_one(codec, kind):
    wave = np.array([[0.5, -1.0], [0.0, 0.25]])
    scale = 1 if "f" in kind else np.iinfo(kind).max
    payload = (wave * scale).astype(kind).tobytes() + b"\x01"
    assert as_wave(plain(payload, codec, 2)) == pytest.approx(wave, abs=1e-4)


def looks(count=2000, **columns):
    """Fixations of a third of a second with tremor and saccades between them, 200 Hz."""
    rng = np.random.default_rng(3)
    spots = rng.uniform((200, 200), (1400, 1000), (count // 60 + 1, 2))
    where = np.repeat(spots, 60, axis=0)[:count] + rng.normal(0, 1.5, (count, 2))
    return StreamView(
        recording="neon",
        stream=Stream(name="gaze", modality="gaze", table="gaze", clock="header"),
        columns={"index": np.arange(count), "t_ns": ticks(200, count), "x_px": where[:, 0], "y_px": where[:, 1]}
        | {"confidence": rng.uniform(0.7, 1, count), "worn": np.ones(count, bool)}
        | columns,
    )


class TestGaze(StreamCheckContract):
    check = GAZE

    def clean(self):
        return looks()

    def faulty(self):
        x = looks().columns["x_px"].copy()
        x[100:700] = np.nan
        return looks(x_px=x)

    def test_what_is_missing_is_told_as_a_share(self):
        assert [f.message for f in findings(GAZE, self.faulty())] == [
            "gaze: no gaze in 30% of the samples (limit 20%)"
        ]

    def test_doubt_standing_values_spikes_and_not_worn_are_told_apart(self):
        clean = looks().columns
        low = clean["confidence"].copy()
        low[:900] = 0.1
        assert "confidence below 0.5" in findings(GAZE, looks(confidence=low))[0].message
        x, y = clean["x_px"].copy(), clean["y_px"].copy()
        x[400:600], y[400:600] = x[400], y[400]
        (stuck,) = findings(GAZE, looks(x_px=x, y_px=y))
        assert stuck.message.startswith("gaze: samples 401 to 599: the same to the last digit for 0.99 s")
        spiky = clean["x_px"].copy()
        spiky[20::50] += 900
        assert "jump away and straight back" in findings(GAZE, looks(x_px=spiky))[0].message
        off = np.ones(2000, bool)
        off[:100] = False
        assert [f.message for f in findings(GAZE, looks(worn=off))] == ["gaze: not worn for 5% of the samples"]

    def test_directions_that_are_no_unit_vectors_are_told(self):
        rng = np.random.default_rng(0)
        directions = rng.normal(0, 0.1, (200, 3)) + np.array([0, 0, 1])
        directions /= np.linalg.norm(directions, axis=1)[:, None]
        directions[7] *= 2
        names = ("direction_x", "direction_y", "direction_z")
        bare = looks(200, x_px=np.full(200, np.nan), **dict(zip(names, directions.T, strict=True)))
        found = [f for f in findings(GAZE, bare) if "jump" not in f.message]
        assert [f.message for f in found] == ["gaze: 1 directions are no unit vectors; the worst is 2 long"]
