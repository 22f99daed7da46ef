"""What an operator does on purpose while people go on: two instances restarted in turn, a migration."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from contactbook.tests.chaos import stacks
from contactbook.tests.chaos.actors import Load
from contactbook.tests.chaos.kills import under_load
from contactbook.tests.chaos.report import Result
from contactbook.tests.chaos.stacks import Stack
from contactbook.tests.live import ROOT, Server, free_port
from contactbook.tests.nginx import nginx

BEFORE = 2_000  # contacts that a migration finds

SETTINGS = """
from contactbook.settings import *
MIGRATION_MODULES = {"contacts": "later"}
"""
MIGRATION = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, migrations, models

AddIndex = AddIndexConcurrently if connection.vendor == "postgresql" else migrations.AddIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "{last}")]
    operations = [
        migrations.AddField("contact", "chaos", models.CharField(max_length=50, null=True)),
        AddIndex("contact", models.Index(fields=["user", "chaos"], name="contact_chaos")),
    ]
"""


@contextlib.contextmanager
def second_instance(first: Server) -> Iterator[Server]:
    # Both have one address, as instances behind a proxy do: the URLs of avatars begin with it.
    own = {"PORT": str(free_port()), "PUBLIC_URL": first.url}
    second = Server(first.env | own, first.folder / "second")
    second.folder.mkdir()
    second.start()
    try:
        yield second
    finally:
        second.stop()


def instances_restarted(stack: Stack, rounds: int, seconds: float) -> Result:
    """Behind nginx, by SIGTERM, one when the other is back: nobody sees anything of it."""
    result = Result("two instances behind nginx, restarted in turn", stack.name)
    with (
        stack.serving(TRUSTED_PROXIES="1") as first,
        second_instance(first) as second,
        nginx(first, second) as front,
    ):
        load = Load(front.url, stacks.accounts(first))

        def in_turn() -> None:
            for server in (first, second):
                status = stacks.terminate(server)
                result.promise(status == 0, f"SIGTERM: the exit status was {status}")
                server.start()
                time.sleep(2)  # nginx tries a server again a second after it was refused

        for _ in range(rounds):
            under_load(first, load, result, seconds, in_turn)
    failed = result.server_errors + result.statuses[0] + result.statuses[-1]
    result.promise(failed == 0, f"{failed} requests failed")
    return result


def migrated(stack: Stack, rounds: int, seconds: float) -> Result:
    """A new column and an index on it, there and back, while the older code serves."""
    result = Result("a migration while serving, there and back", stack.name)
    with stack.serving() as server:
        fill(server, *stacks.accounts(server, 1))
        load, environment = Load(server.url, stacks.accounts(server)), later(server)

        def there_and_back() -> None:
            for target in ("later", last_migration()):
                command = [sys.executable, "manage.py", "migrate", "-v0", "contacts", target]
                done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
                result.promise(done.returncode == 0, f"migrate {target}: {done.stderr[-500:]}")

        for _ in range(rounds):
            under_load(server, load, result, seconds, there_and_back)
    result.promise(result.server_errors == 0, f"{result.server_errors} answers were a 5xx")
    return result


def fill(server: Server, email: str) -> None:
    token = server.log_in(email)["access_token"]
    items = [{"op": "create", "contact": {"fullname": f"before {number}"}} for number in range(1000)]
    for _ in range(BEFORE // 1000):
        assert server.ask("POST", "/api/contacts/batch", {"items": items}, token=token).status == 200


def last_migration() -> str:
    return max(path.stem for path in (ROOT / "contacts" / "migrations").glob("0*.py"))


def later(server: Server) -> dict[str, str]:
    """The environment of a version to come: our migrations and one more, which its models need not know."""
    folder = Path(server.folder) / "later_version"
    migrations = folder / "later"
    migrations.mkdir(parents=True)
    for path in (ROOT / "contacts" / "migrations").glob("*.py"):
        (migrations / path.name).write_text(path.read_text())
    (migrations / "later.py").write_text(MIGRATION.replace("{last}", last_migration()))
    (folder / "later_settings.py").write_text(SETTINGS)
    path = os.pathsep.join([str(folder), str(ROOT)])
    return server.env | {"PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "later_settings"}
