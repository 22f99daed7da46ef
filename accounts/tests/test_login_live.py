"""POST /api/auth/login, on the running product."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from accounts.tests.cast import at_once
from contactbook.tests.live import PASSWORD


def memory(server):
    """MB that its processes have for themselves."""
    found = [server.process.pid]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() for pid in found)
    return sum(int(line.split()[1]) for lines in rollups for line in lines if line.startswith("Pss:")) / 1024


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="MEMORY IS NOT MEASURED: this is no Linux")
def test_the_memory_of_a_hash_is_freed(server):
    """19 MiB each: kept by every thread it would be 150 MB a process."""
    email, _ = server.sign_up()
    form = urlencode({"username": email, "password": PASSWORD})
    before = memory(server)
    for _ in range(2):
        answers = at_once(16, lambda _: server.ask("POST", "/api/auth/login", form))
        assert {answer.status for answer in answers} == {200}
    assert memory(server) - before < 50
