"""Is our Label Studio installed, does it run, is it safe? What is wrong comes with what puts it right.

A server that runs is asked as a stranger would ask it: its answers are the truth, its settings only an intention.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx

from rushes.annotate.label_studio import places, program, server
from rushes.annotate.label_studio.places import Home
from rushes.annotate.label_studio.server import Server

ANSWER_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing that was looked at.

    Args:
        state: ok or warning; only ``rushes annotate`` needs any of it.
        fix: What to do; empty where all is well.
    """

    name: str
    state: str
    found: str
    fix: str = ""


def examine(home: Home | None = None, *, environment: Mapping[str, str] = os.environ) -> Iterator[Sign]:
    """Look at program, secrets and server; nothing is started, made or changed."""
    home = home or places.home(environment)
    yield _program(environment)
    if not home.root.is_dir():
        return
    yield _secrets(home)
    running = server.find(home)
    yield _running(home, running)
    if running:
        yield _safety(running)


def _program(environment: Mapping[str, str]) -> Sign:
    name = "Label Studio"
    if program.installed(environment) is None:
        fix = "rushes annotate install (some minutes, 1 GB); only rushes annotate needs it"
        return Sign(name=name, state="warning", found="not installed", fix=fix)
    return Sign(name=name, state="ok", found=f"{program.RELEASE} in {program.folder(environment)}")


def _secrets(home: Home) -> Sign:
    name = "Label Studio secrets"
    there = [path for path in (home.token, home.password, home.postgres, home.note) if path.exists()]
    open_to_others = [path for path in (home.root, *there) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_to_others:
        fix = f"chmod go= {' '.join(map(str, open_to_others))}; and make a new token if others may have read it"
        found = f"others may read {', '.join(path.name for path in open_to_others)}"
        return Sign(name=name, state="warning", found=found, fix=fix)
    return Sign(name=name, state="ok", found=f"in {home.root}, for this user alone")


def _running(home: Home, running: Server | None) -> Sign:
    name = "Label Studio server"
    if running:
        found = f"{running.release} at {running.url}, process {running.pid}, {running.database}"
        if running.release == program.RELEASE:
            return Sign(name=name, state="ok", found=found)
        return Sign(
            name=name,
            state="warning",
            found=found,
            fix=f"Rushes brings {program.RELEASE}: rushes annotate down && rushes annotate up",
        )
    lost = server.lost(home)
    if lost is None:
        return Sign(name=name, state="ok", found="not running; rushes annotate up starts it")
    if lost.alive:
        fix = f"rushes annotate down && rushes annotate up; its log is {home.log}"
        return Sign(name=name, state="warning", found=f"process {lost.pid} does not answer", fix=fix)
    fix = f"rushes annotate up starts it again, with all that it held; its log is {home.log}"
    found = f"process {lost.pid} ended without rushes annotate down"
    return Sign(name=name, state="warning", found=found, fix=fix)


def _safety(running: Server) -> Sign:
    name = "Label Studio safety"
    try:
        holes = list(_holes(running.url))
    except (httpx.HTTPError, KeyError) as error:
        found = f"it could not be asked: {str(error) or type(error).__name__}"
        return Sign(name=name, state="warning", found=found, fix="rushes annotate down && rushes annotate up")
    if holes:
        fix = "rushes annotate down && rushes annotate up starts it with safe settings"
        return Sign(name=name, state="warning", found="; ".join(holes), fix=fix)
    found = "no sign-up, no entry without a token, no foreign host, no foreign origin"
    return Sign(name=name, state="ok", found=found)


def _holes(url: str) -> Iterator[str]:
    """Try the doors; the form that would sign somebody up is sent empty, so that it makes nobody."""
    with httpx.Client(base_url=url, timeout=ANSWER_S, trust_env=False) as stranger:
        stranger.get("/user/signup/")
        form = {"csrfmiddlewaretoken": stranger.cookies["csrftoken"]}
        if stranger.post("/user/signup/", data=form).status_code != httpx.codes.FORBIDDEN:
            yield "anybody may sign up"
        if stranger.get("/api/projects").status_code != httpx.codes.UNAUTHORIZED:
            yield "projects are shown without a token"
        if stranger.get("/api/version", headers={"Host": "example.invalid"}).is_success:
            yield "it answers under any host name"
        answer = stranger.get("/api/version", headers={"Origin": "https://example.invalid"})
        if "access-control-allow-origin" in answer.headers:
            yield "pages of other origins may read it"
