"""A contact as the vCard that programs read."""

from collections.abc import Mapping
from typing import Any

from contacts.cards.vcard import Picture, write
from contacts.exporting import NOTHING, card_with_pictures


def vcard(user_id: int, row: dict[str, Any], version: str, known: Mapping[str, Picture] = NOTHING) -> str:
    """Return a contact as a vCard, with its pictures inside and without the times that the server sets."""
    card, pictures = card_with_pictures(user_id, row["card"], known=known)
    return write({**card, "uid": row["uid"]}, version, pictures)
