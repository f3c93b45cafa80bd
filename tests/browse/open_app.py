"""Opens a small view in the App as a process of its own: ``python open_app.py CACHE VIEW``; says so in JSON."""

import json
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from browse.takes import Pack, clips, rig
from rushes.browse.serve import serve


def say(facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main():
    cache = Path(sys.argv[1])
    view = {"rig": rig, "clips": clips}[sys.argv[2]]()
    pack = Pack(cache / "take.bin")

    def ready(opened):
        facts = {"address": opened.address, "port": opened.port, "token": opened.token, "mongod": opened.mongod}
        facts["written"] = opened.loaded.written
        say(facts)

    serve(view, pack, cache=cache, ready=ready, port=0, roots=[cache])
    others = {t.name for t in threading.enumerate() if t.name.startswith("rushes") and not t.daemon}
    say({"ended": True, "threads": sorted(others)})


main()
