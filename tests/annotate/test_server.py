"""The server: safe by default, found again, stopped by its process id."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from rushes.annotate.label_studio import access, health, places, program, server, settings
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.places import Home
from rushes.annotate.label_studio.plan import Task
from rushes.annotate.label_studio.sending import send
from rushes.errors import ToolError, UsageError
from rushes.workflow import annotate


def test_the_server_sees_nothing_of_our_environment(tmp_path) -> None:
    ours = {"PATH": "/bin", "HOST": "evil", "DEBUG": "1", "PASSWORD": "x", "LABEL_STUDIO_HOST": "evil"}
    told = settings.variables(Home(tmp_path), token="t", password="p", environment=ours)
    assert "HOST" not in told
    assert "LABEL_STUDIO_HOST" not in told
    assert told["DEBUG"] == "false"
    assert told["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"] == str(tmp_path / "media")
    assert told["DJANGO_DB"] == "sqlite"


def test_a_postgresql_url_is_taken_apart_and_its_password_decoded(tmp_path) -> None:
    url = "postgresql://ann:p%40ss@db.example:6432/labels"
    told = settings.variables(Home(tmp_path), token="t", password="p", postgres=url)
    names = ("HOST", "PORT", "NAME", "USER", "PASSWORD")
    assert [told[f"POSTGRE_{n}"] for n in names] == ["db.example", "6432", "labels", "ann", "p@ss"]
    assert told["DJANGO_DB"] == "default"


@pytest.mark.parametrize("url", ["mysql://h/n", "postgresql://h", "postgresql:///n", "postgresql://h:port/n"])
def test_a_url_that_is_none_of_postgresql_is_refused_without_showing_it(tmp_path, url) -> None:
    with pytest.raises(UsageError) as refused:
        settings.variables(Home(tmp_path), token="t", password="p", postgres=url.replace("//", "//u:secret@"))
    assert refused.value.code == "labelstudio.postgres"
    assert "secret" not in refused.value.message


def test_a_home_keeps_its_postgresql_for_the_next_time_for_our_eyes_alone(tmp_path, monkeypatch) -> None:
    told = []

    def start(python, home, port, variables):
        told.append(variables)
        raise ToolError("not now", code="labelstudio.start")

    monkeypatch.setattr(server, "_start", start)
    monkeypatch.setattr(program, "install", lambda environment: Path("python"))
    for url in ("postgresql://ann:secret@db.example/labels", None):
        with pytest.raises(ToolError):
            server.up(Home(tmp_path), postgres=url)
    assert [variables["POSTGRE_NAME"] for variables in told] == ["labels", "labels"]
    assert stat.S_IMODE(Home(tmp_path).postgres.stat().st_mode) == 0o600


def test_homes_follow_the_variables_of_the_desktop(tmp_path) -> None:
    assert places.home({"XDG_DATA_HOME": str(tmp_path)}).root == tmp_path / "rushes" / "label-studio"
    assert places.home({places.HOME_VARIABLE: str(tmp_path)}).root == tmp_path
    assert places.home({"XDG_DATA_HOME": "relative"}).root.is_relative_to(Path.home())
    assert places.programs({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "rushes" / "label-studio"


def test_a_failed_installation_leaves_no_mark_and_says_pips_last_words(tmp_path) -> None:
    # No index and no folder of wheels: pip finds nothing.
    environment = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    environment[places.PROGRAM_VARIABLE] = str(tmp_path)
    with pytest.raises(ToolError) as failed:
        program.install(environment)
    assert failed.value.code == "labelstudio.install"
    assert "pip ended with code 1: ERROR: " in failed.value.message
    assert program.installed(environment) is None


def test_secrets_are_never_open(tmp_path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    places.write_secret(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_comes_from_the_environment_or_a_closed_file(tmp_path) -> None:
    token = tmp_path / "token"
    token.write_text(" abc\n")
    token.chmod(0o600)
    assert access.remote("https://host/ls/", token_file=token).token == "abc"
    assert access.remote("http://host:8080", environment={access.TOKEN_VARIABLE: "def"}).token == "def"
    assert "abc" not in repr(access.remote("https://host", token_file=token))
    token.chmod(0o640)
    with pytest.raises(UsageError) as refused:
        access.remote("https://host", token_file=token)
    assert refused.value.code == "labelstudio.open-token"


@pytest.mark.parametrize("url", ["host:8080", "ftp://host", "https://me:secret@host", "https://host?token=secret"])
def test_an_address_is_plain_and_holds_no_secret(url) -> None:
    with pytest.raises(UsageError) as refused:
        access.remote(url, environment={access.TOKEN_VARIABLE: "x"})
    assert refused.value.code == "labelstudio.url"
    assert "secret" not in refused.value.message


def test_nothing_runs_in_a_home_whose_note_names_a_stranger(tmp_path) -> None:
    home = Home(tmp_path)
    home.make()
    places.write_secret(home.note, f'{{"pid": {os.getpid()}, "port": 1, "database": "sqlite"}}')
    assert server.find(home) is None
    assert server.down(home) is None


def test_the_doctor_finds_a_program_that_is_absent_and_secrets_that_are_open(tmp_path) -> None:
    environment = {places.PROGRAM_VARIABLE: str(tmp_path / "none")}
    home = Home(tmp_path / "home")
    (program_sign,) = health.examine(home, environment=environment)
    assert (program_sign.state, program_sign.found) == ("warning", "not installed")
    home.make()
    places.write_secret(home.token, "x")
    home.token.chmod(0o644)
    signs = {sign.name: sign for sign in health.examine(home, environment=environment)}
    assert signs["Label Studio secrets"].found == "others may read token"
    assert str(home.token) in signs["Label Studio secrets"].fix
    assert signs["Label Studio server"].state == "ok"


def test_the_doctor_finds_a_server_that_died(tmp_path) -> None:
    home = Home(tmp_path)
    home.make()
    places.write_secret(home.note, f'{{"pid": {os.getpid()}, "port": 1, "database": "sqlite"}}')
    signs = {sign.name: sign for sign in health.examine(home)}
    assert signs["Label Studio server"].state == "warning"
    assert f"process {os.getpid()} ended" in signs["Label Studio server"].found
    assert server.down(home) is None  # whose process it is now is a stranger's
    assert {sign.name: sign.state for sign in health.examine(home)}["Label Studio server"] == "ok"


@pytest.mark.live
def test_the_doctor_finds_a_running_server_safe(served) -> None:
    signs = list(health.examine(served.home))
    assert [sign.state for sign in signs] == ["ok"] * 4, signs
    assert served.url in signs[2].found


@pytest.mark.live
def test_beside_a_server_that_hangs_no_second_is_started(served, monkeypatch) -> None:
    monkeypatch.setattr(server, "BUSY_S", 0)
    monkeypatch.setattr(server, "ANSWER_S", 1)
    monkeypatch.setenv(places.HOME_VARIABLE, str(served.home.root))
    os.kill(served.pid, signal.SIGSTOP)
    try:
        for attempt in (lambda: server.up(served.home), annotate.line):
            with pytest.raises(ToolError) as told:
                attempt()
            assert told.value.code == "labelstudio.hangs"
            assert str(served.pid) in told.value.message
        signs = {sign.name: sign for sign in health.examine(served.home)}
        assert signs["Label Studio server"].found == f"process {served.pid} does not answer"
    finally:
        os.kill(served.pid, signal.SIGCONT)
    assert server.up(served.home).pid == served.pid


@pytest.mark.live
def test_a_port_that_is_taken_is_told_before_anything_is_started(served, tmp_path) -> None:
    port = int(served.url.rpartition(":")[2])
    with pytest.raises(ToolError) as told:
        server.up(Home(tmp_path / "home"), port=port)
    assert told.value.code == "labelstudio.port-taken"
    assert server.find(Home(tmp_path / "home")) is None


@pytest.mark.live
def test_a_second_up_finds_the_first(served) -> None:
    again = server.up(served.home)
    assert (again.pid, again.url, again.fresh) == (served.pid, served.url, False)


@pytest.mark.live
def test_it_listens_on_the_loopback_address_alone(served) -> None:
    listening = {c.laddr.ip for c in psutil.Process(served.pid).net_connections() if c.status == "LISTEN"}
    assert listening == {"127.0.0.1"}


@pytest.mark.live
def test_token_and_password_are_ours_alone_and_on_no_command_line(served) -> None:
    for path in (served.home.token, served.home.password, served.home.note):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(served.home.root.stat().st_mode) == 0o700
    line = " ".join(psutil.Process(served.pid).cmdline())
    assert served.access.token not in line
    assert served.home.password.read_text().strip() not in line


@pytest.mark.live
def test_nobody_signs_up_and_no_other_host_or_origin_is_served(served) -> None:
    with httpx.Client(base_url=served.url, timeout=60, trust_env=False) as person:
        page = person.get("/user/signup/")
        form = {
            "email": "x@example.org",
            "password": "long enough 1",
            "csrfmiddlewaretoken": person.cookies["csrftoken"],
        }
        assert page.status_code in (200, 302, 403)
        assert person.post("/user/signup/", data=form).status_code == 403
        assert person.get("/api/version", headers={"Host": "evil.example"}).status_code == 400
        answer = person.get("/api/version", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers
        assert person.get("/api/projects").status_code == 401


@pytest.mark.live
def test_its_environment_is_the_one_we_made(served) -> None:
    told = psutil.Process(served.pid).environ()
    assert told["SENTRY_DSN"] == told["FRONTEND_SENTRY_DSN"] == ""
    assert told["COLLECT_ANALYTICS"] == told["LATEST_VERSION_CHECK"] == "false"
    assert "PYTHONPATH" not in told
    assert not [name for name in told if name.startswith(("PIP_", "VIRTUAL_ENV"))]


@pytest.mark.live
def test_a_wrong_token_is_refused_with_a_way_on(served) -> None:
    wrong = access.Access(url=served.url, token="0" * 40)
    with Client(wrong) as client, pytest.raises(ToolError) as refused:
        client.account()
    assert refused.value.code == "labelstudio.token"


@pytest.mark.live
def test_a_personal_access_token_opens_it_too(served) -> None:
    with httpx.Client(base_url=served.url, timeout=60, trust_env=False) as http:
        made = http.post("/api/token/", headers={"Authorization": f"Token {served.access.token}"})
    assert made.status_code == 201, made.text
    with Client(access.Access(url=served.url, token=made.json()["token"])) as client:
        assert client.account() == settings.ACCOUNT


@pytest.mark.live
def test_a_server_is_stopped_by_its_id_and_what_it_held_is_there_again(tmp_path) -> None:
    home = Home(tmp_path / "home")
    first = server.up(home)
    with Client(first.access) as client:
        made = client.create_project(title="kept", config="<View/>", description="")
    assert server.down(home) == first.pid
    assert not psutil.pid_exists(first.pid) or psutil.Process(first.pid).status() == psutil.STATUS_ZOMBIE
    assert server.find(home) is None
    # From another process, and two at once: one starts it, the other finds it.
    code = "import sys; from rushes.annotate.label_studio import server; from rushes.annotate.label_studio.places "
    code += "import Home; from pathlib import Path; print(server.up(Home(Path(sys.argv[1]))).pid)"
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(home.root)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        pids = {process.communicate()[0].strip() for process in both}
        again = server.find(home)
        assert again is not None
        assert pids == {str(again.pid)}
        assert again.url == first.url
        with Client(again.access) as client:
            assert made.id in [project.id for project in client.projects()]
    finally:
        server.down(home)


@pytest.mark.live
def test_a_server_killed_while_it_imports_has_every_task_once_in_the_end(tmp_path, monkeypatch) -> None:
    home = Home(tmp_path / "home")
    tasks = [Task(key=f"k{at}", data={"image": f"x{at}"}) for at in range(1200)]
    killed = server.up(home)
    try:
        with Client(killed.access) as client:
            project = client.create_project(title="killed", config="<View/>", description="").id
            # The third of the batches is under way when the server dies.
            timer = threading.Timer(0.2, lambda: os.kill(killed.pid, signal.SIGKILL))
            with pytest.raises(ToolError) as told:
                send(
                    client,
                    project,
                    tasks,
                    batch=300,
                    progress=lambda done, _: timer.start() if done == 600 else None,
                )
        assert told.value.code in ("labelstudio.reply-lost", "labelstudio.unreachable")
        monkeypatch.setenv(places.HOME_VARIABLE, str(home.root))
        with pytest.raises(ToolError, match=f"process {killed.pid} ended without rushes annotate down"):
            annotate.line()
        again = server.up(home)
        assert again.fresh
        with Client(again.access) as client:
            sent = send(client, project, tasks)
            assert sent.created <= 600
            assert sorted(row.key for row in client.index(project)) == sorted(task.key for task in tasks)
    finally:
        server.down(home)
