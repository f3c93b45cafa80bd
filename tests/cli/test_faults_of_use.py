"""Mistakes on the command line and in recipes are answered before anything is done."""

from pathlib import Path

import pytest

from cli.faults import TAKE, Typed, answered, fingerprint

pytestmark = pytest.mark.timeout(60)

MISTAKES = [
    ("query good 'select 1' --at 99", 1, ("'99'", "rushes log")),
    ("query good 'select 1' --at firts", 1, ("'firts'", "'first'")),
    ("browse good --prove --at nope", 1, ("'nope'",)),
    ("query good 'selec 1'", 2, ("selec",)),
    ("query good ''", 2, ("empty",)),
    ("query good 'select * from fraems'", 2, ("'frames'",)),
    ("query good \"select cast('a' as int)\"", 2, ("'a'",)),
    ("query good \"select error('x')\"", 2, ("x",)),
    ("query good \"select * from read_csv('/etc/passwd')\"", 2, ("/etc/passwd",)),
    ("query good 'select 1; drop table frames'", 2, ("DROP",)),
    ("query good \"copy frames to 'x.csv'\"", 2, ("COPY",)),
    ("split good --parts a:1", 2, ("train", "--name")),
    ("split good --parts train:0.4,val:0.3,test:0.3 --by recording", 2, ("--fresh",)),
    ("split good --parts train:0.4,val:0.3,test:0.3 --by subject --fresh", 2, ("2 groups",)),
    ("split good --parts train:0.5,train:0.5", 2, ("twice",)),
    ("split good --parts :1", 2, ("no part",)),
    ("split good --parts train:-1,test:2", 2, ("-1",)),
    ("split good --parts train:nan,test:1", 2, ("nan",)),
    ("split good --parts train:0.5,test:0.4 --fresh", 2, ("0.9",)),
    ("split good --by sbject", 2, ("'subject'",)),
    ("split good --seed 99999999999999999999", 2, ("99999999999999999999",)),
    ("split good --name ' '", 2, ("name",)),
    ("split good --splitter gruoped", 2, ("'grouped'",)),
    ("sync good --to /cam0/image/compresed", 1, ("/cam0/image/compressed",)),
    ("sync good --stream /nope --stream /imu", 1, ("tabletop_s01_take1",)),
    ("sync good --to /tf_static", 1, ("/tf_static",)),
    ("sync good --time pts", 1, ("tabletop_s01_take1",)),
    ("sync good --time hedaer", 2, ("'header'",)),
    ("sync good --within=-5ms", 2, ("-5ms",)),
    ("sync good --within 5", 2, ("10ms",)),
    ("check good --only imgae", 2, ("'image'",)),
    ("check good --set stream.gap.limt=2", 2, ("'limit'",)),
    ("check good --set stream.gap.limit=x", 2, ("stream.gap.limit=x",)),
    ("check good --set stream.gap.limit=-1", 2, ("-1",)),
    ("check good --set stream.gap.limit=nan", 2, ("nan",)),
    ("check good --set stream.gap=2", 2, ("CHECK.OPTION",)),
    ("check good --set limit=2", 2, ("CHECK.OPTION",)),
    ("check good --set nope.x=2", 2, ("nope",)),
    ("check good --fail-on eror", 2, ("'error'",)),
    ("check good --onyl image", 2, ("--only",)),
    ("check --explain steam.gap", 2, ("stream.gap",)),
    ("tag good 'a b'", 2, ("'a b'",)),
    ("tag good first --revision 1", 2, ("'first'",)),
    ("tag good x --revision 99", 1, ("'99'",)),
    ("tidy good --keep 0", 2, ("0",)),
    (f"ingest {TAKE} --into good --reader mpca", 2, ("'mcap'",)),
    (f"ingest {TAKE} --into good --fact subject", 2, ("NAME=VALUE",)),
    (f"look {TAKE} --out nowhere/page.html", 2, ("nowhere",)),
    (f"look {TAKE} --out good", 2, ("folder",)),
    ("plugins raeders", 2, ("'readers'",)),
    ("run nope --into good", 1, ("nope",)),
    ("run tabletop --into good --set 'split.seed=['", 1, ("split.seed=[",)),
    ("run tabletop --into good --set name.x=1", 1, ("name.x",)),
    ("run tabletop --into good --set split.seed=x", 1, ("split.seed",)),
    ("run tabletop --into good --set sync.within=10", 1, ("sync.within",)),
    ("run tabletop --into good --set 'sync.within=5 ells'", 1, ("5 ells",)),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "words"), MISTAKES, ids=[line for line, *_ in MISTAKES])
def test_a_mistake_of_use_is_answered_and_changes_nothing(
    line: str, code: int, words: tuple[str, ...], good: Path, typed: Typed
) -> None:
    before = {**fingerprint(good / "tables"), **fingerprint(good / "media")}
    answered(typed, line, codes={code}, words=words)
    assert {**fingerprint(good / "tables"), **fingerprint(good / "media")} == before


HEAD = "recipe: 1\nname: a\nabout: b\n"
RECIPES = {
    "a: [": ("line 1",),
    "name:\ta\n\tb: c": ("line",),
    "": ("object",),
    "- a": ("object",),
    "recipe: 2\nname: a\nabout: b": ("recipe",),
    HEAD + "ingset: {}": ("'ingest'",),
    HEAD + "sync: {within: 5}": ("sync.within",),
    HEAD + "sync: {within: 5 parsecs}": ("5 parsecs",),
    HEAD + "sync: {tmie: log}": ("'time'",),
    HEAD + "check: {only: 3}": ("check.only",),
    HEAD + "ingest: {paths: [PATH]}\ncheck: {only: [nope]}": ("nope",),
    HEAD + "ingest: {paths: [PATH]}\ncheck: {options: {stream.gap: {limt: 3}}}": ("'limit'",),
    HEAD + "ingest: {paths: [PATH]}\ncheck: {options: {stream.gap: {limit: many}}}": ("many",),
    HEAD + "ingest: {paths: [PATH], reader: mcpa}": ("'mcap'",),
    HEAD + "ingest: {paths: [PATH], facts: {sbject: x}}": ("'subject'",),
    HEAD + "ingest: {paths: [PATH], facts: {subject: 7}}": ("subject",),
    HEAD + "ingest: {paths: [nope.mcap]}": ("nope.mcap",),
    HEAD + "ingest: {}": ("names no recordings",),
    HEAD + "split: {by: sbject}": ("sbject",),
    HEAD + "ingest: {paths: [PATH]}\nsplit: {splitter: gruoped}": ("'grouped'",),
    HEAD + "ingest: {options: &a {a: *a}}": ("recipe.yaml",),
    HEAD + "ingest: {options: {2: a, b: c}}": ("recipe.yaml",),
    "!!python/object:os.system {}": ("os.system",),
    "a: " + "[" * 900: ("recipe.yaml",),
}


@pytest.mark.parametrize("text", RECIPES, ids=[text.removeprefix(HEAD)[:50] for text in RECIPES])
def test_a_mistake_in_a_recipe_is_told_before_anything_is_read(text: str, here: Path, typed: Typed) -> None:
    Path("recipe.yaml").write_text(text.replace("PATH", str(TAKE)))
    answered(typed, "run recipe.yaml --into d", codes={1, 2}, words=RECIPES[text])
    assert not Path("d").exists()


def test_a_recipe_that_is_not_text_or_not_there(here: Path, typed: Typed) -> None:
    Path("binary.yaml").write_bytes(b"\xff\xfe\0")
    Path("folder.yaml").mkdir()
    for name in ("binary.yaml", "folder.yaml", "absent.yaml"):
        answered(typed, f"run {name} --into d", codes={1}, words=(name,))


def test_numbers_that_json_does_not_know_and_other_kinds_are_answered(good: Path, typed: Typed) -> None:
    sql = "select 'nan'::float a, 'inf'::double b, blob '\\xAA' c, date '2020-01-01' d, map([1],[2]) e, [1.5] f"
    assert typed(f'query good "{sql}" --json').json["result"]["rows"] == [
        [None, None, "aa", "2020-01-01", {"1": 2}, [1.5]]
    ]
