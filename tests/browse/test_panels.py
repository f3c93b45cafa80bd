"""Our panels in a served App: what they answer through the guard, and what a real Chromium shows of them."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import yaml
from playwright.sync_api import sync_playwright

from browse import sets
from rushes.browse import plugin_files
from rushes.workflow.dataset import Dataset

OUTPUT = Path(__file__).resolve().parents[1] / "output" / "browse"
OPEN = Path(__file__).with_name("open_dataset.py")
SLOW_MS = 60_000
BUSY = "entry is loading"
"""What FiftyOne's own grid complains of where a panel is opened while it is still filled."""
SAMPLES = """
query ($name: String!, $view: BSONArray!, $filter: SampleFilter) {
  samples(dataset: $name, view: $view, first: 200, filter: $filter) {
    ... on SampleItemStrConnection { edges { node { ... on ImageSample { id sample } } } }
  }
}
"""


def test_the_plugin_names_each_of_its_files():
    said = yaml.safe_load((Path(plugin_files.__file__).parent / "plugin" / "fiftyone.yml").read_text())
    assert said["name"] == plugin_files.NAME
    assert said["panels"] == plugin_files.names("panels")
    assert said["operators"] == plugin_files.names("operators")


def test_the_plugin_is_put_in_place_once(tmp_path):
    place = plugin_files.put_into(tmp_path)
    before = {file.name: file.stat().st_mtime_ns for file in place.iterdir()}
    assert set(before) == {"fiftyone.yml", "__init__.py"}
    plugin_files.put_into(tmp_path)
    assert {file.name: file.stat().st_mtime_ns for file in place.iterdir()} == before


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return sets.rig(tmp_path_factory.mktemp("rig") / "rig")


@pytest.fixture(scope="module")
def served(_mongod, dataset):
    talk = (dataset.parent / "stderr").open("w")
    command = [sys.executable, str(OPEN), str(dataset)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=talk, text=True, start_new_session=True)
    line = process.stdout.readline()
    assert line, (dataset.parent / "stderr").read_text()
    app = SimpleNamespace(process=process, **json.loads(line))
    with httpx.Client(
        base_url=f"http://127.0.0.1:{app.port}", trust_env=False, follow_redirects=True, timeout=60
    ) as client:
        assert client.get("/", params={"token": app.token}).status_code == 200
        app.client = client
        yield app
    process.send_signal(signal.SIGINT)
    process.stdout.read()
    process.wait(60)
    process.stdout.close()
    talk.close()


def pictures(served, slice_name="cam0-image-compressed"):
    """The samples of a slice, by recording and index."""
    chosen = {"group": {"slice": slice_name}}
    asked = {"query": SAMPLES, "variables": {"name": served.name, "view": [], "filter": chosen}}
    edges = served.client.post("/graphql", json=asked).json()["data"]["samples"]["edges"]
    nodes = [edge["node"] for edge in edges]
    return {(n["sample"]["recording"], n["sample"]["index"]): n["id"] for n in nodes}


def ask(served, panel, method="on_load", *, sample=None, state=None, name=None, **params):
    """Call a method of a panel as the page does; give what it draws, and what it asks the page to do."""
    said = served.client.post(
        "/operators/execute",
        json={
            "operator_uri": f"{plugin_files.NAME}/{panel}",
            "dataset_name": name or served.name,
            "current_sample": sample,
            "selected": [],
            "view": [],
            "extended": {},
            "filters": {},
            "params": {"panel_id": "p", "panel_state": state or {}, "__method__": method, **params},
        },
    ).json()
    assert not said.get("error"), said["error"]
    calls: dict[str, dict] = {}
    for request in said["executor"]["requests"]:
        merged = calls.setdefault(request["operator_uri"], {})
        for key, value in request["params"].items():
            merged[key] = {**merged.get(key, {}), **value} if key in ("state", "data") else value
    drawn = calls["show_panel_output"]["output"]["type"]["properties"]
    return SimpleNamespace(
        drawn=drawn,
        state=calls.get("patch_panel_state", {}).get("state", {}),
        data=calls.get("patch_panel_data", {}).get("data", {}),
        calls=calls,
    )


def words(answer):
    """All that a panel says in Markdown."""
    return "\n".join(str(each.get("default")) for each in answer.drawn.values() if "default" in each)


@pytest.mark.live
def test_every_panel_and_operator_is_offered(served):
    offered = served.client.post("/operators", json={"dataset_name": served.name}).json()
    assert not offered["errors"]
    ours = {each["uri"].rpartition("/")[2] for each in offered["operators"] if "@rushes" in each["uri"]}
    assert ours == {*plugin_files.names("panels"), *plugin_files.names("operators")}


@pytest.mark.live
def test_signals_are_those_around_the_picture(served, dataset):
    sample = pictures(served)["tabletop_s01_take1", 21]
    answer = ask(served, "signals", "on_change_current_sample", sample=sample)
    traces = answer.drawn["plot"]["view"]["data"]
    assert [trace["name"] for trace in traces] == ["x", "y", "z", "x", "y", "z"]
    assert "Picture 21 of /cam0/image/compressed" in words(answer)
    with Dataset.open(dataset) as opened:
        picture = opened.times("tabletop_s01_take1", "/cam0/image/compressed")[21]
        first = opened.times("tabletop_s01_take1", "/imu").min()
    assert traces[0]["x"][0] == pytest.approx((first - picture) / 1e9, abs=0.007)  # the first of 500 stretches
    assert all(len(trace["x"]) <= 1000 for trace in traces)
    (line,) = answer.drawn["plot"]["view"]["layout"]["shapes"]
    assert line["x0"] == line["x1"] == 0


@pytest.mark.live
def test_another_stream_is_drawn_when_it_is_chosen(served):
    sample = pictures(served)["tabletop_s01_take1", 21]
    answer = ask(served, "signals", "choose", sample=sample, value="/audio")
    assert answer.state["wanted"] == "/audio"
    assert [trace["name"] for trace in answer.drawn["plot"]["view"]["data"]] == ["highest", "lowest"]


@pytest.mark.live
def test_without_a_picture_panels_say_what_to_do(served):
    for panel in ("signals", "clocks"):
        answer = ask(served, panel)
        assert "Open a picture" in answer.state["note"]
        assert list(answer.drawn) == ["said"]


@pytest.mark.live
def test_a_dataset_that_was_made_elsewhere_is_refused_in_words(served):
    for panel in plugin_files.names("panels"):
        assert "was not opened by rushes browse" in ask(served, panel, name="elsewhere").state["note"]


@pytest.mark.live
def test_clocks_of_the_pictures_recording_stand_in_a_table(served):
    answer = ask(served, "clocks", sample=pictures(served)["tabletop_s02_take1", 1])
    assert "tabletop_s02_take1" in answer.state["title"]
    assert {row["stream"] for row in answer.state["clocks"]} >= {"/imu", "/audio", "/cam0/image/compressed"}
    assert {trace["name"] for trace in answer.data["skew"]} >= {"/imu", "/audio"}
    assert "skew" in answer.drawn


@pytest.mark.live
def test_a_click_on_a_finding_shows_its_pictures_and_no_others(served, dataset):
    loaded = ask(served, "quality")
    rows = loaded.state["findings"]
    row = next(at for at, each in enumerate(rows) if each["check"] == "image.clipped")
    answer = ask(served, "quality", "filter_grid", state=loaded.state, row=row)
    view = answer.calls["set_view"]["view"]
    with Dataset.open(dataset) as opened:
        (finding,) = opened.arrow("findings", where={"check": "image.clipped"}).to_pylist()
    asked = {"query": SAMPLES, "variables": {"name": served.name, "view": view, "filter": None}}
    edges = served.client.post("/graphql", json=asked).json()["data"]["samples"]["edges"]
    found = {(e["node"]["sample"]["stream"], e["node"]["sample"]["index"]) for e in edges}
    first, last = finding["index"], finding["index"] + finding["count"]
    assert found == {(finding["stream"], index) for index in range(first, last)}


@pytest.mark.live
def test_a_click_on_the_heading_changes_nothing(served):
    loaded = ask(served, "quality")
    assert "set_view" not in ask(served, "quality", "filter_grid", state=loaded.state, row=-1).calls


@pytest.mark.live
def test_the_split_says_what_leaks_when_asked(served):
    loaded = ask(served, "split")
    assert [row["part"] for row in loaded.state["parts"]] == ["train", "test"]
    assert loaded.state["leaks"] == []
    answer = ask(served, "split", "search", state=loaded.state)
    assert {row["check"] for row in answer.state["leaks"]} >= {"split.leak-near"}  # one scene, filmed twice
    assert "It leaks" in answer.state["searched"]


@pytest.mark.live
def test_annotation_says_that_nothing_is_labelled(served):
    assert "Nothing is labelled yet" in ask(served, "annotation").state["note"]


@pytest.fixture(scope="module")
def page(served, chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(SLOW_MS)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(served.address)
        page.wait_for_selector('[data-cy="looker"] canvas', state="attached")
        yield page
        browser.close()


def shot(page, name):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=OUTPUT / f"panel-{name}.png")


def open_panel(page, scope, name):
    """Open a panel of the grid or of the picture; of the latter, all are tabs already.

    The App's own advertisement may pop up at any time and lie over all of it.
    """
    dismiss = page.get_by_text("Dismiss", exact=True)
    if dismiss.count():
        dismiss.first.evaluate("button => button.click()")
    tab = scope.get_by_text(name.capitalize(), exact=True)
    if tab.count():
        tab.first.evaluate("tab => tab.click()")
    else:
        scope.locator('[data-cy="new-panel-btn"]').first.evaluate("button => button.click()")
        option = page.locator(f'[data-cy="new-panel-option-{name}"]').first
        option.evaluate("option => option.click()")
    return page.wait_for_selector(f'[data-cy="panel-content-{name}"]')


@pytest.mark.live
def test_the_panels_of_the_grid_draw(page):
    for name, said in (("quality", "image.clipped"), ("split", "Kept together"), ("annotation", "labelled yet")):
        open_panel(page, page, name)
        page.wait_for_function(
            "([name, said]) => document.querySelector(`[data-cy='panel-content-${name}']`)"
            "?.innerText.includes(said)",
            arg=[name, said],
        )
        shot(page, name)
    assert set(page.complaints) <= {BUSY}
