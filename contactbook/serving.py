"""gunicorn's worker of threads: fair to the other processes, and to those who wait for no hash."""

import errno
import re
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from gunicorn.workers import gthread

from . import counting

# What hashes a password (accounts/authentication.py). A request with a body comes with its first line at least.
HASHES = re.compile(rb"POST /+(api/auth/|api/me/password|reset/|admin/login)|DELETE /+api/me[/?]?[? ]")
LONGEST = 64  # bytes, by which these are told apart
GIVE_WAY = 0.001  # seconds


class Worker(gthread.ThreadWorker):
    """A password takes as long as fifty lists: with all threads in one queue, a rush of logins held them all.

    Hence two threads of their own, as many as hash at once. A thread that finds such a request hands its
    connection on, and is free.
    """

    def init_process(self) -> None:
        self.lane = ThreadPoolExecutor(2, "lane")
        super().init_process()

    def handle(self, conn: Any) -> Any:
        if not (conn.initialized or conn.wait_for_data(gthread.DEFAULT_WORKER_DATA_TIMEOUT)):
            return gthread._DEFER
        return self.lane.submit(super().handle, conn) if hashes(conn.sock) else super().handle(conn)

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        finish = super().finish_request
        handed_on = None if fs.cancelled() or fs.exception() else fs.result()
        if isinstance(handed_on, Future):
            handed_on.add_done_callback(lambda done: self.method_queue.defer(finish, conn, done))
        else:
            finish(conn, fs)

    def accept(self, listener: socket.socket) -> None:
        """A process with fewer connections goes first: they are kept alive, and whoever woke first once had them all.

        A socket that was shut (stopping.py) is no fault.
        """
        if self.nr_conns > counting.fewest_connections():
            time.sleep(GIVE_WAY)
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self.alive = False  # as by SIGTERM, which is on its way
        counting.mine.connections = self.nr_conns

    def notify(self) -> None:
        """At every turn of the loop, in which connections end."""
        super().notify()
        counting.mine.connections = self.nr_conns


def hashes(connection: socket.socket) -> bool:
    try:
        return HASHES.match(connection.recv(LONGEST, socket.MSG_PEEK | socket.MSG_DONTWAIT)) is not None
    except OSError:
        return False
