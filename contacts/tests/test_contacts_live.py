"""Contacts over HTTP, with several processes and threads that serve at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture(scope="module")
def tokens(server):
    return [server.sign_up()[1] for _ in range(2)]


@pytest.fixture
def token(server, tokens):
    """An account without contacts."""
    for contact in server.ask("GET", "/api/contacts/?limit=1000", token=tokens[0]).json():
        server.ask("DELETE", f"/api/contacts/{contact['id']}", token=tokens[0])
    return tokens[0]


def at_once(*calls):
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def fullnames(server, token, query=""):
    return [contact["fullname"] for contact in server.ask("GET", f"/api/contacts/{query}", token=token).json()]


def test_a_contact_is_created_and_found_over_http(server, token):
    assert server.ask("POST", "/api/contacts", {"fullname": "Іван"}, token).status == 201
    answer = server.ask("GET", "/api/contacts/%D1%96%D0%B2%D0%B0%D0%BD", token=token)
    assert answer.status == 200 and answer.json()["fullname"] == "Іван"


def test_the_next_read_sees_a_write_in_every_process(server, token):
    contact = server.ask("POST", "/api/contacts", {"fullname": "0"}, token).json()
    for number in range(1, 30):
        assert server.ask("PUT", f"/api/contacts/{contact['id']}", {"fullname": str(number)}, token).status == 200
        assert [fullnames(server, token) for _ in range(3)] == [[str(number)]] * 3


ADDS = """
from accounts.models import User
from contacts.models import Book
with Book.objects.writing(User.objects.get(email="{}").pk, "command") as book:
    book.create({{"name": {{"full": "Ann"}}}})
"""
SWITCHES_OFF = """
from accounts.models import User
user = User.objects.get(email="{}")
user.is_active = False
user.save()
"""


@pytest.mark.postgresql
def test_the_next_request_sees_what_a_command_wrote(server):
    email, token = server.sign_up()

    def changes(since):
        page = server.ask("GET", f"/api/contacts/changes?since={since}", token=token).json()
        return [change["kind"] for change in page["changes"]]

    assert fullnames(server, token) == changes(0) == []
    server.manage("shell", "-v0", "-c", ADDS.format(email))
    assert changes(0) == ["created"] and changes(1) == []
    assert fullnames(server, token) == ["Ann"]
    server.manage("shell", "-v0", "-c", SWITCHES_OFF.format(email))
    assert server.ask("GET", "/api/contacts", token=token).status == 401


def test_readers_never_go_back_to_an_older_state(server, token):
    contact = server.ask("POST", "/api/contacts", {"fullname": "0"}, token).json()

    def write():
        for number in range(1, 40):
            server.ask("PUT", f"/api/contacts/{contact['id']}", {"fullname": str(number)}, token)

    def read():
        return [int(fullnames(server, token)[0]) for _ in range(60)]

    _, *seen = at_once(write, read, read)
    assert all(numbers == sorted(numbers) for numbers in seen)
    assert fullnames(server, token) == ["39"]


def test_of_two_puts_with_the_same_if_match_one_wins(server, token):
    contact = server.ask("POST", "/api/contacts", {"fullname": "Ann"}, token).json()
    url = f"/api/contacts/{contact['id']}"
    for number in range(10):
        headers = {"If-Match": server.ask("GET", url, token=token).headers["ETag"]}

        def put(name, headers=headers):
            return lambda: server.ask("PUT", url, {"fullname": name}, token, headers)

        first, second = f"a{number}", f"b{number}"
        answers = dict(zip((first, second), at_once(put(first), put(second)), strict=True))
        assert sorted(answer.status for answer in answers.values()) == [200, 412]
        winner = next(name for name, answer in answers.items() if answer.status == 200)
        assert server.ask("GET", url, token=token).json()["fullname"] == winner


def test_no_write_of_24_at_once_is_lost(server, token):
    names = [f"{number:02}" for number in range(24)]
    answers = at_once(
        *[lambda name=name: server.ask("POST", "/api/contacts", {"fullname": name}, token) for name in names]
    )
    assert [answer.status for answer in answers] == [201] * 24
    assert len({answer.headers["ETag"] for answer in answers}) == 24
    assert fullnames(server, token, "?limit=100") == names


def test_a_contact_is_deleted_once(server, token):
    contact = server.ask("POST", "/api/contacts", {"fullname": "Ann"}, token).json()
    delete = [lambda: server.ask("DELETE", f"/api/contacts/{contact['id']}", token=token)] * 4
    assert sorted(answer.status for answer in at_once(*delete)) == [200, 404, 404, 404]


def test_an_account_is_never_answered_another_accounts_list(server, token, tokens):
    other = tokens[1]
    server.ask("POST", "/api/contacts", {"fullname": "Ann"}, token)
    server.ask("POST", "/api/contacts", {"fullname": "Bob's"}, other)
    reads = [lambda who=who: fullnames(server, who) for who in (token, other) * 10]
    assert at_once(*reads) == [["Ann"], ["Bob's"]] * 10


def test_a_path_with_and_without_a_slash_answers_without_a_redirect(server, token):
    for url in ("/api/contacts", "/api/contacts/"):
        assert server.ask("POST", url, {"fullname": "Ann"}, token).status == 201
