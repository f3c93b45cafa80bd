"""Opens a small view in the App as a process of its own: ``python open_app.py CACHE VIEW``; says so in JSON."""

import json
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from browse.labels_of_takes import labelled_rig
from browse.takes import MOMENTS, Pack, clips, rig
from rushes.browse.serve import serve
from rushes.browse.showing import showing

FILM = 150
"""Moments of the view that is played: five seconds."""


def say(facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def film():
    return labelled_rig(moments=FILM)


def main():
    cache = Path(sys.argv[1])
    makers = {"rig": rig, "clips": clips, "labelled": labelled_rig, "film": film}
    view = makers[sys.argv[2]]()
    pack = Pack(cache / "take.bin", moments=FILM if sys.argv[2] == "film" else MOMENTS)

    def ready(opened):
        facts = {"address": opened.address, "port": opened.port, "token": opened.token, "mongod": opened.mongod}
        facts["written"], facts["plays"] = opened.loaded.written, opened.plays
        say(facts)

    serve(showing(view), pack, cache=cache, ready=ready, port=0, roots=[cache])
    others = {t.name for t in threading.enumerate() if t.name.startswith("rushes") and not t.daemon}
    say({"ended": True, "threads": sorted(others)})


main()
