"""An adjudicator in a real browser: sees the versions one beside another, takes one, and it stands."""

import pytest

from annotate.test_blind import push, settle
from annotate.test_browser import open_task, shoot, submit
from annotate.test_push_pull import annotate, box, pull, tasks_of
from rushes.store import Store
from rushes.workflow._labels.truth import standing_labels

pytestmark = pytest.mark.live


def test_a_version_that_an_adjudicator_takes_stands(page, served, dataset, line, client) -> None:
    pushed = push(dataset, line, "ada", "ben")
    for desk, x in zip(pushed.desks, (10, 50), strict=True):
        annotate(client, tasks_of(client, desk.project)[0].id, [box(x=x), box("c", "cup", x=70, y=60, width=15)])
    pull(dataset, line)
    (at,) = settle(dataset, line).templates
    task = tasks_of(client, at.project)[0]
    versions = {
        each["model_version"]: each["result"][0]["value"]["x"]
        for each in client._get(f"/api/tasks/{task.id}/")["predictions"]
    }
    assert sorted(versions.values()) == [10, 50]
    open_task(page, served, at.project, task.id, (640, 400))
    shoot(page, "adjudication-1-opened")
    shown = page.locator("[class*=annotation-button]")
    assert {name for name in versions if shown.filter(has_text=name).count()} == set(versions)
    page.get_by_text("version 1").first.click()
    page.wait_for_timeout(800)
    tab = page.locator(".lsf-annotation-button").filter(has_text="version 1")
    tab.locator(".lsf-annotation-button__trigger").click()
    page.wait_for_timeout(800)
    shoot(page, "adjudication-2-menu")
    page.get_by_text("Duplicate", exact=False).first.click(timeout=15_000)
    page.wait_for_timeout(1500)
    shoot(page, "adjudication-3-taken")
    submit(page)
    assert pull(dataset, line).problems == []
    hand = next(x for x in standing_labels(Store.open(dataset)) if x.class_name == "hand")
    assert (hand.role, hand.geometry.x_px) == ("adjudicate", versions["version 1"] * 6.4)
    assert page.foreign == []
