"""scikit-learn is put off until somebody uses it, and is then what it always is."""

import subprocess
import sys

import pytest

HEAD = """
import sys
from rushes.browse import deferring
deferring.defer()
def awake():
    return any(type(m) is not deferring.Deferred for name, m in sys.modules.items() if name.startswith("sklearn"))
"""


def run(body):
    """In a process of its own, as imports are for good."""
    done = subprocess.run([sys.executable, "-c", HEAD + body], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    "ways",
    [
        "import sklearn",
        "import sklearn.metrics",
        "import sklearn.metrics.pairwise as pairs",
        "from sklearn import metrics",
    ],
)
def test_naming_a_module_does_not_import_it(ways):
    first = ways == "from sklearn import metrics"
    assert run(f"{ways}\nprint(awake(), 'scipy' in sys.modules)") == [str(first), str(first)]


def test_whoever_looks_through_all_modules_wakes_none():
    assert run(
        "import inspect, sklearn.metrics\ninspect.getmodule(object())\ninspect.stack()\nprint(awake())"
    ) == ["False"]


def test_what_is_used_is_the_real_one_from_then_on():
    body = """
import sklearn.metrics as before
import sklearn.linear_model as other
print(before.accuracy_score([1, 0], [1, 1]))
import sklearn.metrics as after
from sklearn.decomposition import PCA
print(before.accuracy_score is after.accuracy_score, other.Ridge is sys.modules["sklearn.linear_model"].Ridge)
print(any(type(m) is deferring.Deferred for m in sys.modules.values()), deferring._FINDER in sys.meta_path)
print(PCA.__module__)
"""
    assert run(body) == ["0.5", "True", "True", "False", "False", "sklearn.decomposition._pca"]


def test_what_is_not_there_is_missed_at_once():
    body = """
try:
    import sklearn.nothing_of_this_name
except ModuleNotFoundError as error:
    print(error.name)
import sklearn.metrics
try:
    sklearn.metrics.nothing_of_this_name
except AttributeError:
    print("absent")
"""
    assert run(body) == ["sklearn.nothing_of_this_name", "absent"]


def test_several_threads_wake_it_once():
    body = """
from concurrent.futures import ThreadPoolExecutor
import sklearn.metrics as metrics, sklearn.linear_model as models
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(lambda n: (metrics.accuracy_score, models.Ridge)[n % 2], range(32)))
print(len(set(found)))
"""
    assert run(body) == ["2"]


def test_fiftyone_starts_without_it_and_its_plots_have_it():
    """Without this the App takes a third longer to open."""
    body = """
import os
os.environ["FIFTYONE_DATABASE_URI"] = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=1"
import fiftyone.core.plots.utils as plots
print(awake(), plots.skm.confusion_matrix([0, 1], [0, 1]).trace(), awake())
"""
    assert run(body)[-3:] == ["False", "2", "True"]
