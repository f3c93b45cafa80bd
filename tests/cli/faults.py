"""What the tests of faults share: how an answer is held, and what must not have changed."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cli.conftest import Said, hold_to_schema
from rushes import resources

SAMPLES = resources.folder("data_samples")
TAKE = SAMPLES / "tabletop" / "tabletop_s01_take1.mcap"
Typed = Callable[[str], Said]


def fingerprint(place: Path) -> dict[str, str]:
    """Give what lies below a folder: name → content of files, target of links, kind of the rest."""
    seen = {}
    for path in sorted(place.rglob("*")):
        name = str(path.relative_to(place))
        if path.is_symlink():
            seen[name] = f"-> {path.readlink()}"
        elif path.is_file():
            seen[name] = sha256(path.read_bytes()).hexdigest()
        else:
            seen[name] = "folder" if path.is_dir() else "special"
    return seen


def answered(typed: Typed, line: str, *, codes: set[int], words: tuple[str, ...] = ()) -> Said:
    """Type a line, plainly and with --json; hold both answers to what every answer owes."""
    said = typed(line)
    assert said.code in codes, said
    assert "Traceback" not in said.out + said.err
    told = said.out + said.err
    for word in words:
        assert word in told, told
    if said.code in (1, 2):
        assert "hint:" in told or "warning:" in told, told
    as_json = typed(f"{line} --json")
    verb = line.split(maxsplit=1)[0]
    assert as_json.code in codes, as_json
    hold_to_schema(verb, as_json.json)
    if "error" in as_json.json:
        error = as_json.json["error"]
        assert error["hint"], error
        assert error["code"] in known_codes()
    return said


def known_codes() -> set[str]:
    found: set[str] = set()
    for file in (resources.folder("schemas") / "errors").glob("*.yaml"):
        found |= resources.load_yaml(f"errors/{file.name}").keys()
    return found
