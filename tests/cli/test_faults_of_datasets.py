"""A dataset that is none, or was damaged, is told; nothing of it gets worse."""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from cli.faults import TAKE, Typed, answered, fingerprint

pytestmark = pytest.mark.timeout(60)

READS = ("log {}", "sync {}", "check {}", "split {}", "verify {}", "tidy {}", "tag {} t", "query {} 'select 1'")
READS = (*READS, "browse {} --prove", f"ingest {TAKE} --into {{}}")


@pytest.mark.parametrize("line", READS)
def test_what_is_no_dataset_is_told_and_not_touched(line: str, here: Path, typed: Typed) -> None:
    (here / "file").write_text("a file")
    (here / "newer").mkdir()
    (here / "newer" / "rushes.json").write_text(json.dumps({"format": 99, "name": "n", "rushes": "dataset"}))
    (here / "broken").mkdir()
    (here / "broken" / "rushes.json").write_text("{")
    (here / "other").mkdir()
    (here / "other" / "thesis.txt").write_text("all of it")
    before = fingerprint(here)
    for name in ("file", "newer", "broken", "other"):
        answered(typed, line.format(here / name), codes={1}, words=(name,))
    assert fingerprint(here) == before


def last_entry(dataset: Path, table: str) -> Path:
    return max((dataset / "tables" / table / "_delta_log").glob("*.json"))


def rewrite(files: Iterable[Path], change: Callable[[bytes], bytes]) -> None:
    for file in list(files):
        file.write_bytes(change(file.read_bytes()))


def data_of(dataset: Path, table: str = "frames") -> list[Path]:
    return list((dataset / "tables" / table).glob("*.parquet"))


SPOILED: dict[str, Callable[[Path], object]] = {
    "cut log": lambda d: rewrite([last_entry(d, "frames")], lambda data: data[:30]),
    "empty log": lambda d: last_entry(d, "frames").write_bytes(b""),
    "no log": lambda d: shutil.rmtree(d / "tables" / "frames" / "_delta_log"),
    "empty log of revisions": lambda d: last_entry(d, "revisions").write_bytes(b""),
    "absent data": lambda d: [file.unlink() for file in data_of(d)],
    "zeroed data": lambda d: rewrite(data_of(d), lambda data: data[:4] + bytes(len(data) - 4)),
    "zeroed pages": lambda d: rewrite(
        data_of(d), lambda data: data[:4] + bytes(len(data) // 3 - 4) + data[len(data) // 3 :]
    ),
    "cut data": lambda d: rewrite(data_of(d), lambda data: data[: len(data) // 2]),
    "tags": lambda d: (d / "tags.json").write_text("["),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_damaged_dataset_is_named_to_the_file_and_not_made_worse(what: str, good: Path, typed: Typed) -> None:
    SPOILED[what](good)
    before = {name: text for name, text in fingerprint(good).items() if name.startswith("tables")}
    lines = (
        "query good 'select sum(t_ns), count(stream) from frames'",
        "check good --fail-on never",
        "browse good --prove",
    )
    for line in lines if what != "tags" else ("log good", "tag good t", "tidy good --dry-run"):
        said = answered(typed, line, codes={1})
        assert "damaged" in said.err or "vacuum" in said.err, said.err
        assert "good/ta" in said.err, said.err
    after = fingerprint(good)
    assert {name: after[name] for name in before} == before


def test_a_deleted_a_cut_and_a_replaced_media_file_are_found(here: Path, typed: Typed) -> None:
    for name in ("a", "b", "c"):
        shutil.copy(
            TAKE.with_name(f"tabletop_s0{2 if name == 'c' else 1}_take{2 if name == 'b' else 1}.mcap"),
            here / f"{name}.mcap",
        )
    assert typed(f"ingest {here} --into d").code == 0
    assert typed("verify d").code == 0
    before = fingerprint(Path("d"))
    (here / "a.mcap").unlink()
    kept = (here / "b.mcap").stat()
    data = bytearray((here / "b.mcap").read_bytes())
    data[len(data) // 2] ^= 1
    (here / "b.mcap").write_bytes(data)
    os.utime(here / "b.mcap", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    with (here / "c.mcap").open("r+b") as stream:
        stream.truncate(5000)
    said = answered(
        typed, "verify d", codes={1}, words=("a.mcap: is not there", "b.mcap: same size, other content")
    )
    assert "c.mcap: 5000 bytes" in said.out
    assert typed("verify d --json").json["result"]["counts"] == {"same": 0, "hashed": 0, "changed": 2, "absent": 1}
    checked = answered(typed, "check d --fail-on error", codes={3}, words=("image.unreadable", "a.mcap"))
    assert "Traceback" not in checked.err
    answered(typed, "sync d", codes={0})
    assert {name for name in before if name not in fingerprint(Path("d"))} == set()
