"""How gunicorn serves us. What an operator sets stands in settings.py; this only hands it on."""

import contextlib
import ctypes
import os
import sqlite3

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactbook.settings")

from django.conf import settings

host = settings.HOST.replace("*", "0.0.0.0")
bind = f"[{host}]:{settings.PORT}" if ":" in host else f"{host}:{settings.PORT}"

worker_class = "gthread"
workers = settings.WEB_CONCURRENCY
threads = 8
if os.access("/dev/shm", os.W_OK):
    worker_tmp_dir = "/dev/shm"  # a worker's heartbeat must not wait for a disk

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

# A password's hash takes 19 MiB. glibc's malloc learns from the first to keep such blocks, and would do so for each
# thread; a threshold that is set is not raised, and what is larger is given back at once. Inherited by the workers.
M_MMAP_THRESHOLD = -3
with contextlib.suppress(OSError, AttributeError):  # another C library
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024)


def when_ready(server):
    url = settings.PUBLIC_URL
    print(f"The contact book is at {url} and its API at {url}/api/docs. Ctrl-C stops it.", flush=True)
    if not settings.DATABASE_URL and sqlite3.sqlite_version_info < (3, 51, 3):
        print(f"SQLite {sqlite3.sqlite_version} has a known fault, mended in 3.51.3: keep backups.", flush=True)
