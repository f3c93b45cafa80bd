"""A person labels a whole hand by keys, and says across views that a thing is the same; pull brings it back."""

import pytest

from annotate.test_browser import drag, open_task, shoot, submit
from annotate.test_push_pull import PHOTOGRAPHS, labels, pull, push, tasks_of
from rushes import ontology
from rushes.labels import Relation

pytestmark = pytest.mark.live
KEYS = "06789qwetasdfzxcbyiop"
PICTURES = """() => Array.from(document.querySelectorAll('img[src^="blob:"], img[src*="local-files"]'))
    .map(i => { const r = i.getBoundingClientRect(); return [r.x, r.y, r.width, r.height] })
    .filter(box => box[2] > 150)"""


def test_a_person_labels_a_whole_hand_by_its_keys(page, served, dataset, line, client) -> None:
    pushed = push(dataset, line, template="hands", where=PHOTOGRAPHS)
    task = tasks_of(client, pushed.project)[0]
    picture = open_task(page, served, pushed.project, task.id, (640, 400))
    page.keyboard.press("1")
    page.wait_for_timeout(400)
    drag(page, picture.at(250, 80), picture.at(560, 340))
    page.keyboard.press("Escape")
    places = [(270 + 35 * (at % 8), 110 + 70 * (at // 8)) for at in range(21)]
    for key, (x, y) in zip(KEYS, places, strict=True):
        page.keyboard.press(key)
        page.wait_for_timeout(150)
        page.keyboard.down("Control")
        page.mouse.click(*picture.at(x, y))
        page.keyboard.up("Control")
        page.wait_for_timeout(200)
    # The thumb's tip is hidden behind something: its line in the list is chosen, and that is said of it.
    page.get_by_text("thumb_tip", exact=True).last.click()
    page.wait_for_timeout(500)
    page.get_by_text("hidden", exact=False).first.click()
    page.wait_for_timeout(300)
    page.get_by_text("hand", exact=True).last.click()
    page.wait_for_timeout(500)
    page.get_by_text("left", exact=False).first.click()
    page.wait_for_timeout(300)
    shoot(page, "hand-1-all-points")
    submit(page)
    assert pull(dataset, line).problems == []
    hand, joints = labels(dataset, source="human")
    assert (hand.kind, hand.class_name, dict(hand.attributes)) == ("box", "hand", {"side": "left"})
    assert (joints.kind, joints.parent_id, dict(joints.attributes)) == (
        "keypoints",
        hand.label_id,
        {"side": "left"},
    )
    near = {"abs": 1.5 * 640 / picture.width}
    triples = joints.geometry.triples
    for at, (x, y) in enumerate(places):
        assert triples[3 * at : 3 * at + 2] == pytest.approx((x, y), **near)
    names = ontology.load("hands").skeleton("hand21").points
    assert [name for name, v in zip(names, triples[2::3], strict=True) if v == 1] == ["thumb_tip"]
    assert sum(triples[2::3]) == 41
    assert page.foreign == []


def test_a_person_says_that_two_views_show_the_same_thing(page, served, dataset, line, client) -> None:
    pushed = push(dataset, line, template="moment", where="complete AND moment < 1")
    task = next(iter(client.index(pushed.project)))
    page.goto(f"{served.url}/projects/{pushed.project}/data?task={task.id}", wait_until="domcontentloaded")
    count = len(task.data["shown"])
    before = None
    for _ in range(100):
        views = page.evaluate(PICTURES)
        if len(views) == count and views == before:
            break
        before = views
        page.wait_for_timeout(300)
    for at in (0, 1):
        page.get_by_text("cup", exact=True).nth(at).click()
        page.wait_for_timeout(400)
        x, y, width, height = page.evaluate(PICTURES)[at]
        drag(page, (x + 0.3 * width, y + 0.3 * height), (x + 0.6 * width, y + 0.6 * height))
        page.keyboard.press("Escape")
        page.wait_for_timeout(300)
    (one, two) = page.evaluate(PICTURES)[:2]
    page.mouse.click(one[0] + 0.45 * one[2], one[1] + 0.45 * one[3])
    page.wait_for_timeout(500)
    page.keyboard.press("Alt+r")
    page.wait_for_timeout(300)
    page.mouse.click(two[0] + 0.45 * two[2], two[1] + 0.45 * two[3])
    page.wait_for_timeout(500)
    page.locator(".lsf-panel-tabs__tab:visible", has_text="Relations").first.click()
    page.wait_for_timeout(300)
    page.locator(".lsf-relations__item:visible").first.hover()
    page.locator(".lsf-relations__item:visible button").first.click()
    page.wait_for_timeout(300)
    shoot(page, "relation-1-joined")
    page.locator(".lsf-relation-meta:visible, .lsf-relations__item:visible [role=combobox]").first.click()
    page.wait_for_timeout(500)
    shoot(page, "relation-2-choosing")
    page.get_by_text("same_object", exact=True).last.click()
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    shoot(page, "relation-3-named")
    submit(page)
    assert pull(dataset, line).problems == []
    first, second, same = labels(dataset, source="human")
    assert (first.class_name, second.class_name, same.class_name) == ("cup", "cup", "same_object")
    assert first.stream != second.stream
    assert first.moment == second.moment == same.moment
    assert same.geometry == Relation(subject_id=first.label_id, object_id=second.label_id)
    assert page.foreign == []
