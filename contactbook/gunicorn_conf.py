"""gunicorn's configuration. Operators set environment variables, which settings.py reads."""

import errno
import functools
import logging
import os
import socket
import sqlite3
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contactbook.settings")

from django.conf import settings
from gunicorn.workers.gthread import ThreadWorker

from contactbook.observability import metrics_directory

host = settings.HOST.replace("*", "0.0.0.0")  # nosec B104
bind = f"[{host}]:{settings.PORT}" if ":" in host else f"{host}:{settings.PORT}"

workers = settings.WEB_CONCURRENCY
threads = settings.THREADS
if os.access("/dev/shm", os.W_OK):  # nosec B108
    worker_tmp_dir = "/dev/shm"  # a worker's heartbeat must not wait for a disk  # nosec B108

keepalive = 75  # longer than nginx's 60 seconds, so that nginx never sends into a connection that is being closed
timeout = 60
graceful_timeout = 30
limit_request_line = 8190
limit_request_fields = 32768 if settings.TRUSTED_PROXIES else 100  # a proxy bounds their bytes, and refuses in JSON

# gunicorn trusts loopback by default. Only TRUSTED_PROXIES decides here, and no header may set SCRIPT_NAME.
forwarded_allow_ips = "*" if settings.TRUSTED_PROXIES > 0 else ""
forwarder_headers = ""
control_socket_disable = True

loglevel = "warning"
logconfig_dict = settings.LOGGING


# SIGTERM. gunicorn leaves the socket listening until its last worker has ended. The kernel accepts further connections
# that no worker reads, and resets them in the end (gunicorn issues 922 and 2409). A proxy that sent a POST on such a
# connection may not repeat it on another instance. If the connection is refused instead, it may: so the listener is
# shut first.

ACCEPT_SECONDS = 1.0  # for the workers to accept the connections that the kernel has already accepted


class Worker(ThreadWorker):
    def accept(self, listener):
        """Accept a connection. It fails when handle_term has shut the listener; the worker then ends, as on SIGTERM."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self.alive = False


worker_class = Worker


def handle_term(arbiter):
    """Handle SIGTERM instead of the arbiter. A socket of systemd or of a new master too (SIGUSR2) stays open."""
    if not arbiter.systemd and arbiter.reexec_pid == arbiter.master_pid == 0:
        deadline = time.monotonic() + ACCEPT_SECONDS
        while any(listener.get_backlog() > 0 for listener in arbiter.LISTENERS) and time.monotonic() < deadline:
            time.sleep(0.001)
        for listener in arbiter.LISTENERS:
            try:
                listener.sock.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                if error.errno != errno.ENOTCONN:  # not Linux: the listener stays until the last worker ends
                    raise
    raise StopIteration


# Metrics of several workers

METRICS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported, which only workers do


def on_starting(server):
    os.environ.pop(METRICS, None)
    if workers > 1 and (directory := metrics_directory.prepare(workers)):
        os.environ[METRICS] = directory
    elif workers > 1:
        server.log.warning("/metrics shows one process at a time: there is no tmpfs for the metrics of all.")


def pre_fork(server, worker):
    """Give the worker a number that no running worker has; its metrics files are named by it.

    prometheus_client uses the process id by default: each killed process would leave its files, until the tmpfs is
    full. With this number the next worker continues the files.
    """
    taken = {each.number for each in server.WORKERS.values()}
    worker.number = next(number for number in range(len(taken) + 1) if number not in taken)


def post_fork(server, worker):
    if METRICS in os.environ:
        from prometheus_client import values

        values.ValueClass = values.MultiProcessValue(process_identifier=lambda: worker.number)


def child_exit(server, worker):
    if METRICS in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.number)


def on_exit(server):
    if METRICS in os.environ and server.reexec_pid == 0:  # after SIGUSR2 the new master uses the directory
        metrics_directory.remove(os.environ[METRICS])


def post_worker_init(worker):
    from accounts.mail import delivery
    from contacts.importing import runner

    delivery.start()
    runner.start()


def worker_exit(server, worker):
    from contacts.importing import runner

    runner.stop()


def when_ready(server):
    server.handle_term = functools.partial(handle_term, server)
    url = settings.PUBLIC_URL
    say(f"The contact book is at {url} and its API at {url}/api/docs. Ctrl-C stops it.")
    if not settings.DATABASE_URL and sqlite3.sqlite_version_info < (3, 51, 3):
        say(f"SQLite {sqlite3.sqlite_version} has a bug that can damage the database, fixed in 3.51.3: make backups.")


def say(sentence):
    """Print the sentence, or log it if the logs are JSON."""
    if settings.LOG_FORMAT == "json":
        logging.getLogger("contactbook").info(sentence)
    else:
        print(sentence, flush=True)
