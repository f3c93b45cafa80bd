"""Opens a dataset in the App as a process of its own: ``python open_dataset.py DATASET``; says so in JSON."""

import json
import sys
from pathlib import Path

from rushes.workflow.browse import serve


def ready(opened):
    facts = {"address": opened.address, "port": opened.port, "token": opened.token, "mongod": opened.mongod}
    facts["name"] = opened.loaded.dataset
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


serve(Path(sys.argv[1]), ready=ready, port=0)
sys.stdout.write(json.dumps({"ended": True}) + "\n")
