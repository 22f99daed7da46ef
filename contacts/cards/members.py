"""The members of a group card (RFC 6350 §6.6.5), which name contacts by their uid. Pure functions."""

from collections.abc import Iterable, Mapping
from typing import Any

from contacts.cards.jscontact import Card

URN = "urn:uuid:"


def bare(uid: str) -> str:
    return uid[len(URN) :] if uid[: len(URN)].lower() == URN else uid


def replaced(card: Card, uids: Iterable[str], kept: str) -> Card:
    """Return the card with the contact `kept` as a member in place of these; as it is if none of them is one."""
    members, gone = members_of(card), {bare(uid) for uid in uids}
    left = {name: value for name, value in members.items() if bare(name) not in gone}
    if len(left) == len(members):
        return card
    if bare(kept) not in map(bare, left):
        is_urn = any(name != bare(name) for name in members)
        left[URN + bare(kept) if is_urn else kept] = True
    return {**card, "members": left}


def given_back(card: Card, before: Card, after: Card) -> Card:
    """Return the card without what a change from `before` to `after` did to its members; other members stay."""
    old, new, members = members_of(before), members_of(after), members_of(card)
    left = {name: value for name, value in members.items() if name in old or name not in new}
    return {**card, "members": {**left, **{name: value for name, value in old.items() if name not in new}}}


def members_of(card: Card) -> Mapping[str, Any]:
    members = card.get("members")
    return members if isinstance(members, dict) else {}
