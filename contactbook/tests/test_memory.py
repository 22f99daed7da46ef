"""The memory of a process after the largest answers: it stays small, however often they are asked for."""

from pathlib import Path

import pytest

from accounts.tests.cast import at_once
from contactbook.tests.live import serving

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="MEMORY IS NOT MEASURED: this is no Linux"),
]

CONTACTS = 20_000
LARGEST = (
    "/api/contacts/bd?days_range=366&across_year=true",
    "/api/contacts/?limit=1000&fields=card",
    "/api/contacts/changes?limit=1000&fields=card",
    "/api/me/export",
)
# MB more than at first: 20 was measured (SQLite), 36 with SQLite's own page caches of 2 MB a thread, 39 without a threshold, 68 without any of these variables.
ALLOWED = 30
MALLOC = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "262144"}  # as scripts/run and the Dockerfile set them


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "var", processes=1, **MALLOC) as running:
        yield running


def memory(server):
    """MB (PSS) of the processes that serve."""
    tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
    workers = [pid for task in tasks for pid in (task / "children").read_text().split()]
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in workers]
    assert rollups
    return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line.startswith("Pss:")) / 1024


def person(number):
    return {"fullname": f"Ann {number}", "birthday": f"19{number % 90 + 10}-{number % 12 + 1:02}-{number % 28 + 1:02}"}


def test_the_largest_answers_are_given_back(server):
    _, token = server.sign_up()
    for start in range(0, CONTACTS, 1000):
        items = [{"op": "create", "contact": person(number)} for number in range(start, start + 1000)]
        assert server.ask("POST", "/api/contacts/batch", {"items": items}, token=token, timeout=60).status == 200
    before = memory(server)
    for path in LARGEST:
        for _ in range(3):
            answers = at_once(8, lambda _, path=path: server.ask("GET", path, token=token, timeout=60))
            assert {answer.status for answer in answers} == {200}
        assert len(answers[0].body) > 100_000
    assert memory(server) - before < ALLOWED


def test_the_server_is_started_with_these_variables(checkout):
    for name, value in MALLOC.items():
        assert f'{name}="${{{name}-{value}}}"' in (checkout / "scripts" / "run").read_text()
        assert f"{name}={value} " in (checkout / "Dockerfile").read_text()
