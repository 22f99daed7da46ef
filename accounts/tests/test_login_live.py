"""POST /api/auth/login, on the running product."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from accounts.tests.cast import at_once
from contactbook.tests.live import PASSWORD, serving
from contactbook.tests.test_memory import MALLOC

pytestmark = pytest.mark.one_stack


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "var", processes=1, **MALLOC) as running:
        yield running


def family(server):
    """The ids of its processes."""
    found = [server.process.pid]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def megabytes(pid, file, name):
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="MEMORY IS NOT MEASURED: this is no Linux")
def test_a_rush_of_logins_takes_bounded_memory_and_frees_it_and_reads_are_answered(server):
    """Each hash takes 19 MiB: thirty at once would take 570, and kept by each of 16 threads 300."""
    email, token = server.sign_up()
    form = urlencode({"username": email, "password": PASSWORD})
    processes = family(server)
    in_use = lambda: sum(megabytes(pid, "smaps_rollup", "Pss") for pid in processes)  # noqa: E731
    before, resident = in_use(), {pid: megabytes(pid, "status", "VmRSS") for pid in processes}
    for pid in processes:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak starts again from the present

    def ask(number):
        if number % 4 == 0:
            return server.ask("GET", "/api/me", token=token)
        return server.ask("POST", "/api/auth/login", form)

    answers = at_once(40, ask)
    assert [answer.status for answer in answers[::4]] == [200] * 10
    logins = [answer for number, answer in enumerate(answers) if number % 4]
    assert {answer.status for answer in logins} <= {200, 503}
    assert any(answer.status == 200 for answer in logins)
    assert all(answer.headers["Retry-After"] == "5" for answer in logins if answer.status == 503)
    peaks = [megabytes(pid, "status", "VmHWM") - resident[pid] for pid in processes]
    assert max(peaks) < 100
    assert in_use() - before < 50
