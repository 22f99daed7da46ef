"""What the manual and the README show works as it stands there."""

import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

from contactbook.env.rate_limits import RATE_LIMIT_DEFAULTS
from contactbook.tests.live import ROOT, Server, base_environment, database, serving

NEXT = "\x1e"  # printed between the outputs of two blocks
RUNNERS = {
    "shell": (["sh", "-eu"], "sh", f"printf '{NEXT}'"),
    "python": ([sys.executable, "-I"], "py", f"print({NEXT!r}, end='', flush=True)"),
    "javascript": (["node"], "mjs", f"process.stdout.write({NEXT!r});"),
}


PICTURE = base64.b64decode("R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==")
UPLOAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + PICTURE + b"\r\n--x--\r\n"
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}
OPERATIONS = "docs/operations/index.md"
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="THE README'S WALK IS NOT TRIED: curl is missing")


def section(page: str, heading: str) -> str:
    """The text below a heading, to the next one of its level."""
    level = heading.split()[0]
    after = (ROOT / page).read_text().split(f"\n{heading}\n")[1]
    return re.split(rf"\n{level} ", after)[0]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(language: str, code: list[str], folder: Path, env: dict[str, str]) -> list[str]:
    """What each of the blocks printed, run as one program."""
    command, suffix, separator = RUNNERS[language]
    program = folder / f"example.{suffix}"
    program.write_text(f"\n{separator}\n".join(code))
    done = subprocess.run([*command, str(program)], cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(NEXT)


def promised(code: str) -> str:
    """A pattern out of the block's arrows; an ellipsis stands for anything."""
    lines = re.findall(r"(?:#|//) → (.*)", code)
    return ".*?".join(re.escape(line).replace("…", ".*?") for line in lines)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its own: an example takes the newest mail for its own."""
    with serving(tmp_path_factory.mktemp("manual") / "var", processes=1) as running:
        yield running


@pytest.mark.postgresql
@pytest.mark.parametrize("language", RUNNERS)
def test_the_api_by_example(language: str, server: Server, tmp_path: Path) -> None:
    command = RUNNERS[language][0][0]
    if not shutil.which(command) or (language == "shell" and not shutil.which("curl")):
        pytest.skip(f"THE MANUAL'S {language.upper()} EXAMPLES ARE NOT TRIED: {command} or curl is missing")
    code = blocks((ROOT / "docs/api.md").read_text(), language)
    env = {"PATH": os.environ["PATH"], "BASE": server.url, "MAILS": f"{server.folder}/mail"}
    for block, printed in zip(code, run(language, code, tmp_path, env), strict=True):
        assert re.search(promised(block), printed, re.DOTALL), f"{block}\nprinted:\n{printed}"


@pytest.mark.one_stack
def test_the_api_by_example_in_every_language() -> None:
    text = (ROOT / "docs/api.md").read_text()
    assert len(blocks(text, "shell")) == len(blocks(text, "python")) == len(blocks(text, "javascript")) > 10


def installed_environment(folder: Path) -> Path:
    """The environment of this very Python, as scripts/environment would have left it."""
    folder.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != "installed":
            (folder / entry.name).symlink_to(entry)
    command = "cat requirements.txt requirements-dev.txt | cksum"
    pins = subprocess.run(command, shell=True, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (folder / "installed").write_text(f"{pins}requirements.txt\n")
    return folder


@contextlib.contextmanager
def scripts_run(env: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as terminal:
        process = subprocess.Popen(
            ["sh", "scripts/run"], cwd=ROOT, env=env, stdout=terminal, stderr=terminal, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 30
        while "The contact book is at" not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=40)


@contextlib.contextmanager
def checkout(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of scripts/run on the stack under test, for a checkout just cloned into the folder."""
    var = folder / "var"
    var.mkdir()
    with database(var) as stack:
        env = base_environment(var) | {"VENV": str(installed_environment(folder / ".venv"))} | stack
        del env["EMAIL_URL"], env["DJANGO_SETTINGS_MODULE"]
        if stack:
            env["WEB_CONCURRENCY"] = "2"
        else:
            del env["SECRET_KEY"]
        yield env


@pytest.mark.one_stack
@needs_curl
def test_the_readmes_walk(tmp_path: Path) -> None:
    walk = blocks(section("README.md", "## The walk"), "sh")
    with checkout(tmp_path) as env, scripts_run(env, tmp_path / "terminal"):
        here = [step.replace("127.0.0.1:8000", f"127.0.0.1:{env['PORT']}") for step in walk]
        signup, confirm, login, added, found, avatar, restored = run("shell", here, tmp_path, env)
    assert f"http://127.0.0.1:{env['PORT']}/api/email/confirm/" in (tmp_path / "terminal").read_text()
    assert "Successfully created" in signup
    assert confirm == '"Email confirmed"'
    assert not login
    assert '"phone_number":48221234567' in added and '"fullname":"Zoë"' in added
    assert found.startswith('{"fullname":"Łukasz Żółć"') and '[{"fullname":"Zoë"' in found
    assert re.search(r'"avatar":"http[^"]*\.jpg"', avatar)
    assert restored.count('"fullname":"Łukasz Żółć"') == 2


@pytest.mark.long
@pytest.mark.one_stack
def test_backup_and_restore(tmp_path: Path) -> None:
    backup, restore = blocks(section(OPERATIONS, "## Backup and restore"), "sh")
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    with checkout(tmp_path) as env:
        env["RATE_LIMITS"] = "*=0"
        server = Server(env, tmp_path / "var")
        with scripts_run(env, tmp_path / "terminal"):
            email, token = server.sign_up()
            kept = server.ask("POST", "/api/contacts", {"fullname": "Ann"}, token).json()
            kept = server.ask("PATCH", f"/api/contacts/{kept['id']}/avatar", UPLOAD, token, MULTIPART).json()
            run("shell", [backup], tmp_path, env)
            server.ask("DELETE", f"/api/contacts/{kept['id']}", token=token)
            server.ask("DELETE", f"/api/contacts/trash/{kept['id']}", token=token)
            shutil.rmtree(tmp_path / "var/media")
        run("shell", [restore], tmp_path, env)
        with scripts_run(env, tmp_path / "terminal again"):
            assert server.ask("GET", f"/api/contacts/{kept['id']}", token=token).json() == kept
            assert server.try_get(kept["avatar"].removeprefix(server.url)) == 200
            assert server.log_in(email)


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables below a heading whose first cell is code, without their backquotes."""
    lines = re.findall(r"^\| (`.*) \|$", section(page, heading), re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.one_stack
def test_every_variable_is_explained() -> None:
    read = re.findall(r'\bvariables\.\w+\(\s*"(\w+[A-Z])"', (ROOT / "contactbook/env/__init__.py").read_text())
    explained = [name for row in rows(OPERATIONS, "## Every variable") for name in names(row[0])]
    assert sorted(explained) == sorted([*read, "ANYMAIL_…"])


@pytest.mark.one_stack
def test_every_limit_is_listed() -> None:
    listed = {names(name)[0]: names(rate)[0] for name, rate, *_ in rows(OPERATIONS, "## Limits")}
    assert listed == RATE_LIMIT_DEFAULTS


@pytest.mark.one_stack
def test_every_command_is_explained() -> None:
    ours = [name for name, app in get_commands().items() if app in ("accounts", "contacts")]
    explained = [names(row[0])[0].split()[0] for row in rows(OPERATIONS, "## Commands")]
    assert set(ours) <= set(explained) and set(explained) <= set(get_commands())
