"""What people read of many findings."""

from rushes.cli.check import fold
from rushes.model import Finding
from rushes.workflow.check import Found


def found(stream: str | None, message: str, recording: str = "r1") -> Found:
    finding = Finding(check="stream.time", severity="info", stream=stream, message=message)
    return Found(recording_id=recording, recording=recording, finding=finding)


def test_what_is_alike_in_many_streams_of_a_recording_is_said_once() -> None:
    apart = [found(f"/s{i}", f"/s{i}: header stamps are {i}.5 s apart") for i in range(5)]
    folded = fold([*apart, found("/s9", "/s9: header stamps are 7 s apart", recording="r2")])
    assert [(what, count) for _, what, count in folded] == [
        ("/s0: header stamps are 0.5 s apart (4 more like it in 4 other streams)", 5),
        ("/s9: header stamps are 7 s apart", 1),
    ]


def test_what_is_alike_in_few_streams_is_said_of_each() -> None:
    gaps = [found("/s1", f"/s1: 2 frames missing before frame {i}") for i in range(6)]
    pair = [found(f"/s{i}", f"/s{i}: stands still") for i in range(2)]
    assert [what for _, what, _ in fold([*gaps, *pair])] == [item.finding.message for item in [*gaps, *pair]]


def test_what_concerns_whole_recordings_is_never_folded() -> None:
    assert len(fold([found(None, "r1: it ends at byte 5")] * 5)) == 5
