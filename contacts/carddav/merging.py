"""What a PUT changes of a card: the members that differ from how they were shown, compared by their meaning."""

from typing import Any, NamedTuple

from contacts.cards.jscontact import Card, same
from contacts.cards.validation import COLLECTIONS
from contacts.cards.vcard import read, write
from contacts.cards.vcard.parameters import best_of

# Of these the keys are part of the meaning, not ids.
KEYED = {"relatedTo", "speakToAs"}


MOST_ENTRIES = 100  # that are compared one by one: each is written and read by itself, which takes 0.2 ms


class Known(NamedTuple):
    """An entry of a collection, what a program reads of it in the vCards that it may have been shown, and whether one
    of these does not show it."""

    ident: str
    entry: Any
    forms: list[Any]
    is_hidden: bool


def combined(before: Card, shown: dict[str, Card], sent: list[Card]) -> Card:
    """Return the card with those members of the sent one that differ from how they were shown.

    3.0 cannot show all of a card (docs/vcard.md): what it cannot is left as it is. Thunderbird reads 3.0 and sends 4.0,
    so there may be two forms in which the card was shown, by version, and two readings of what was sent; the first one
    is taken. In a collection that differs, each entry that does not differ is left as it is, too.
    """
    forms = [before, *shown.values()]
    unchanged = {
        name
        for name in {*before, *sent[0]}
        if any(
            alike(name, reading.get(name), each.get(name))
            for reading in sent
            if (name in reading) == (name in sent[0])
            for each in forms
        )
    }
    kept = {name: value for name, value in before.items() if name in unchanged}
    names = [name for name in {**before, **sent[0]} if name not in unchanged]
    changed = {name: with_entries(name, before, shown, sent[0].get(name)) for name in names}
    return {**kept, **{name: value for name, value in changed.items() if value is not None}}


def with_entries(name: str, before: Card, shown: dict[str, Card], sent: Any) -> Any:
    """Return a member that was changed. Of a collection, what was sent as it was shown, or was not shown, stays."""
    entries: Any = before.get(name)
    if not (has_entries(name, entries) and has_entries(name, sent or entries)) or len(entries) > MOST_ENTRIES:
        return sent
    named = entries if isinstance(entries, dict) else {str(number): entry for number, entry in enumerate(entries)}
    left = [known(name, named, ident, shown) for ident in named]
    if isinstance(entries, list):
        return [*(take(left, entry) for entry in sent or ()), *(each.entry for each in left if each.is_hidden)] or None
    merged = {ident: take(left, entry) for ident, entry in (sent or {}).items()}
    for each in left:
        if each.is_hidden:
            merged[free_id(each.ident, merged)] = each.entry
    return merged or None


def has_entries(name: str, value: Any) -> bool:
    if name == "vCardProps":
        return isinstance(value, list)
    return name in COLLECTIONS and name not in KEYED and isinstance(value, dict)


def known(name: str, entries: Card, ident: str, shown: dict[str, Card]) -> Known:
    forms, is_hidden = [], False
    for version, card in shown.items():
        visible = entries_of(card.get(name))
        form = form_of(name, entries, ident, version, visible)
        forms.append(form)
        is_hidden = is_hidden or (form is None and len(visible) < len(entries))
    return Known(ident, entries[ident], forms, is_hidden)


def form_of(name: str, entries: Card, ident: str, version: str, visible: list[Any]) -> Any:
    """Return what is read of an entry, None if nothing is. 3.0 says of preferences only which are the highest."""
    entry = entries[ident]
    if any(same(entry, each) for each in visible):
        return entry
    collection = [entry] if name == "vCardProps" else {"x": entry}
    card = next(read(write({"name": {"full": "x"}, name: collection}, version))).card or {}
    (form, *_) = [*entries_of(card.get(name)), None]
    if isinstance(form, dict) and version == "3.0" and entry.get("pref") != best_of(entries):
        return {member: value for member, value in form.items() if member != "pref"}
    return form


def entries_of(collection: Any) -> list[Any]:
    return list(collection.values() if isinstance(collection, dict) else collection or ())


def take(left: list[Known], sent: Any) -> Any:
    """Return the entry that was shown as the sent one, and remove it from those left; else the sent one."""
    for number, each in enumerate(left):
        if any(same(form, sent) for form in each.forms):
            return left.pop(number).entry
    return sent


def free_id(ident: str, taken: Card) -> str:
    while ident in taken:
        ident += "x"
    return ident


def alike(name: str, one: Any, other: Any) -> bool:
    """Return whether two values of a member mean the same: ids, and the order of different properties, mean nothing."""
    return same(comparable(name, one), comparable(name, other))


def comparable(name: str, value: Any) -> Any:
    if name in COLLECTIONS and name not in KEYED and isinstance(value, dict):
        return sorted(value.values(), key=property_of)
    if name == "vCardProps" and isinstance(value, list):
        return sorted(value, key=lambda prop: str(prop[0]) if isinstance(prop, list) and prop else "")
    return value


def property_of(entry: Any) -> str:
    """Return what tells entries of different vCard properties apart; those of one keep their order."""
    return str([entry.get(name) for name in ("kind", "vCardName", "service")]) if isinstance(entry, dict) else ""
