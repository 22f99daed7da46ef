"""/metrics over several processes, and their deaths."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from contactbook.tests.faults import parent_of, until
from contactbook.tests.live import ROOT, base_environment, serving


def numbers(server, name):
    text = server.ask("GET", "/metrics").body.decode()
    samples = [sample for family in parsed(text) for sample in family.samples if sample.name == name]
    return {tuple(v for _, v in sorted(sample.labels.items())): sample.value for sample in samples}


UNKNOWN = ("GET", "none", "404")


def children(server):
    parents = {int(stat.parent.name): parent_of(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
    return [pid for pid, parent in parents.items() if parent == server.process.pid]


@pytest.mark.postgresql
def test_all_processes_are_counted_together_whichever_answers(server):
    before = numbers(server, "contactbook_requests_total").get(UNKNOWN, 0)
    for _ in range(40):
        assert server.try_get("/nowhere") == 404
    assert {numbers(server, "contactbook_requests_total")[UNKNOWN] for _ in range(20)} == {before + 40}
    assert numbers(server, "contactbook_redis_circuit_open") == {(): 0}


@pytest.mark.postgresql
def test_of_several_processes_a_killed_one_takes_no_number_with_it(server):
    for _ in range(20):
        server.try_get("/nowhere")
    before = numbers(server, "contactbook_requests_total")[UNKNOWN]
    for _ in range(2):
        killed = children(server)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda gone=killed: children(server) and not set(gone) & set(children(server)))
        until(lambda: server.try_get("/healthz") == 200)
        assert numbers(server, "contactbook_requests_total")[UNKNOWN] == before


def metrics_files(server):
    """The names of the files in the directory that a worker has mapped."""
    maps = Path(f"/proc/{children(server)[0]}/maps").read_text().split()
    directory = next(Path(word).parent for word in maps if "/contactbook-" in word and word.endswith(".db"))
    return sorted(file.name for file in directory.glob("*.db"))


@pytest.mark.one_stack
def test_one_process_keeps_its_numbers_in_memory(server):
    """Prometheus knows a counter that begins again."""
    assert "/contactbook-" not in Path(f"/proc/{children(server)[0]}/maps").read_text()


@pytest.mark.postgresql
def test_killed_processes_do_not_fill_the_directory(server):
    """A full tmpfs under mapped files would kill the next process."""
    for _ in range(3):
        killed = children(server)
        os.kill(killed[0], signal.SIGKILL)
        until(lambda gone=killed: len(set(children(server)) - set(gone)) == 1 and len(children(server)) == len(gone))
        until(lambda: server.try_get("/healthz") == 200)
    files = [f"{kind}_{number}.db" for kind in ("counter", "gauge_livesum", "histogram") for number in range(2)]
    until(lambda: {*files} >= {*metrics_files(server)})


@pytest.mark.postgresql
def test_nothing_of_a_stopped_server_stays_in_shared_memory(tmp_path):
    with serving(tmp_path / "var") as server:
        server.ask("GET", "/healthz")  # the first request makes the files
        mapped = {path for pid in children(server) for path in mapped_directories(pid)}
        server.stop()
    assert len(mapped) == 1
    assert not any(path.exists() for path in mapped)


def mapped_directories(pid):
    """The directories of metrics whose files a process has in its memory; other servers have theirs beside them."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {Path(line.split()[-1]).parent for line in lines if "/dev/shm/contactbook-" in line}


@pytest.mark.postgresql
def test_a_strangers_network_finds_nothing(tmp_path):
    with serving(tmp_path / "var", processes=1, METRICS_NETWORKS="10.0.0.0/8,fd00::/8") as server:
        for path in ("/metrics", "/metrics/"):
            answer, unknown = server.ask("GET", path), server.ask("GET", "/unknown")
            assert (answer.status, answer.body) == (unknown.status, unknown.body) == (404, unknown.body)


@pytest.mark.one_stack
def test_sentry_is_not_loaded_unless_asked_for(tmp_path):
    """Its library would cost a third of a second at the start."""
    code = "import contactbook.wsgi, sys; print({'sentry_sdk'} & set(sys.modules))"
    env = base_environment(tmp_path / "var")
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert ended.stdout.strip() == "set()", ended.stderr
