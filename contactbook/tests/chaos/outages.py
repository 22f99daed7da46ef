"""What stands behind us dies, or hangs, and comes back: Redis, PostgreSQL, the mail server."""

import functools
import time
import uuid
from collections import Counter

from aiosmtpd.controller import Controller

from contactbook.tests.chaos import stacks
from contactbook.tests.chaos.actors import Load
from contactbook.tests.chaos.kills import again_and_again, under_load
from contactbook.tests.chaos.report import Result, say
from contactbook.tests.chaos.stacks import Stack
from contactbook.tests.faults import Redis, until
from contactbook.tests.live import PASSWORD, Server, free_port

SILENCE = 6.0
LETTERS = 12


def redis_dead(stack: Stack, rounds: int, seconds: float) -> Result:
    def fault() -> float:
        redis.kill()
        time.sleep(1)
        redis.start()
        return time.monotonic()

    redis = redis_of(stack)
    return again_and_again(stack, "Redis killed, and back after 1 s", rounds, seconds, lambda server: fault())


def redis_silent(stack: Stack, rounds: int, seconds: float) -> Result:
    def fault() -> float:
        redis.freeze()
        time.sleep(SILENCE)
        redis.thaw()
        return time.monotonic()

    redis = redis_of(stack)
    name = f"Redis silent for {SILENCE:.0f} s, and back"
    result = again_and_again(stack, name, rounds, seconds, lambda server: fault())
    result.promise(result.worst < 5, f"Redis was silent, and a request took {result.worst:.1f} s")
    return result


def redis_of(stack: Stack) -> Redis:
    assert stack.redis
    return stack.redis


def postgres_restarted(stack: Stack, rounds: int, seconds: float) -> Result:
    """Immediate stop, as a crash would be. 503 is the promise meanwhile; nothing else, and no restart of ours."""
    result = Result("PostgreSQL stopped at once (as by a crash), and started", stack.name)
    postgres = stack.postgres
    assert postgres
    with stack.serving() as server:
        load = Load(server.url, stacks.accounts(server))

        def fault() -> float:
            postgres.stop()
            time.sleep(0.5)
            postgres.start()
            return time.monotonic()

        for _ in range(rounds):
            under_load(server, load, result, seconds, fault)
    other = {status: count for status, count in result.statuses.items() if status > 503 or 500 <= status < 503}
    result.promise(not other, f"answers beside 503: {other}")
    return result


class Inbox:
    """An SMTP server's, by Message-ID."""

    def __init__(self) -> None:
        self.got: Counter[tuple[str, str]] = Counter()

    def has_all(self, addresses: list[str]) -> bool:
        return {address for address, _ in self.got} >= set(addresses)

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        text = envelope.content.decode()
        head = dict(line.split(": ", 1) for line in text.split("\r\n\r\n")[0].splitlines() if line[:1] > " ")
        self.got[head["To"], head["Message-ID"]] += 1
        return "250 OK"


def mail_server_dead(stack: Stack, rounds: int, seconds: float) -> Result:
    """People sign up before, while and after it is dead; each of them gets one letter."""
    result = Result("the mail server dead, and back", stack.name)
    inbox, port = Inbox(), free_port()
    with stack.serving(EMAIL_URL=f"smtp://127.0.0.1:{port}") as server:
        for _ in range(rounds):
            addresses = sign_up(server, result)
            controller = Controller(inbox, hostname="127.0.0.1", port=port)
            controller.start()
            begun = time.monotonic()
            try:
                addresses += sign_up(server, result)
                until(functools.partial(inbox.has_all, addresses), 90)
            finally:
                time.sleep(1)  # a second copy would come now
                controller.stop()
            result.rounds += 1
            result.first_good.append(time.monotonic() - begun - 1)
            letters = Counter(address for address, _ in inbox.got.elements())
            result.lost += sum(letters[address] == 0 for address in addresses)
            twice = [address for address in addresses if letters[address] > 1]
            result.promise(not twice, f"{len(twice)} people got a second letter")
            say(f"  {result.fault}, {result.stack}, round {result.rounds}: {len(addresses)} letters")
    return result


def sign_up(server: Server, result: Result) -> list[str]:
    addresses = [f"{uuid.uuid4().hex}@example.org" for _ in range(LETTERS)]
    for address in addresses:
        begun = time.monotonic()
        body = {"username": "x", "email": address, "password": PASSWORD}
        status = server.ask("POST", "/api/auth/signup", body).status
        result.statuses[status] += 1
        result.worst = max(result.worst, time.monotonic() - begun)
        result.promise(status == 201, f"a signup was answered by {status}")
    return addresses
