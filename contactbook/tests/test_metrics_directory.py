"""Where several workers write their metrics: only on a tmpfs with room, in an empty directory of this server's own."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from contactbook import gunicorn_conf
from contactbook.observability import metrics_directory as directory

pytestmark = pytest.mark.one_stack


@pytest.fixture
def tmpfs(tmp_path, monkeypatch):
    """Two directories in the place of /run/metrics and /dev/shm; `mounted` holds those that are a tmpfs."""
    places = SimpleNamespace(own=tmp_path / "own", shared=tmp_path / "shared", mounted=set(), free=10**9)
    places.own.mkdir()
    places.shared.mkdir()
    monkeypatch.setattr(directory, "OWN_TMPFS", str(places.own))
    monkeypatch.setattr(directory, "SHARED_TMPFS", str(places.shared))
    monkeypatch.setattr(directory, "is_tmpfs", lambda path: path in places.mounted)
    monkeypatch.setattr(directory, "free_bytes", lambda path: places.free)
    return places


def test_without_a_tmpfs_there_is_none(tmpfs):
    assert directory.prepare(2) is None
    assert not list(tmpfs.shared.iterdir())


def test_its_own_tmpfs_is_preferred(tmpfs):
    tmpfs.mounted = {str(tmpfs.own), str(tmpfs.shared)}
    assert directory.prepare(2) == str(tmpfs.own)


def test_on_the_shared_one_each_server_has_its_own_directory(tmpfs, settings):
    tmpfs.mounted = {str(tmpfs.shared)}
    first = directory.prepare(2)
    assert os.stat(first).st_mode & 0o777 == 0o700
    settings.PORT += 1
    assert directory.prepare(2) != first


def test_it_is_emptied_at_the_start(tmpfs):
    tmpfs.mounted = {str(tmpfs.own)}
    (tmpfs.own / "counter_0.db").write_bytes(b"old")
    assert directory.prepare(2) and not list(tmpfs.own.iterdir())


def test_its_memory_is_freed_when_the_server_ends(tmpfs):
    tmpfs.mounted = {str(tmpfs.shared)}
    path = directory.prepare(2)
    Path(path, "counter_0.db").write_bytes(b"x")
    directory.remove(path)
    directory.remove(path)
    assert not list(tmpfs.shared.iterdir())


def test_one_without_room_for_all_workers_is_not_used(tmpfs):
    tmpfs.mounted, tmpfs.free = {str(tmpfs.own)}, 16 * 1024**2
    assert directory.prepare(31) and directory.prepare(32) is None


def test_one_that_leads_elsewhere_is_not_used(tmpfs, tmp_path):
    """/dev/shm is open to all users: another one may have been there first."""
    tmpfs.mounted = {str(tmpfs.shared)}
    made = directory.prepare(2)
    os.rmdir(made)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (kept := elsewhere / "a.db").write_text("")
    os.symlink(elsewhere, made)
    assert directory.prepare(2) is None and kept.exists()


def test_the_mounts_are_read_from_the_kernel(tmp_path):
    assert not directory.is_tmpfs(str(tmp_path)) and not directory.is_tmpfs("/nowhere")
    if ["/dev/shm", "tmpfs"] in [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]:
        assert directory.is_tmpfs("/dev/shm")


def test_no_two_running_workers_have_the_same_number():
    server = SimpleNamespace(WORKERS={})
    for pid in (10, 11, 12):
        worker = SimpleNamespace()
        gunicorn_conf.pre_fork(server, worker)
        server.WORKERS[pid] = worker
    assert [worker.number for worker in server.WORKERS.values()] == [0, 1, 2]
    del server.WORKERS[11]
    gunicorn_conf.pre_fork(server, worker := SimpleNamespace())
    assert worker.number == 1, "it continues the files of the one that ended"


@pytest.mark.parametrize(("workers", "threads"), [(1, 16), (2, 16), (5, 16), (8, 10), (20, 4), (40, 4)])
def test_all_threads_together_stay_within_postgresqls_connections(workers, threads, tmp_path):
    code = "from contactbook.gunicorn_conf import threads; print(threads)"
    env = {"WEB_CONCURRENCY": str(workers), "REDIS_URL": "redis://localhost", "VAR_DIR": str(tmp_path)}
    answer = subprocess.check_output([sys.executable, "-c", code], env=env, text=True, cwd=directory.settings.BASE_DIR)
    assert int(answer) == threads
