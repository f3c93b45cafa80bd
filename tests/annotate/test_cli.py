"""The commands of the group, typed at a shell, against the real server."""

import json
import shlex
import uuid

import httpx
import pytest

from annotate.people import second_person
from annotate.test_push_pull import annotate, box, tasks_of
from cli.conftest import Said, hold_to_schema
from rushes.annotate.label_studio import access, places
from rushes.cli._main import run

WHERE = "recordings.reader = 'image_folder'"


@pytest.fixture
def typed(capsys):
    def type_it(line):
        capsys.readouterr()
        code = run(["annotate", *shlex.split(line)])
        return Said(code, *capsys.readouterr())

    return type_it


def answer(said):
    assert said.code == 0, said.err + said.out
    hold_to_schema("annotate", said.json)
    return said.json["result"]


def test_without_a_server_the_way_to_one_is_told(dataset, typed, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path / "nowhere"))
    said = typed(f"pull {dataset} --json")
    assert said.code == 1
    assert said.json["error"]["code"] == "labelstudio.not-running"
    assert "rushes annotate up" in said.json["error"]["hint"]
    assert answer(typed("status --json")) == {"running": False}
    assert answer(typed("down --json")) == {"stopped": None}


@pytest.mark.live
def test_the_whole_way_through_the_commands(dataset, typed, client, served, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv(places.HOME_VARIABLE, str(served.home.root))
    assert answer(typed("up --json"))["url"] == served.url
    assert answer(typed("status --json"))["pid"] == served.pid
    push = f'push {dataset} --template boxes --ontology hands --where "{WHERE}"'
    assert answer(typed(f"{push} --dry-run --json"))["created"] == 3
    pushed = answer(typed(f"{push} --json"))
    assert (pushed["created"], pushed["same"]) == (3, 0)
    assert "3 as they were" in typed(push).out
    tasks = tasks_of(client, pushed["project"])
    made = annotate(client, tasks[0].id, [box()])
    first = answer(typed(f"pull {dataset} --json"))
    assert (first["created"], first["labels"]) == (1, 1)
    revision = typed(f"pull {dataset} --json").json["revision"]
    client._write("PATCH", f"/api/annotations/{made['id']}/", {"result": [box(x=50), box("b", "cup")]})
    annotate(client, tasks[1].id, [box()])
    answer(typed(f"pull {dataset} --json"))
    changes = answer(typed(f"diff {dataset} --since {revision} --json"))["changes"]
    told = sorted((change["what"], change["class"], change["fields"]) for change in changes)
    assert told == [("added", "cup", []), ("added", "hand", []), ("changed", "hand", ["geometry"])]
    versions = answer(typed(f"blame {dataset} --json"))["versions"]
    assert [(v["action"], v["labels"]) for v in versions] == [("created", 0), ("updated", 2), ("created", 1)]
    assert {v["author"] for v in versions} == {served.account}
    assert len(answer(typed(f"blame {dataset} --task {tasks[1].key} --json"))["versions"]) == 1
    rebuilt = answer(typed(f"rebuild {dataset} --json"))
    assert rebuilt["labels"] == 3
    for line in (f"diff {dataset} --since {revision}", f"blame {dataset}", f"pull {dataset}", "status"):
        assert typed(line).code == 0


@pytest.mark.live
def test_a_server_of_the_team_is_used_by_its_address(dataset, typed, served, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path / "nowhere"))
    monkeypatch.setenv(access.TOKEN_VARIABLE, served.access.token)
    push = f'push {dataset} --template boxes --ontology hands --where "{WHERE}" --url {served.url}'
    without = typed(f"{push} --json")
    assert json.loads(without.out)["error"]["code"] == "labelstudio.no-media"
    assert answer(typed(f"{push} --media {served.home.media} --json"))["created"] == 3
    assert answer(typed(f"pull {dataset} --url {served.url} --json"))["tasks"] == 3


@pytest.mark.live
def test_legacy_and_personal_tokens_of_two_people_open_a_server_of_the_team(
    dataset, typed, served, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path / "nowhere"))
    monkeypatch.delenv(access.TOKEN_VARIABLE, raising=False)
    ben = second_person(served, f"{uuid.uuid4().hex[:8]}@example.org")
    personal = httpx.post(
        f"{served.url}/api/token/", headers={"Authorization": f"Token {ben}"}, timeout=60, trust_env=False
    ).json()["token"]
    created = []
    for token in (ben, personal, served.access.token):
        file = tmp_path / "token"
        places.write_secret(file, token + "\n")
        there = f"--url {served.url} --token-file {file} --media {served.home.media}"
        pushed = typed(f'push {dataset} --template boxes --ontology hands --where "{WHERE}" {there} --json')
        assert token not in pushed.out + pushed.err
        created.append(answer(pushed)["created"])
        assert answer(typed(f"pull {dataset} {there} --json"))["tasks"] == 3
    assert created == [3, 0, 0]
    said = typed(f"pull {dataset} --url {served.url} --json")
    assert said.json["error"]["code"] == "labelstudio.no-token"
