"""Random interleavings of two people and re-syncs against a real server that loses requests and replies.

``make soak STEPS=2000 SEED=7`` runs many; the live tests run a few. The same seed does the same.
"""

import os
import random
import sys
import uuid
from dataclasses import replace

import pytest

from annotate.people import World, second_person
from annotate.proxy import between
from annotate.test_push_pull import PHOTOGRAPHS
from rushes.annotate.label_studio import sending
from rushes.annotate.label_studio.client import Client
from rushes.workflow import annotate_push
from rushes.workflow._annotate.project import Line

pytestmark = [pytest.mark.live, pytest.mark.timeout(0)]
STEPS = int(os.environ.get("RUSHES_SOAK_STEPS", "25"))
SEED = int(os.environ.get("RUSHES_SOAK_SEED", "4"))


def test_random_interleavings_with_a_real_server_lose_and_invent_nothing(
    dataset, line, served, client, monkeypatch
) -> None:
    monkeypatch.setitem(sending.send.__kwdefaults__, "patience_s", 0.5)
    request = annotate_push.Request(template="boxes", where=PHOTOGRAPHS, ontology="hands")
    ben = replace(served.access, token=second_person(served, f"{uuid.uuid4().hex[:8]}@example.org"))
    with between(served.url) as proxy, Client(ben) as second:
        crooked = Line(access=replace(line.access, url=proxy.url), name="local")
        world = World(
            dataset=dataset,
            request=request,
            straight=client,
            crooked=crooked,
            proxy=proxy,
            people=[client, second],
            luck=random.Random(SEED),
        )
        world.begin()
        for number in range(1, STEPS + 1):
            world.step()
            if number % 100 == 0:
                sys.stderr.write(f"{number} steps: {dict(world.done)}\n")
        world.pull()
    assert {"draw", "change", "pull", "push"} <= set(world.done)
    sys.stderr.write(f"{STEPS} steps: {dict(sorted(world.done.items()))}\n")
