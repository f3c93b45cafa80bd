"""Imports what FiftyOne will import, in a thread, while the dataset is read.

FiftyOne itself can only be imported once its database and folders are known. Half of what
its import takes is other packages, which do not care: they are brought in ahead, on the second core.
"""

import threading
from importlib import import_module

GUESTS = (
    "sklearn.linear_model",
    "scipy.spatial.transform",
    "pandas",
    "matplotlib",
    "strawberry",
    "mongoengine",
    "tabulate",
)


def begin() -> threading.Thread:
    """Start to import; what cannot be imported is left for FiftyOne to complain of."""
    thread = threading.Thread(target=_bring, name="rushes-browse-ahead", daemon=True)
    thread.start()
    return thread


def _bring() -> None:
    for name in GUESTS:
        try:
            import_module(name)
        except ImportError:
            continue
