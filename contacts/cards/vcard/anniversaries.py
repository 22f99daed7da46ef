"""BDAY, DEATHDATE, ANNIVERSARY and their places ⇄ `anniversaries` (RFC 9555 §2.5.1, RFC 9553 §2.8.1)."""

from typing import Any

from contacts.cards.vcard.dates import read_date
from contacts.cards.vcard.draft import APPLE_LABEL, MADE_GROUP, Draft
from contacts.cards.vcard.media import without
from contacts.cards.vcard.tables import DATE_PREFIXES, DATES, OTHER_DATE, PLACES, Rule, date_rule
from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import unescape

OMITTED_YEAR = "x-apple-omit-year"
DATE_VALUES = {"date", "date-time", "date-and-or-time", "timestamp", "text"}


def read(draft: Draft, prop: Property) -> None:
    text = unescape(prop.value).strip()
    if not text:
        return
    kind, named = DATES[prop.name]
    named = named or (prop.name == "ANNIVERSARY" and draft.version == "3.0")  # else 3.0 gets Apple's X-ABDATE
    if draft.labels and prop.group and kind == OTHER_DATE:
        kind = kind_of_label(draft, prop)
        if kind == "wedding" and MADE_GROUP.match(prop.group):  # 3.0's form of ANNIVERSARY
            draft.take_label(prop)
            prop, named = prop._replace(group=None), False
    rule = date_rule(DATE_PREFIXES.get(kind, "a"), named)
    date = read_date(text, prop.params.get(OMITTED_YEAR, [None])[0])
    if date is None or draft.fault(rule, ""):
        draft.keep(prop, f"{prop.name} is no date; it was kept as it came: {text[:60]!r}")
        return
    if kind in draft.dates and prop.name in ("BDAY", "DEATHDATE"):
        draft.keep(prop, f"A second {prop.name} was kept as it came.")
        return
    prop = prop if "year" in date[0] else without(prop, OMITTED_YEAR)
    if prop.params.get("value", [""])[0] in DATE_VALUES:
        prop = without(prop, "value")
    add(draft, prop, rule, kind, date[0])
    if date[1]:
        draft.notes.append(f"The time of day in {prop.name} was dropped: {text[:60]!r}")


def add(draft: Draft, prop: Property, rule: Rule, kind: str, date: dict[str, Any]) -> None:
    if "calscale" in prop.params:
        date["calendarScale"] = prop.params["calscale"][0].lower()
        prop = without(prop, "calscale")
    entry = draft.add(prop, rule, "", kind=kind)
    if entry:
        entry["date"] = date
        draft.dates.setdefault(kind, entry)


def kind_of_label(draft: Draft, prop: Property) -> str:
    label = draft.labels.get((prop.group or "").lower())
    text = unescape(label.value) if label else ""
    apple = APPLE_LABEL.match(text)
    return "wedding" if (apple[1] if apple else text).strip().lower() == "anniversary" else OTHER_DATE


def read_place(draft: Draft, prop: Property) -> None:
    """BIRTHPLACE and DEATHPLACE belong to the first date of the same kind; without one they are kept as they came."""
    text = unescape(prop.value)
    if not text.strip():
        return
    entry = draft.dates.get(PLACES[prop.name])
    is_position = text.startswith("geo:")
    params = prop.params.keys() - ({"value"} if is_position else ())
    if entry is None or "place" in entry or prop.group or params:
        draft.keep(prop)
    else:
        entry["place"] = {"coordinates" if is_position else "full": text}
