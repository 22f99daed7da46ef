"""What a PUT changes of a card: the members that differ from how they were shown, compared by their meaning."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from contacts.cards.jscontact import Card, same
from contacts.cards.validation import COLLECTIONS
from contacts.cards.vcard import read, write

# Of these the keys are part of the meaning, not ids.
KEYED = {"relatedTo", "speakToAs"}


class Shown(NamedTuple):
    """An entry of a collection, and what a program reads of it in the vCard that it was shown."""

    ident: str
    entry: Any
    form: Any


def combined(before: Card, shown: dict[str, Card], sent: list[Card]) -> Card:
    """Return the card with those members of the sent one that differ from how they were shown.

    3.0 cannot show all of a card (docs/vcard.md): what it cannot is left as it is. Thunderbird reads 3.0 and sends 4.0,
    so there may be two forms in which the card was shown, by version, and two readings of what was sent; the first one
    is taken. In a collection that differs, each entry that does not differ is left as it is, too.
    """
    known = [before, *shown.values()]
    unchanged = {
        name
        for name in {*before, *sent[0]}
        if any(
            alike(name, reading.get(name), each.get(name))
            for reading in sent
            if (name in reading) == (name in sent[0])
            for each in known
        )
    }
    kept = {name: value for name, value in before.items() if name in unchanged}
    changed = {name: value for name, value in sent[0].items() if name not in unchanged}
    return {**kept, **{name: with_entries(name, before, shown, value) for name, value in changed.items()}}


def with_entries(name: str, before: Card, shown: dict[str, Card], sent: Any) -> Any:
    """Return the sent collection, in which what was sent as it was shown is as it was before."""
    if name not in COLLECTIONS or name in KEYED or name not in before:
        return sent
    left = list(shown_entries(name, before[name], shown))
    return {ident: take(left, entry) for ident, entry in sent.items()}


def take(left: list[Shown], sent: Any) -> Any:
    """Return the entry that was shown as the sent one, and remove it from those left; else the sent one."""
    found = next((each for each in left if same(each.form, sent)), None)
    if found is None:
        return sent
    left[:] = [each for each in left if each.ident != found.ident]
    return found.entry


def shown_entries(name: str, entries: Any, shown: dict[str, Card]) -> Iterator[Shown]:
    """Yield the entries of a collection that a vCard shows one by one, in their order."""
    for version, card in shown.items():
        forms = card.get(name, {})
        if len(forms) == len(entries):
            for (ident, entry), form in zip(entries.items(), forms.values(), strict=True):
                if is_form_of(name, entry, form, version):
                    yield Shown(ident, entry, form)


def is_form_of(name: str, entry: Any, form: Any, version: str) -> bool:
    """Return whether the form is of this entry. Whether an entry is the preferred one depends on the others."""
    alone = next(read(write({"name": {"full": "x"}, name: {"x": entry}}, version))).card or {}
    return [without_rank(each) for each in alone.get(name, {}).values()] == [without_rank(form)]


def without_rank(entry: Any) -> Any:
    return {name: value for name, value in entry.items() if name != "pref"}


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
