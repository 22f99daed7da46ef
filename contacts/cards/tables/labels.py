"""Labels such as Google's `* Work Fax`: contexts and features where they are words for them."""

import functools
import re
from typing import Any, NamedTuple, Self

from contacts.cards.folding import fold
from contacts.cards.tables.targets import CONTEXTS, FEATURES, LABELS, PREFERRED
from contacts.cards.vcard.draft import APPLE_LABEL

# The words for each type, in the languages of the programs.
WORDS = {
    "home": "home private personal privat zuhause domicile personnel maison casa particular дім домашній особистий",
    "work": "work business office arbeit geschäftlich dienstlich büro bureau travail professionnel trabajo oficina "
    "робота робочий",
    "cell": "mobile cell mobil handy portable móvil celular мобільний",
    "fax": "fax télécopie факс",
    "pager": "pager пейджер",
    "main": "main",
    "tty": "textphone",
}
# Further words in headings: abbreviations, and words that stand together, without spaces.
HEADING_WORDS = {
    "home": "priv domicilio abitazione abit thuis huisadres residência daresidência pessoal domowy adresdomowy "
    "prywatny дом домадрес домашній личный",
    "work": "geschäftl gesch dienstl empresa daempresa ufficio uff lavoro werk opwerk werkadres trabalho służbowy "
    "adressłużbowy раб рабадрес роб рабочий",
    "other": "other weitere weiteres sonstige autre otro otra altro outro інший інша другой",
    "": "general allgemein person contact",
}
SHORT = 100  # characters of a label that may be words for contexts; longer ones would fill the cache
NOT_WORDS = re.compile(r"[\W_]+")
MARK = "* "  # Google puts it before the label of the preferred entry
ENTRY_WORDS = {"private": "home", "work": "work", "mobile": "mobile", "main-number": "main"}


class Kind(NamedTuple):
    """What a label or the types of a column say of an entry."""

    types: tuple[str, ...]
    label: str = ""

    def members(self) -> dict[str, Any]:
        """The members of the entry (RFC 9553 §1.5.2, §1.5.3, §1.5.4, §2.3.3)."""
        found: dict[str, Any] = {}
        for word in self.types:
            if word in CONTEXTS:
                found.setdefault("contexts", {})[CONTEXTS[word]] = True
            elif word in FEATURES:
                found.setdefault("features", {})[FEATURES[word]] = True
            elif word == PREFERRED:
                found["pref"] = 1
        label = self.label or next((LABELS[word] for word in self.types if word in LABELS), "")
        return {**found, "label": label} if label else found

    def unpreferred(self) -> Self:
        return self._replace(types=tuple(word for word in self.types if word != PREFERRED))


@functools.cache
def words() -> dict[str, str]:
    return {fold(word): kind for kind, spellings in WORDS.items() for word in spellings.split()}


@functools.cache
def heading_words() -> dict[str, str]:
    return words() | {fold(word): kind for kind, spellings in HEADING_WORDS.items() for word in spellings.split()}


def squeezed(folded: str) -> str:
    """Letters and digits alone."""
    return NOT_WORDS.sub("", folded)


def kind(label: str, types: tuple[str, ...], features: bool) -> Kind:
    """What a label says beside the types of its column. `features`: whether it is a number's."""
    return short_kind(label, types, features) if len(label) <= SHORT else Kind(types, label)


@functools.lru_cache(maxsize=1024)
def short_kind(label: str, types: tuple[str, ...], features: bool) -> Kind:
    text = label.strip()
    if f"{text} ".startswith(MARK):
        text, types = text[1:].strip(), (*types, PREFERRED)
    meant = [words().get(word) for word in fold(text).split()]
    if meant and all(word in CONTEXTS or (features and word in FEATURES) for word in meant):
        return Kind(tuple(dict.fromkeys([*types, *(word for word in meant if word)])))
    return Kind(types, text)


def own_label(entry: dict[str, Any]) -> str:
    """The label, or that of Apple's X-ABLabel where RFC 9553 gives the entry none."""
    params = entry.get("vCardParams")
    label = entry.get("label") or (params.get("x-ablabel") if isinstance(params, dict) else None)
    if not isinstance(label, str):
        return ""
    apple = APPLE_LABEL.match(label)
    return apple[1] if apple else label


def label_of(entry: dict[str, Any]) -> str:
    """The label of an entry, or words for its contexts and features, such as `work fax`."""
    mark = MARK if entry.get("pref") == 1 else ""
    label = own_label(entry)
    if label:
        return mark + label
    flags = [
        name
        for member in ("contexts", "features")
        if isinstance(entry.get(member), dict)
        for name, is_set in entry[member].items()
        if is_set is True and name != "voice"
    ]
    return (mark + " ".join(ENTRY_WORDS.get(name, name) for name in flags)).strip()
