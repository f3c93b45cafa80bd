"""--dry-run says what would be done and writes nothing; tags keep what they name."""

from pathlib import Path

import pytest

from cli.faults import TAKE, Typed, answered, fingerprint

LINES = [
    f"ingest {TAKE.with_name('tabletop_s02_take1.mcap')} --into new --dry-run",
    f"ingest {TAKE} --into good --dry-run",
    "sync good --within 1ms --dry-run",
    "check good --fail-on never --dry-run",
    "split good --parts train:0.3,val:0.3,test:0.4 --fresh --dry-run",
    "verify good --dry-run",
    "tidy good --keep 1 --dry-run",
    "tag good second --dry-run",
    "run tabletop --into good --dry-run",
    "run tabletop --into new --dry-run",
]


@pytest.mark.parametrize("line", LINES)
def test_a_dry_run_writes_nothing(line: str, good: Path, typed: Typed) -> None:
    before = fingerprint(good.parent)
    said = answered(typed, line, codes={0})
    assert said.out
    assert fingerprint(good.parent) == before


def test_a_dry_run_says_what_the_run_then_does(good: Path, typed: Typed) -> None:
    line = "split good --by recording --parts train:0.3,val:0.3,test:0.4 --fresh"
    planned = typed(f"{line} --dry-run --json").json["result"]["assignments"]
    assert typed(f"{line} --json").json["result"]["assignments"] == planned
    assert "recordings: 3 planned" in typed("run tabletop --into new --dry-run").out
    assert typed("run tabletop --into good --dry-run").out.count("present") >= 3


def test_a_tagged_revision_is_read_after_the_dataset_went_on_and_was_tidied(good: Path, typed: Typed) -> None:
    sql = "select split, part, count(*) from splits group by all order by all"
    before = typed(f"query good '{sql}' --at first --csv").out
    assert typed("split good --parts train:0.3,val:0.3,test:0.4 --fresh").code == 0
    for _ in range(2):
        assert typed("tidy good --keep 1").code == 0
    assert typed(f"query good '{sql}' --at first --csv").out == before
    assert typed(f"query good '{sql}' --csv").out != before
