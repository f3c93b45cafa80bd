"""The documents show what the commands say."""

from pathlib import Path

import pytest
from refresh import BLOCK, reference, refreshed, settled

ROOT = Path(__file__).resolve().parents[2]


def test_the_command_reference_is_fresh() -> None:
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == reference(), "run make readme"


@pytest.mark.live
def test_the_readme_shows_the_true_output(workshop: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert BLOCK.search(text)
    assert settled(text) == refreshed(text, workshop), "run make readme"


def test_architecture_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rooms = [p.name for p in (ROOT / "toolkit" / "rushes").iterdir() if p.is_dir() and p.name[0].isalpha()]
    assert [room for room in rooms if f"{room}/" not in text] == []
