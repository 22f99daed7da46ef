"""How gunicorn stops on SIGTERM: it refuses connections from the first moment, and answers what it has accepted.

By itself it leaves the socket listening until its last worker is gone: the kernel goes on completing connections that
nobody will read, and resets them in the end. A proxy that sent a POST on one may not send it again to another
instance, and answers 502; one that is refused just goes there.
"""

import errno
import functools
import socket
import time
from typing import Any

EMPTYING = 1.0  # seconds for the workers to accept what waits in the queue


def stop_listening_first(arbiter: Any) -> None:
    arbiter.handle_term = functools.partial(stop_listening, arbiter)


def stop_listening(arbiter: Any) -> None:
    """In place of the arbiter's own handler of SIGTERM, and to the same end.

    A socket that is not ours alone (systemd's, or one handed to a new master by SIGUSR2) goes on listening.
    """
    if not arbiter.systemd and arbiter.reexec_pid == arbiter.master_pid == 0:
        deadline = time.monotonic() + EMPTYING
        while any(listener.get_backlog() > 0 for listener in arbiter.LISTENERS) and time.monotonic() < deadline:
            time.sleep(0.001)
        for listener in arbiter.LISTENERS:
            refuse(listener.sock)
    raise StopIteration


def refuse(listener: socket.socket) -> None:
    """For every process that shares it."""
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:  # systems other than Linux, where it ends with the last worker
            raise
