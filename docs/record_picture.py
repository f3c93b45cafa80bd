"""Make ``docs/record.svg``: what ``rushes record`` shows in a terminal, of the virtual rig after some seconds."""

import re
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from rushes import rigs
from rushes.cli._record_screen import board
from rushes.recorder.recording import Recording

WIDTH, HEIGHT = 104, 22
KEYS = "m marker  space pause  n next  k keep  d discard  r retake  q stop"


def make(target: Path, seconds: float = 8.0) -> None:
    """Record the virtual rig into a scratch folder, and draw the screen as it was at the end."""
    rig = rigs.load("virtual-tabletop")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "virtual-tabletop.mcap"
        with Recording(path, rig, {"subject": "s07", "task": "pour tea"}, opening_s=300.0) as recording:
            time.sleep(seconds)
            recording.mark("lid on", "m")
            status = recording.status()
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=WIDTH, height=HEIGHT, file=nowhere, force_terminal=True)
        console.print(board(status, title=f"{rig.name} → {path.name}", keys=KEYS, width=WIDTH, height=HEIGHT))
        drawn = console.export_svg(title=f"rushes record {rig.name} --subject s07 --task 'pour tea'")
    target.write_text(
        re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL), encoding="utf-8"
    )  # no font from afar


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("record.svg"))
