"""gunicorn's worker of threads, in which whoever waits for a password's hash keeps nobody else waiting."""

import errno
import re
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from gunicorn.workers import gthread

# What hashes a password (accounts/authentication.py). A request with a body comes with its first line at least.
HASHES = re.compile(rb"POST /+(api/auth/|api/me/password|reset/|admin/login)|DELETE /+api/me[/?]?[? ]")
LONGEST = 64  # bytes, of which these are told apart


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
        """A socket that was shut (stopping.py) is no fault."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self.alive = False  # as by SIGTERM, which is on its way


def hashes(connection: socket.socket) -> bool:
    try:
        return HASHES.match(connection.recv(LONGEST, socket.MSG_PEEK | socket.MSG_DONTWAIT)) is not None
    except OSError:
        return False
