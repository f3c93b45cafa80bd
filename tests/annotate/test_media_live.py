"""A Label Studio that cannot see our disk shows our pictures all the same, and labels outlive their addresses."""

import threading
import time

import httpx
import pytest

from annotate.test_browser import drag, open_task, shoot, submit
from annotate.test_push_pull import PHOTOGRAPHS, labels, pull, push, tasks_of
from rushes.workflow import annotate_media
from rushes.workflow._annotate import addresses

pytestmark = pytest.mark.live


@pytest.fixture
def media(dataset, served):
    """The address where this dataset's pictures are served."""
    stop, up, told = threading.Event(), threading.Event(), []

    def ready(serving):
        told.append(serving)
        up.set()

    kwargs = {"url": served.url, "ready": ready, "stop": stop}
    thread = threading.Thread(target=annotate_media.serve, args=(dataset,), kwargs=kwargs)
    thread.start()
    assert up.wait(20)
    yield told[0].address
    stop.set()
    thread.join(20)


def test_a_person_labels_a_picture_that_we_serve(
    page,
    served,
    dataset,
    line,
    client,
    media,
    monkeypatch,
) -> None:
    assert addresses.base_of(dataset, None) == media
    pushed = push(dataset, line, template="boxes", where=PHOTOGRAPHS, media_url=media)
    (first, turned, _) = tasks_of(client, pushed.project)
    assert first.data["image"].startswith(f"{media}/")
    assert client._get("/api/storages/localfiles", {"project": pushed.project}) == []
    page.foreign.clear()
    picture = open_task(page, served, pushed.project, turned.id, (400, 640))
    page.keyboard.press("1")
    page.wait_for_timeout(400)
    drag(page, picture.at(280, 64), picture.at(360, 192))
    shoot(page, "media-1-by-url")
    submit(page)
    assert all(url.startswith(media) for url in page.foreign)
    page.foreign.clear()
    pull(dataset, line)
    (hand,) = labels(dataset, source="human")
    near = {"abs": 1.5 * 400 / picture.width}
    assert (hand.geometry.x_px, hand.geometry.width_px) == pytest.approx((64, 128), **near)
    # Sent again it is the same, until it is time for new addresses; these take nothing of the labels.
    assert push(dataset, line, template="boxes", where=PHOTOGRAPHS, media_url=media).sent.same == 3
    later = time.time() + addresses.VALID_S
    monkeypatch.setattr(addresses.time, "time", lambda: later)
    assert push(dataset, line, template="boxes", where=PHOTOGRAPHS, media_url=media).sent.updated == 3
    renewed = tasks_of(client, pushed.project)[1]
    assert renewed.data["image"] != turned.data["image"]
    assert httpx.get(renewed.data["image"], trust_env=False).content[:2] == b"\xff\xd8"
    assert len(client._get(f"/api/tasks/{turned.id}/")["annotations"]) == 1
    assert pull(dataset, line).events == {"created": 0, "updated": 0, "deleted": 0}
    assert labels(dataset, source="human") == [hand]
