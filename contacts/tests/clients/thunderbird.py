"""Thunderbird, driven by Marionette. It sends vCard 4.0, overwrites without If-Match, and never recovers from a 403."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from contactbook.tests.live import free_port
from contacts.tests.clients import Device, Login, new_card, program, python

SCRIPT = Path(__file__).with_suffix(".js")
# Marionette's client is among the clients' packages, which are not those of the tests.
DRIVER = """
import json, sys
from marionette_driver.marionette import Marionette
marionette = Marionette(host="127.0.0.1", port=int(sys.argv[1]), startup_timeout=180, socket_timeout=360)
marionette.start_session()
marionette.set_context("chrome")
marionette.timeout.script = 180
script = open(sys.argv[2]).read()
for line in sys.stdin:
    print(marionette.execute_async_script(script, script_args=[json.loads(line)]), flush=True)
"""


class Thunderbird(Device):
    agent = "Thunderbird/"

    def __init__(self, login: Login, folder: Path) -> None:
        super().__init__(login, folder)
        port = free_port()
        profile = folder / "profile"
        profile.mkdir()
        (profile / "user.js").write_text(f'user_pref("marionette.port", {port});\n')
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "MOZ_CRASHREPORTER_DISABLE": "1"}
        command = [program("thunderbird"), "--headless", "--marionette", "--remote-allow-system-access"]
        with (folder / "log").open("ab") as log:
            self.program = subprocess.Popen(
                [*command, "--profile", str(profile), "--no-remote"],
                env=env, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.driver = subprocess.Popen(
            [python("Marionette"), "-c", DRIVER, str(port), str(SCRIPT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env,
        )  # fmt: skip
        self.do("set up")

    def do(self, action: str, **more: Any) -> list[str]:
        self.driver.stdin.write(json.dumps({"action": action, **self.login._asdict(), **more}) + "\n")
        self.driver.stdin.flush()
        answer = self.driver.stdout.readline()
        assert answer.startswith("["), answer + (self.driver.stdout.read() if self.driver.poll() is not None else "")
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
        self.driver.kill()
        self.driver.wait()
        os.killpg(self.program.pid, signal.SIGKILL)  # the program itself is started by a script
        self.program.wait()
        self.driver.stdin.close()
        self.driver.stdout.close()
