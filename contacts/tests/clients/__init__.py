"""Real address book programs, each driven as a device: it syncs, and shows, creates, renames and deletes contacts.

`scripts/dav_clients` installs them into the folder CLIENTS.
"""

import os
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import NamedTuple

from contactbook.tests.live import ROOT, Server

CLIENTS = Path(os.environ.get("DAV_CLIENTS") or ROOT / ".clients")
SYSTEM_PYTHON = "/usr/bin/python3"  # has Debian's bindings
CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:;{name};;;\r\nTEL;TYPE=CELL:+49 221 123\r\nEND:VCARD\r\n"
)


def new_card(name: str) -> tuple[str, str]:
    """Return a new uid and a card with it."""
    uid = str(uuid.uuid4())
    return uid, CARD.format(uid=uid, name=name)


class Login(NamedTuple):
    """What a user enters into a program: the server's address, the e-mail address, and the app password."""

    url: str
    address: str
    password: str


class Device:
    """A program on a device. `names` syncs first; the others sync afterwards."""

    agent = ""  # a part of the program's User-Agent

    def __init__(self, login: Login, folder: Path) -> None:
        self.login, self.folder = login, folder
        folder.mkdir(parents=True)

    def names(self) -> list[str]:
        """Return the full names of all contacts, sorted."""
        raise NotImplementedError

    def create(self, *names: str) -> None:
        raise NotImplementedError

    def rename(self, old: str, new: str) -> None:
        raise NotImplementedError

    def delete(self, name: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def run(self, *command: str, given: str = "", timeout: int = 120, **env: str) -> str:
        """Run a program with this device's folder as its home; return what it printed."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", **env}
        done = subprocess.run(
            command, cwd=self.folder, env=env, input=given, capture_output=True, text=True, timeout=timeout, check=False
        )
        with (self.folder / "log").open("a") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}\n")
        assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout


def login_of(server: Server, email: str, token: str, name: str) -> Login:
    made = server.ask("POST", "/api/me/app_passwords", {"name": name}, token)
    return Login(server.url, email, made.json()["password"])


def program(name: str) -> str:
    """Return the path of an installed program; a missing one fails the test."""
    path = shutil.which(name, path=f"{CLIENTS}/python/bin:{os.environ['PATH']}")
    assert path, f"{name} is not installed: run scripts/dav_clients"
    return path


def python(name: str) -> str:
    """Return the path of the Python that has the clients' packages."""
    path = CLIENTS / "python" / "bin" / "python"
    assert path.exists(), f"{name} is not installed: run scripts/dav_clients"
    return str(path)


__all__ = ["CLIENTS", "SYSTEM_PYTHON", "Device", "Login", "login_of", "new_card", "program", "python"]
