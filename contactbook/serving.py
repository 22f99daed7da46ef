"""gunicorn's worker: threads that wait together for whatever connection asks next.

gunicorn's own worker of threads has one that watches the connections and hands each request to another: a dozen system
calls a request, and the interpreter's lock passed on twice. Here the kernel hands a connection to the thread
that will answer it (epoll, one event at a time), and that thread reads, answers and gives it back.
"""

import contextlib
import errno
import math
import os
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any
from urllib.parse import unquote

from gunicorn.http import get_parser, wsgi
from gunicorn.http.errors import NoMoreData
from gunicorn.workers import base

from contactbook import counting

# What hashes a password (accounts/authentication.py). It takes as long as fifty lists: with all threads in one
# queue a rush of logins held them all. Hence two threads of their own, as many as hash at once.
HASHES = re.compile(r"POST /+(api/auth/|api/me/password|reset/|admin/login)|DELETE /+api/me/?$")
HASHING_THREADS = 2

GIVE_WAY = 0.001  # seconds
READING = 20.0  # seconds for a request, and one more for each
SLOWEST = 4096  # bytes of its body
STALLED = 10  # seconds in which nothing is read of a body, or of an answer
LINGER = 2.0  # seconds in which who is told that the connection ends may finish sending (RFC 9112 section 9.6)
UNREAD = 64 * 1024  # bytes of a body that nobody wanted, before its connection ends
SMALL = 16 * 1024  # bytes of a request that no thread waits for, and of an answer that go with its headers

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,30})", re.I)
EXPECT = re.compile(rb"\r\nexpect:", re.I)
READ, WRITE = select.EPOLLIN | select.EPOLLONESHOT, select.EPOLLOUT | select.EPOLLONESHOT


GONE = (NoMoreData, BlockingIOError, ConnectionError)  # or they read nothing for STALLED


class State(Enum):
    WAITING = "for a request"
    READING = "what is sent of it"
    ANSWERING = "and reading what may be left of a large body"
    ENDING = "of which the client was told"


class Connection:
    """What was received is not read yet: the parser does that, by `recv`."""

    def __init__(self, sock: socket.socket, client: Any, server: Any, cfg: Any) -> None:
        self.sock, self.client, self.server = sock, client, server
        self.file = sock.fileno()
        self.received, self.late = b"", False
        self.enter(State.READING)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED, 0))
        self.parser = get_parser(cfg, self, client)

    def enter(self, state: State) -> None:
        self.state, self.since, self.amount = state, time.monotonic(), 0

    def receive(self) -> bool:
        """What has arrived by now; False if they are gone."""
        try:
            data = self.sock.recv(SMALL, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.received += data
        return bool(data)

    def is_whole(self) -> bool:
        """Whether a thread may begin: it will not have to wait, or may refuse a large body unread.

        How a request is framed is for the parser to say.
        """
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return len(head) > SMALL
        length = LENGTH.search(head)
        return length is None or not len(body) < int(length[1]) <= SMALL or EXPECT.search(head) is not None

    def recv(self, size: int) -> bytes:
        """Nothing, as if they were gone, of those who are too slow: no other request may follow on what is missing."""
        if self.received:
            data, self.received = self.received[:size], self.received[size:]
            return data
        data = b""
        with contextlib.suppress(BlockingIOError):  # nothing for STALLED
            if time.monotonic() < self.since + READING + self.amount / SLOWEST:
                data = self.sock.recv(size)
        self.amount += len(data)
        self.late |= not data
        return data

    def limit(self, keepalive: float) -> float:
        """Seconds that this may last."""
        if self.state is State.READING and self.received:
            return READING
        return {State.READING: min(READING, keepalive), State.WAITING: keepalive, State.ENDING: LINGER}.get(
            self.state, math.inf
        )

    def shut(self, how: int) -> None:
        with contextlib.suppress(OSError):  # they were faster
            self.sock.shutdown(how)


class Response(wsgi.Response):
    """Its headers wait for the first of its body."""

    head = b""
    headers_sent: bool

    def send_headers(self) -> None:
        if not self.headers_sent:
            lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
            self.head = "".join(lines).encode("latin-1")
            self.headers_sent = True

    def flush(self) -> None:
        head, self.head = self.head, b""
        if head:
            self.sock.sendall(head)

    def _emit_body(self, data: bytes) -> None:
        if not self.chunked and len(data) <= SMALL:
            data, self.head = self.head + data, b""
        self.flush()
        super()._emit_body(data)

    def sendfile(self, respiter: Any) -> bool:
        self.send_headers()
        self.flush()
        return bool(super().sendfile(respiter))

    def close(self) -> None:
        self.send_headers()
        self.flush()
        super().close()


def hashes(method: str, path: str) -> bool:
    return HASHES.match(f"{method} {unquote(path)}") is not None


class Worker(base.Worker):
    def init_process(self) -> None:
        self.epoll, self.bell = select.epoll(), os.eventfd(0)
        self.epoll.register(self.bell, select.EPOLLIN)
        self.open: dict[int, Connection] = {}
        self.lane = ThreadPoolExecutor(HASHING_THREADS, "lane")
        super().init_process()

    # What the first thread does

    def run(self) -> None:
        for listener in self.sockets:
            listener.setblocking(False)
        for number in range(self.cfg.threads):
            threading.Thread(target=self.serve, name=f"serving-{number}", daemon=True).start()
        reaped = time.monotonic()
        while self.alive and self.ppid == os.getppid():
            self.notify()
            room = len(self.open) < self.cfg.worker_connections
            wanted = [*self.sockets, self.PIPE[0]] if room else [self.PIPE[0]]
            ready, _, _ = select.select(wanted, [], [], 1.0 if room else 0.05)
            for each in ready:
                if each is self.PIPE[0]:
                    os.read(each, 64)  # a signal woke us, which is handled by now
                else:
                    self.accept(each)
            if time.monotonic() > reaped + 1:
                self.reap(self.cfg.keepalive)
                reaped = time.monotonic()
        self.stop()

    def stop(self) -> None:
        """Who was let in is answered; who keeps a connection open may be sending already, and is told that it ends."""
        self.alive = False
        begun = time.monotonic()
        while self.open and time.monotonic() < begun + self.cfg.graceful_timeout:
            self.notify()
            self.reap(LINGER, begun)
            time.sleep(0.02)
        os.eventfd_write(self.bell, 1)
        for listener in self.sockets:
            listener.close()

    def accept(self, listener: Any) -> None:
        """A process with fewer connections goes first: they are kept alive, and whoever woke first once had them all.

        A socket that was shut (stopping.py) is no fault.
        """
        if len(self.open) > counting.fewest_connections():
            time.sleep(GIVE_WAY)
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno == errno.EINVAL:
                self.alive = False  # as by SIGTERM, which is on its way
            elif error.errno in (errno.EMFILE, errno.ENFILE):
                self.log.warning("No more files can be open: who connects has to wait.")
                time.sleep(0.1)
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        sock.setblocking(True)
        connection = Connection(sock, client, listener.getsockname(), self.cfg)
        self.open[connection.file] = connection
        counting.mine.connections = len(self.open)
        self.epoll.register(connection.file, READ)

    def reap(self, keepalive: float, since: float = 0.0) -> None:
        """Ends what lasts too long, by what a client's own end would do: the thread that it wakes closes it."""
        now = time.monotonic()
        for connection in list(self.open.values()):
            if now - max(connection.since, since) > connection.limit(keepalive):
                connection.shut(socket.SHUT_RDWR if connection.state is State.WAITING else socket.SHUT_RD)

    # What the others do

    def serve(self) -> None:
        while True:
            for file, _ in self.epoll.poll(maxevents=1):
                if file == self.bell:
                    return
                self.safely(self.attend, self.open[file])

    def safely(self, work: Callable[..., None], connection: Connection, *arguments: Any) -> None:
        try:
            work(connection, *arguments)
        except (Exception, SystemExit):
            self.log.exception("A connection ends for a fault of ours")
            self.close(connection)

    def attend(self, connection: Connection) -> None:
        """Nobody waits here for what was not sent yet: half a request has no thread."""
        if connection.state is State.WAITING:
            connection.enter(State.READING)
        here = connection.receive()
        if connection.state is State.ENDING:
            self.drain(connection, here)
        elif not here:
            self.close(connection)
        elif connection.is_whole():
            self.read(connection)
        else:
            self.epoll.modify(connection.file, READ)

    def read(self, connection: Connection) -> None:
        connection.enter(State.ANSWERING)
        try:
            request = next(connection.parser)
        except (StopIteration, NoMoreData, OSError):  # they are gone
            self.close(connection)
        except Exception as error:
            self.refuse(connection, None, error)
        else:
            if hashes(request.method, request.path):
                self.lane.submit(self.safely, self.answer, connection, request)
            else:
                self.answer(connection, request)

    def answer(self, connection: Connection, request: Any) -> None:
        try:
            goes_on = self.respond(connection, request)
        except GONE:
            self.close(connection)
        except Exception as error:
            self.refuse(connection, request, error)
        else:
            if goes_on and not connection.late:
                connection.received = connection.parser.unreader.take_buffered() + connection.received
                connection.enter(State.WAITING)
                # Another request that was received already makes no socket readable. It is writable: a thread is woken.
                self.epoll.modify(connection.file, WRITE if connection.received else READ)
            else:
                self.end(connection)

    def respond(self, connection: Connection, request: Any) -> bool:
        """Whether another request may follow."""
        response, environ = wsgi.create(
            request, connection.sock, connection.client, connection.server, self.cfg, response_class=Response
        )
        environ["wsgi.multithread"] = True
        if not self.alive:
            response.force_close()
        body = self.wsgi(environ, response.start_response)
        try:
            if isinstance(body, environ["wsgi.file_wrapper"]):
                response.write_file(body)
            else:
                for piece in body:
                    response.write(piece)
            response.close()
        except GONE:
            raise
        except Exception:
            if not response.headers_sent:
                raise
            self.log.exception("An answer broke off")
            return False
        finally:
            if hasattr(body, "close"):
                body.close()
        return not response.should_close() and connection.parser.finish_body(max_bytes=UNREAD)

    def refuse(self, connection: Connection, request: Any, error: Exception) -> None:
        self.handle_error(request, connection.sock, connection.client, error)
        self.end(connection)

    # How a connection ends

    def end(self, connection: Connection) -> None:
        """What they still send is read and dropped: closing on it would cost them our answer (RFC 9112, 9.6)."""
        connection.shut(socket.SHUT_WR)
        connection.enter(State.ENDING)
        self.epoll.modify(connection.file, READ)

    def drain(self, connection: Connection, here: bool) -> None:
        connection.received = b""
        if here and time.monotonic() - connection.since < LINGER:
            self.epoll.modify(connection.file, READ)
        else:
            self.close(connection)

    def close(self, connection: Connection) -> None:
        del self.open[connection.file]  # before another may have its number
        connection.sock.close()
        counting.mine.connections = len(self.open)
