"""How gunicorn serves us. What an operator sets stands in settings.py; this only hands it on."""

import contextlib
import ctypes
import gc
import logging
import os
import sqlite3
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactbook.settings")

from django.conf import settings

from contactbook import counting
from contactbook.stopping import stop_listening_first

host = settings.HOST.replace("*", "0.0.0.0")  # nosec B104
bind = f"[{host}]:{settings.PORT}" if ":" in host else f"{host}:{settings.PORT}"

worker_class: Any = "gthread"
workers = settings.WEB_CONCURRENCY
threads = 8
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
if os.access("/dev/shm", os.W_OK):  # nosec B108
    worker_tmp_dir = "/dev/shm"  # a worker's heartbeat must not wait for a disk  # nosec B108

# Longer than nginx's 60 seconds for an idle connection, so that it never sends into one we are closing.
keepalive = 75
timeout = 60
graceful_timeout = 30
limit_request_line = 8190

# By default gunicorn believes loopback. We believe TRUSTED_PROXIES alone, and nobody about our own path.
forwarded_allow_ips = "*" if settings.TRUSTED_PROXIES > 0 else ""
forwarder_headers = ""
control_socket_disable = True

loglevel = "warning"
logconfig_dict = settings.LOGGING

# A password's hash takes 19 MiB, a large answer one or two. glibc's malloc learns from the first to keep such blocks,
# and would do so for each thread. Thresholds that are set are not raised, what is larger is given back at
# once, and the threads share two heaps. Inherited by the workers.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
with contextlib.suppress(OSError, AttributeError):  # another C library
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 256 * 1024)
    ctypes.CDLL(None).mallopt(M_TRIM_THRESHOLD, 256 * 1024)
    ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def on_starting(server):
    counting.share(workers)


def pre_fork(server, worker):
    counting.offer(worker)


def post_fork(server, worker):
    """A process keeps to one core where each core can have as many of them.

    Its threads pass the interpreter's lock on all the time, and from core to core that takes a fifth of all it can do.
    """
    counting.sit(worker)
    if CORES and workers % len(CORES) == 0:
        os.sched_setaffinity(0, {CORES[counting.seats.index(worker.seat) % len(CORES)]})


def post_worker_init(worker):
    """What is loaded by now lives as long as the process: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


def child_exit(server, worker):
    counting.leave(worker)


def say(sentence):
    """For people, unless what is written here is read by programs."""
    if settings.LOG_FORMAT == "json":
        logging.getLogger("contactbook").info(sentence)
    else:
        print(sentence, flush=True)


def when_ready(server):
    stop_listening_first(server)
    url = settings.PUBLIC_URL
    say(f"The contact book is at {url} and its API at {url}/api/docs. Ctrl-C stops it.")
    if not settings.DATABASE_URL and sqlite3.sqlite_version_info < (3, 51, 3):
        say(f"SQLite {sqlite3.sqlite_version} has a known fault, mended in 3.51.3: keep backups.")
