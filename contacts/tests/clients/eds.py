"""evolution-data-server, the address book of GNOME Contacts and Evolution."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from contacts.tests.clients import SYSTEM_PYTHON, Device, Login, new_card, program

SCRIPT = Path(__file__).with_name("eds_driver.py")
SESSION = f'printf pw | gnome-keyring-daemon --daemonize --login --components=secrets >&2; exec {SYSTEM_PYTHON} "$0"'


class EvolutionDataServer(Device):
    agent = "Evolution/"

    def __init__(self, login: Login, folder: Path) -> None:
        super().__init__(login, folder)
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        program("gnome-keyring-daemon")
        env = {
            "PATH": "/usr/bin:/bin:/usr/sbin",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(runtime),
        }
        with (folder / "log").open("ab") as log:
            self.driver = subprocess.Popen(
                [program("dbus-run-session"), "--", "bash", "-c", SESSION, str(SCRIPT)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=env, start_new_session=True,
            )  # fmt: skip
        self.do("set up")

    def do(self, action: str, **more: Any) -> list[str]:
        self.driver.stdin.write(json.dumps({"action": action, **self.login._asdict(), **more}) + "\n")
        self.driver.stdin.flush()
        answer = self.driver.stdout.readline()
        assert answer.startswith("["), answer + (self.folder / "log").read_text()[-3000:]
        return json.loads(answer)

    def names(self) -> list[str]:
        return sorted(self.do("sync"))

    def create(self, *names: str) -> None:
        self.do("create", cards=[new_card(name)[1] for name in names])

    def rename(self, old: str, new: str) -> None:
        self.do("rename", name=old, to=new)

    def delete(self, name: str) -> None:
        self.do("delete", name=name)

    def close(self) -> None:
        self.driver.stdin.close()
        try:
            self.driver.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.driver.pid, 9)
            self.driver.wait()
        self.driver.stdout.close()
