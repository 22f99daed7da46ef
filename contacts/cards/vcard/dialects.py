"""Properties of phones as the standard ones that say the same.

X-ANDROID-CUSTOM holds nicknames, dates and relations. Its value is a MIME type and columns of Android's table: the
text, the number of its type, and the label of a custom type
(https://developer.android.com/reference/android/provider/ContactsContract.CommonDataKinds).
SOUND;X-IRMC-N is how a name is spoken, from Japanese phones: the components of N, or all of it in the first.
"""

import re
from collections.abc import Iterator

from contacts.cards.vcard.tokenizer import Property
from contacts.cards.vcard.values import escape, split, structure, unescape

NAMES = {"X-ANDROID-CUSTOM", "SOUND"}
ITEM = "vnd.android.cursor.item/"
CUSTOM, ANNIVERSARY, BIRTHDAY = "0", "1", "3"
NUMBER = re.compile(r"[1-9]\d?", re.ASCII)
# By number, from 1 on, as Apple names them.
RELATIONS = (
    *("Assistant", "Brother", "Child", "Domestic Partner", "Father", "Friend", "Manager", "Mother", "Parent"),
    *("Partner", "Referred By", "Relative", "Sister", "Spouse"),
)


def standard(prop: Property, number: int) -> list[Property]:
    """The properties that say the same, or the property itself. `number` makes their group unique."""
    if prop.name == "X-ANDROID-CUSTOM":
        return android(prop, number)
    if prop.name == "SOUND" and "x-irmc-n" in prop.params.get("type", ()):
        return spoken(prop)
    return [prop]


def spoken(prop: Property) -> list[Property]:
    parts = [" ".join(found).strip() for found in structure(prop.value, lists=False)]
    surname, given, middle, *rest = [*parts, "", "", ""]
    if any(rest):
        return [prop]
    words = surname.split()
    if len(words) == 2 and not (given or middle):
        surname, given = words
    pairs = (("X-PHONETIC-LAST-NAME", surname), ("X-PHONETIC-FIRST-NAME", given), ("X-PHONETIC-MIDDLE-NAME", middle))
    return [Property(name, {}, escape(text)) for name, text in pairs if text]


def android(prop: Property, number: int) -> list[Property]:
    kind, text, type, label, *rest = [*map(unescape, split(prop.value, ";")), "", "", "", ""]
    if prop.params or prop.group or not text or any(column not in ("", "0") for column in rest):
        return [prop]
    found = list(READERS.get(kind.removeprefix(ITEM), nothing)(text, type, label))
    if not found:
        return [prop]
    group = f"android{number}" if len(found) > 1 else None
    return [each._replace(group=group) for each in found]


def nothing(text: str, type: str, label: str) -> Iterator[Property]:
    return iter(())


def nickname(text: str, type: str, label: str) -> Iterator[Property]:
    if not label:
        yield Property("NICKNAME", {}, escape(text))


def event(text: str, type: str, label: str) -> Iterator[Property]:
    name = {ANNIVERSARY: "ANNIVERSARY", BIRTHDAY: "BDAY"}.get(type, "X-ABDATE")
    if name == "X-ABDATE" or not label:
        yield Property(name, {}, escape(text))
    if name == "X-ABDATE":
        yield Property("X-ABLABEL", {}, escape(label or "_$!<Other>!$_"))


def relation(text: str, type: str, label: str) -> Iterator[Property]:
    if type == CUSTOM and label:
        said = label
    elif NUMBER.fullmatch(type) and int(type) <= len(RELATIONS) and not label:
        said = f"_$!<{RELATIONS[int(type) - 1].replace(' ', '')}>!$_"
    else:
        return
    yield Property("X-ABRELATEDNAMES", {}, escape(text))
    yield Property("X-ABLABEL", {}, escape(said))


READERS = {"nickname": nickname, "contact_event": event, "relation": relation}
