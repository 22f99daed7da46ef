"""A Redis that is full gives up old pages, and never what makes limits and reads after writes true."""

import re

import pytest

from contactbook.tests.faults import once, own_redis, until
from contactbook.tests.live import ROOT

pytestmark = [once]
ROOM = 2 * 1024 * 1024  # bytes
PAGE, MARK = b"x" * 2_000, b"write:0"


@pytest.fixture
def client(tmp_path):
    """Of a server that is told what docker-compose.yml tells it, but has less room."""
    (policy,) = re.findall(r"--maxmemory-policy\n +- (\S+)", (ROOT / "docker-compose.yml").read_text())
    with own_redis(tmp_path / "redis") as redis:
        redis.client.config_set("maxmemory", redis.client.info("memory")["used_memory"] + ROOM)
        redis.client.config_set("maxmemory-policy", policy)
        yield redis.client


def put_pages(client, name, count):
    for number in range(count):
        client.set(f"page:{name}{number}", PAGE, ex=600)


def test_it_gives_up_the_oldest_pages_for_new_ones(client):
    put_pages(client, "old", 1_000)
    until(lambda: (client.object("idletime", "page:old999") or 0) >= 2)
    for number in range(50):
        client.set(f"book:{number}", MARK, ex=30)
        client.zadd(f"limit:{number}", {"ticket": 1})
        client.expire(f"limit:{number}", 61)
    put_pages(client, "new", 300)
    assert client.info("stats")["evicted_keys"] > 300, "it was full"
    assert client.exists(*[f"book:{number}" for number in range(50)]) == 50
    assert client.exists(*[f"limit:{number}" for number in range(50)]) == 50
