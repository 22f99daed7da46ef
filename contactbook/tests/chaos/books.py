"""What is there after a fault, compared with what the actors were told: nothing lost, nothing half done."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import psycopg2

from contactbook.tests.chaos.actors import GONE, Actor, Known, Load
from contactbook.tests.live import Server

# What the API cannot show, in as few of the product's columns as possible.
GAPS = "SELECT count(*) FROM contacts_change GROUP BY book_id HAVING count(*) <> max(number) OR min(number) <> 1"
BOOKS = (
    "SELECT b.user_id FROM contacts_book b LEFT JOIN contacts_change c ON c.book_id = b.user_id "
    "GROUP BY b.user_id, b.sequence HAVING b.sequence <> count(c.number)"
)
STRAYS = (
    "SELECT c.id FROM contacts_contact c LEFT JOIN contacts_change h "
    "ON h.book_id = c.user_id AND h.number = c.revision AND h.contact_id = c.id WHERE h.number IS NULL"
)
UNMADE = (
    "SELECT h.number FROM contacts_change h LEFT JOIN contacts_contact c ON c.id = h.contact_id "
    "WHERE c.id IS NULL AND h.kind <> 'purged'"
)


class Findings:
    def __init__(self) -> None:
        self.lost: list[str] = []  # acknowledged, and not there
        self.half: list[str] = []  # there, and not whole, or there twice, or never asked for


def examined(server: Server, load: Load) -> Findings:
    findings = Findings()
    for email in sorted({actor.email for actor in load.actors}):
        mine = [actor for actor in load.actors if actor.email == email]
        look_at_account(server, mine, findings)
    look_at_database(server, findings)
    return findings


def look_at_account(server: Server, actors: list[Actor], findings: Findings) -> None:
    token = server.log_in(actors[0].email)["access_token"]
    listed, fed = list(everything(server, token)), live(server, token)
    if sorted(listed, key=ident) != sorted(fed.values(), key=ident):
        findings.half.append(f"The list has {len(listed)} contacts, the changes feed {len(fed)}, or they differ.")
    known = {known.name: known for actor in actors for known in actor.contacts}
    names = [contact["fullname"] for contact in listed]
    findings.half += [f"{name} is there twice" for name in {name for name in names if names.count(name) > 1}]
    findings.half += [f"{name} was never asked for" for name in set(names) - set(known)]
    by_name = {contact["fullname"]: contact for contact in listed}
    for each in known.values():
        compare(each, by_name.get(each.name), findings)
    for contact in listed:
        look_at_picture(server, contact, known, findings)


def ident(contact: dict[str, Any]) -> int:
    return contact["id"]


def compare(known: Known, found: dict[str, Any] | None, findings: Findings) -> None:
    state = found["additional"] if found else GONE
    if known.id and state not in known.may_be:
        findings.lost.append(f"{known} is {found}")
    if found and (found["email"] != f"{state}@example.org" or (known.id and found["id"] != known.id)):
        findings.half.append(f"{known} is {found}")
    if found and not known.open and known.avatar and found["avatar"] != known.avatar:
        findings.lost.append(f"The avatar of {known} is {found['avatar']}")


def look_at_picture(server: Server, contact: dict[str, Any], known: dict[str, Known], findings: Findings) -> None:
    """A picture that is named can be had, all of it."""
    if contact["avatar"] and contact["fullname"] in known:
        path = re.sub(r"^https?://[^/]+", "", contact["avatar"])
        answer = server.ask("GET", path)
        if answer.status != 200 or len(answer.body) != int(answer.headers["Content-Length"]):
            findings.half.append(f"{contact} names a picture that is answered by {answer.status}")


def everything(server: Server, token: str) -> Iterator[dict[str, Any]]:
    """All of the list, by its cursors."""
    path: str | None = "/api/contacts?limit=1000"
    while path:
        answer = server.ask("GET", path, token=token)
        assert answer.status == 200, answer
        yield from answer.json()
        following = re.search(r'<https?://[^/]+([^>]+)>; rel="next"', answer.headers["Link"] or "")
        path = following and following[1]


def live(server: Server, token: str) -> dict[int, dict[str, Any]]:
    """The contacts that a program has which follows the changes from the beginning."""
    kept: dict[int, dict[str, Any]] = {}
    since, more = 0, True
    while more:
        answer = server.ask("GET", f"/api/contacts/changes?since={since}&limit=1000", token=token)
        assert answer.status == 200, answer
        page = answer.json()
        for change in page["changes"]:
            kept.pop(change["id"], None)
            if change["contact"]:
                kept[change["id"]] = change["contact"]
        since, more = page["next"], page["more"]
    return kept


def look_at_database(server: Server, findings: Findings) -> None:
    """Change numbers have no gap, and every contact has its change and every change its contact."""
    for query in (GAPS, BOOKS, STRAYS, UNMADE):
        if rows := select(server, query):
            findings.half.append(f"{len(rows)} rows: {query}")


def select(server: Server, query: str) -> list[Any]:
    url = server.env.get("DATABASE_URL")
    connection = psycopg2.connect(url) if url else sqlite3.connect(server.folder / "contactbook.sqlite3", timeout=20)
    with contextlib.closing(connection):
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetchall()
