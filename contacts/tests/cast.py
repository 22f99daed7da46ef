"""Helpers of the tests of contacts: requests, checks of their answers, and the days of birthdays."""

import calendar
import re
from datetime import date
from typing import Any

from django.core.cache import caches
from rest_framework.test import APIClient

from contacts.cards.birthdays import LEAP_DAY, ordinal

KEYS = {"fullname", "email", "phone_number", "birthday", "additional", "user_id", "avatar", "id", "phone"}
WHOLE = KEYS | {"card"}  # of a single contact
NOT_FOUND = {"detail": "Contact was not found"}
UNKNOWN = "/api/contacts/999999999"

# The contract's example.
EXAMPLE = {
    "fullname": "string",
    "email": "string",
    "phone_number": 0,
    "birthday": "2023-11-12",
    "additional": "string",
    "user_id": 0,
    "avatar": "string",
}


def flat(answer: Any, status: int = 200) -> dict[str, Any]:
    """Return the contract's fields of a single contact; check that there is nothing else but its card."""
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert body.keys() == WHOLE
    return {name: body[name] for name in KEYS}


def add(client: APIClient, fullname: str = "Ann", **fields: Any) -> dict[str, Any]:
    return flat(client.post("/api/contacts/", {"fullname": fullname, **fields}, format="json"), 201)


def path(contact: dict[str, Any]) -> str:
    return f"/api/contacts/{contact['id']}"


def names(answer: Any) -> list[str]:
    """Return the full names of a list; check that its contacts have exactly the contract's keys."""
    assert answer.status_code == 200, answer.content
    assert all(contact.keys() == KEYS for contact in answer.json())
    return [contact["fullname"] for contact in answer.json()]


def links(answer: Any) -> dict[str, str]:
    """Return the URLs of the Link header by their relation."""
    return {relation: url for url, relation in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.get("Link", ""))}


def pages(client: APIClient, url: str | None, relation: str = "next") -> list[list[str]]:
    """Return the full names on each page from that URL on."""
    found = []
    while url:
        answer = client.get(url)
        found.append(names(answer))
        url = links(answer).get(relation)
    return found


def faults(answer: Any) -> list[list[str | int]]:
    """Return the `loc` of each fault of a 422; check its shape."""
    assert answer.status_code == 422, answer.content
    assert answer.json().keys() == {"detail"} and answer.json()["detail"]
    for entry in answer.json()["detail"]:
        assert entry.keys() == {"loc", "msg", "type"}
        assert isinstance(entry["msg"], str) and isinstance(entry["type"], str)
    return [entry["loc"] for entry in answer.json()["detail"]]


def observed_days(day: date, leap_day: int) -> set[int]:
    """Return the stored days (month * 100 + day) of birthdays that are observed on that day."""
    is_observed = not calendar.isleap(day.year) and ordinal(day) == leap_day
    return {ordinal(day), LEAP_DAY} if is_observed else {ordinal(day)}


def settle() -> None:
    """Empty the caches, so that the next read comes from the database."""
    for each in caches.all():
        each.clear()
