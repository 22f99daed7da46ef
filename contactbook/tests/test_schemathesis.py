"""The running product against its own OpenAPI document: schemathesis with all its checks and a fixed seed."""

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contactbook.tests.live import ROOT, Server, serving

SETTINGS = "contactbook/tests/schemathesis.toml"
# Without a mail at hand no token of a link is right; without a refresh token there is no new pair; a schema
# cannot know the number of a session; and in a short run there is one contact in the trash, which is restored.
NEVER_SUCCEED = {"confirmEmail", "confirmEmailFromPage", "login", "refreshToken", "endSession", "purgeFromTrash"}
NEVER_SUCCEED |= {"readFeed", "dismissDuplicates"}  # nor a feed's secret, or the key of a set of duplicates

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its own: the document's examples ask for the first contact, which must be the caller's."""
    with serving(tmp_path_factory.mktemp("schemathesis") / "var") as running:
        yield running


def run(server: Server, *options: str, seed: int = 1, **accounts: str) -> dict[str, Counter[int]]:
    """The statuses that each operation answered with; fails in schemathesis's words where it found anything."""
    report = server.folder / f"report{seed}.har"
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        SETTINGS,
        "run",
        f"{server.url}/api/schema",
    ]
    command += ["--seed", str(seed), "--no-color", "--report", "har", "--report-har-path", str(report), *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **accounts}
    env.pop("VAR_DIR", None)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout.partition("= FAILURES =")[2] or done.stdout + done.stderr
    report.with_suffix(".txt").write_text(done.stdout)
    return statuses(report)


def statuses(report: Path) -> dict[str, Counter[int]]:
    """By operationId, which each request carries (schemathesis_hooks.py)."""
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for entry in json.loads(report.read_text())["log"]["entries"]:
        sent = {header["name"].lower(): header["value"] for header in entry["request"]["headers"]}
        if "x-operation" in sent:
            found[sent["x-operation"]][entry["response"]["status"]] += 1
    return found


def operations(server: Server) -> set[str]:
    paths = server.ask("GET", "/api/schema").json()["paths"]
    return {operation["operationId"] for methods in paths.values() for operation in methods.values()}


def accounts(server: Server) -> dict[str, str]:
    return {"CALLER": server.sign_up()[0], "PEER": server.sign_up()[0]}


def all_were_reached(server: Server, found: dict[str, Counter[int]], but: set[str]) -> None:
    """A run in which everybody was refused would find nothing either."""
    names = operations(server)
    succeeded = {name for name, codes in found.items() if any(200 <= code < 300 for code in codes)}
    assert found.keys() == names
    assert names - succeeded <= but


def test_logged_in(server: Server) -> None:
    found = run(server, "--phases", "examples,coverage", **accounts(server))
    all_were_reached(server, found, NEVER_SUCCEED)


def test_logged_out(server: Server) -> None:
    found = run(server, "--phases", "examples,stateful", "-n", "1")
    assert {code for name in found if name.endswith("Contact") for code in found[name]} == {401}


def test_limits_are_documented(tmp_path: Path) -> None:
    """Every kind of answer of a limited route, refused or not, with its headers as documented."""
    names = ["signup", "login", "createContact", "listContacts", "findContact"]
    asked = [option for name in names for option in ("--include-operation-id", name)]
    with serving(tmp_path / "var", RATE_LIMITS="*=2/h,login=5/h") as server:
        found = run(server, "--phases", "coverage", *asked, **accounts(server))
    assert all(found[name][429] for name in names)


def links_followed(server: Server) -> int:
    """From an answer of one operation to a request of another, in stateful runs."""
    said = "".join(file.read_text() for file in server.folder.glob("report*.txt"))
    return sum(int(covered) for covered in re.findall(r"API Links: +(\d+) covered", said))


# A machine that is busy with other tests takes its time for a batch of a thousand.
LONG = ("-n", "330", "--request-timeout", "60")


def test_long(server: Server) -> None:
    """20,000 requests in all phases, stateful ones too, by two at once: a stage of CI of its own."""
    pairs = [accounts(server) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda seed, pair: run(server, *LONG, seed=seed, **pair), (1, 2), pairs))
    for found in both:
        all_were_reached(server, found, NEVER_SUCCEED)
    assert sum(codes.total() for found in both for codes in found.values()) >= 20_000
    assert links_followed(server) >= 10
