"""Properties in other languages (ALTID and LANGUAGE, RFC 9555 §2.3) ⇄ `localizations` (RFC 9553 §2.7.1)."""

from collections.abc import Callable
from typing import Any

from contacts.cards.jscontact import Card
from contacts.cards.vcard.draft import Draft
from contacts.cards.vcard.media import without
from contacts.cards.vcard.parameters import mapping
from contacts.cards.vcard.tokenizer import Property

Place = tuple[str, str]  # a collection and the id of an entry; ("name", "")
Alternatives = dict[Place, dict[str, dict[str, Any]]]  # the patches of an entry, by member ("" for all), by language


def alternatives(found: list[Property]) -> tuple[list[Property], list[Property]]:
    """The properties, and those that say again, in another language, what one of the properties says.

    Of those with one ALTID that one is the first without LANGUAGE, else the first.
    """
    mains: dict[tuple[str, str], int] = {}
    for index, prop in enumerate(found):
        if "altid" in prop.params:
            key = (prop.name, prop.params["altid"][0])
            if key not in mains or ("language" in found[mains[key]].params and "language" not in prop.params):
                mains[key] = index
    chosen = set(mains.values())
    first: list[Property] = []
    others: list[Property] = []
    for index, prop in enumerate(found):
        is_alternative = "altid" in prop.params and "language" in prop.params and index not in chosen
        (others if is_alternative else first).append(prop)
    return first, others


def read(draft: Draft, prop: Property, reader: Callable[[Draft, Property], None]) -> None:
    """Reads an alternative by itself and says, for its language, where it differs from the entry that it belongs to."""
    place = draft.made_from.get((prop.name, prop.params["altid"][0]))
    alone = Draft(draft.version, draft.limits)
    reader(alone, without(prop, "altid", "language", "prop-id")._replace(group=None))
    entry = entry_at(alone.card, (place[0], "") if place and place[0] == "name" else None)
    if place is None or entry is None or prop.group or alone.pictures or alone.notes:
        draft.keep(prop)
        return
    main = draft.card[place[0]][place[1]] if place[1] else draft.card[place[0]]
    forget_altid(main)
    patches = draft.card.setdefault("localizations", {}).setdefault(prop.params["language"][0], {})
    path = f"{place[0]}/{place[1]}" if place[1] else place[0]
    bare = {name: value for name, value in main.items() if name != "vCardParams"}
    if place[1] and not bare.keys() <= entry.keys():
        patches[path] = entry
        return
    for name, value in entry.items():
        if main.get(name) != value:
            patches[f"{path}/{name}"] = value


def entry_at(card: Card, place: Place | None) -> dict[str, Any] | None:
    """The only entry of a card that was made of one property."""
    if place:
        return card.get("name")
    if len(card) != 1:
        return None
    entries = next(iter(card.values()))
    return next(iter(entries.values())) if isinstance(entries, dict) and len(entries) == 1 else None


def forget_altid(main: dict[str, Any]) -> None:
    """An entry with localizations is written with an ALTID, whatever it was."""
    params = main.get("vCardParams", {})
    for name in ("altid", "x-fn-altid"):
        params.pop(name, None)
    if "vCardParams" in main and not params:
        del main["vCardParams"]


def of_entries(card: Card) -> Alternatives:
    """The localizations that concern one entry, or the name; others have no property."""
    found: Alternatives = {}
    for language, patches in mapping(card.get("localizations")).items():
        for path, value in patches.items() if isinstance(patches, dict) else ():
            collection, _, rest = path.partition("/")
            ident, _, member = rest.partition("/")
            if "/" in member or not rest:
                continue
            place, key = (("name", ""), ident) if collection == "name" else ((collection, ident), member)
            found.setdefault(place, {}).setdefault(language, {})[key] = value
    return found


def patched(entry: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any] | None:
    """The entry as a language says it."""
    whole = patch.get("", entry)
    if not isinstance(whole, dict):
        return None
    result = {**whole, **{name: value for name, value in patch.items() if name and value is not None}}
    result.pop("vCardParams", None)
    return result
