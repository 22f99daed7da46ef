"""Eight concurrent writers, four of them processes beside the server, and a follower of the changes feed."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from contactbook.tests.live import ROOT

# Four processes write as commands do, beside those of the server; they begin at a line on stdin.
WRITERS = """
import os, random, sys, django
django.setup()
from contacts.models import Book, Contact
email, rounds = sys.argv[1], int(sys.argv[2])
from accounts.models import User
from django.db import OperationalError
print("ready", flush=True)
sys.stdin.readline()
children = []
for _ in range(3):  # and this one
    child = os.fork()
    if not child:
        children.clear()
        break
    children.append(child)
random.seed()
user = User.objects.get(email=email).pk
def write(i):
    with Book.objects.writing(user, "command") as book:
        mine = list(Contact.objects.for_user(user).order_by("?")[:1])
        if not mine or random.random() < 0.4:
            book.create({"name": {"full": f"C{i}"}})
        elif random.random() < 0.3:
            book.delete(mine[0])
        else:
            book.change(mine[0], {"fullname": f"D{i}"})
for i in range(rounds):
    while True:
        try:
            write(i)
            break
        except OperationalError:  # SQLite's lock is not fair: one of eight writers may wait for 20 seconds
            pass
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""
NUMBERS = """
from contacts.models import Book, Change
numbers = list(Change.objects.order_by("number").filter(book__user__email="{}").values_list("number", flat=True))
print(numbers == list(range(1, len(numbers) + 1)), len(numbers), len(set(numbers)))
"""

STEP = 1000  # changes undone at once: an undo has at most 1,000 contacts


class Follower(threading.Thread):
    """Maintains a copy by polling while others write."""

    def __init__(self, server, token):
        super().__init__()
        self.server, self.token, self.copy, self.since = server, token, {}, 0
        self.done = threading.Event()
        self.error = None
        self.polls = 0

    def run(self):
        try:
            while not self.done.is_set():
                self.poll()
            while self.poll():
                pass
        except Exception as error:
            self.error = error

    def poll(self):
        path = f"/api/contacts/changes?since={self.since}&limit=7&fields=card"
        answer = self.server.ask("GET", path, token=self.token)
        assert answer.status == 200, answer
        page = answer.json()
        for change in page["changes"]:
            assert self.since < change["change"] <= page["next"]
            self.copy.pop(change["id"], None)
            if change["contact"]:
                self.copy[change["id"]] = change["contact"]
        self.polls += 1
        self.since = page["next"]
        return page["more"]


def ask(server, token, method, path, body=None):
    """Send a request again after each 503, which has done nothing."""
    while True:
        answer = server.ask(method, path, body, token, timeout=60)
        if answer.status != 503:
            return answer


def write(server, token, rounds, start):
    """Add, change and delete contacts as clients do; a contact that another writer deleted is a 404."""
    start.wait()
    written = []
    for i in range(rounds):
        if i % 5 == 4:
            answer = ask(server, token, "DELETE", f"/api/contacts/{written.pop()}")
        elif i % 5 == 3:
            items = [{"op": "create", "contact": {"fullname": "B"}}, {"op": "delete", "id": written.pop(0)}]
            answer = ask(server, token, "POST", "/api/contacts/batch", {"items": items})
        elif i % 5 == 2:
            answer = ask(server, token, "PATCH", f"/api/contacts/{written[0]}", {"fullname": f"E{i}"})
        else:
            answer = ask(server, token, "POST", "/api/contacts", {"fullname": f"A{i}"})
            written.append(answer.json()["id"])
        assert answer.status in (200, 201, 404), answer
    return rounds


def play(server, rounds):
    email, token = server.sign_up()
    processes = subprocess.Popen(
        [sys.executable, "-c", WRITERS, email, str(rounds)],
        cwd=ROOT, env=server.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert processes.stdout.readline() == "ready\n", processes.stderr.read()
    follower, start = Follower(server, token), threading.Event()
    follower.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            writers = [pool.submit(write, server, token, rounds, start) for _ in range(4)]
            start.set()
            processes.stdin.write("go\n")
            processes.stdin.flush()
            assert [writer.result() for writer in writers] == [rounds] * 4
        outputs = processes.communicate()
        assert processes.returncode == 0, outputs
    finally:
        follower.done.set()
        follower.join()
    if follower.error:
        raise follower.error
    return email, token, follower


def check(server, rounds):
    email, token, follower = play(server, rounds)
    gapless, changes, distinct = server.manage("shell", "-v0", "-c", NUMBERS.format(email)).split()
    assert gapless == "True" and changes == distinct
    assert follower.since == int(changes) and follower.polls > 1
    listed, skip = [], 0
    while page := server.ask("GET", f"/api/contacts?limit=1000&skip={skip}&fields=card", token=token).json():
        listed, skip = listed + page, skip + 1000
    assert follower.copy == {contact["id"]: contact for contact in listed}
    for since in (*range(int(changes) - STEP, 0, -STEP), 0):
        assert ask(server, token, "POST", "/api/undo", {"since": since}).status == 200
    assert server.ask("GET", "/api/contacts", token=token).json() == []


def test_concurrent_writes_are_numbered_without_gaps_and_followed_completely(server):
    check(server, 25)


@pytest.mark.long
def test_a_thousand_rounds_of_concurrent_writes_are_followed_completely(server):
    check(server, 1000)
