"""The components of names and addresses (RFC 9553 §1.5.1) ⇄ structured values, and their order (RFC 9555 §3.3.1)."""

import re
from collections.abc import Sequence
from typing import Any

from contacts.cards.vcard.values import split

Component = dict[str, Any]
Position = tuple[int, int]  # in a structured value: the component, and the text in it

POSITION = re.compile(r"(\d{1,2})(?:,(\d{1,4}))?", re.ASCII)
SEPARATOR = re.compile(r"s,(.*)", re.DOTALL)
SEPARATOR_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def read(values: list[list[str]], kinds: Sequence[str]) -> list[Component]:
    return [{"kind": kind, "value": text} for kind, found in zip(kinds, values, strict=False) for text in found]


def read_order(
    holder: dict[str, Any], values: list[list[str]], kinds: Sequence[str], jscomps: list[str] | None
) -> None:
    """Puts the components in the order that JSCOMPS gives, if it names each of them once."""
    if not jscomps:
        return
    default, *entries = split(",".join(jscomps), ";")
    default_separator = SEPARATOR.fullmatch(default)
    if not entries or (default and not default_separator):
        return
    ordered: list[Component] = []
    left = {(place, index) for place, found in enumerate(values[: len(kinds)]) for index in range(len(found))}
    for entry in entries:
        separator, position = SEPARATOR.fullmatch(entry), POSITION.fullmatch(entry)
        if separator:
            ordered.append({"kind": "separator", "value": unescaped(separator[1])})
            continue
        spot = (int(position[1]), int(position[2] or 0)) if position else None
        if spot not in left:
            return
        left.remove(spot)
        ordered.append({"kind": kinds[spot[0]], "value": values[spot[0]][spot[1]]})
    if left:
        return
    holder["components"] = ordered
    holder["isOrdered"] = True
    if default_separator:
        holder["defaultSeparator"] = unescaped(default_separator[1])


def are_well_formed(parts: Any) -> bool:
    """Whether this is a list of components, each with a kind and a text, and a text for how it is spoken."""
    return isinstance(parts, list) and bool(parts) and all(map(is_component, parts))


def is_component(part: Any) -> bool:
    return isinstance(part, dict) and all(
        isinstance(part.get(name, default), str)
        for name, default in (("kind", None), ("value", None), ("phonetic", ""))
    )


def unescaped(text: str) -> str:
    return SEPARATOR_ESCAPED.sub(r"\1", text)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")


def placed(parts: list[Component], kinds: Sequence[str], member: str) -> tuple[list[list[str]], list[Position | None]]:
    """The texts of each component of the structured value, and where each part stands in it."""
    values: list[list[str]] = [[] for _ in kinds]
    positions: list[Position | None] = []
    for part in parts:
        if part["kind"] not in kinds:
            positions.append(None)
            continue
        place = kinds.index(part["kind"])
        positions.append((place, len(values[place])))
        values[place].append(part.get(member) or "")
    return values, positions


def write_order(holder: dict[str, Any], parts: list[Component], positions: list[Position | None]) -> str:
    """JSCOMPS: the separator, then a position or a separator for each component."""
    default = holder.get("defaultSeparator")
    words = ["s," + escaped(default) if isinstance(default, str) else ""]
    for part, position in zip(parts, positions, strict=True):
        if position:
            words.append(f"{position[0]},{position[1]}" if position[1] else str(position[0]))
        elif part["kind"] == "separator":
            words.append("s," + escaped(part["value"]))
    return ";".join(words)


def spoken(holder: dict[str, Any], order: Sequence[str]) -> str:
    """The components as one text (RFC 9553 §2.2.1.1): as they are ordered, else in the usual order."""
    parts = holder.get("components") or []
    if not holder.get("isOrdered"):
        parts = sorted((part for part in parts if part["kind"] in order), key=lambda part: order.index(part["kind"]))
    text, between = "", ""
    for part in parts:
        if part["kind"] == "separator":
            between = part["value"]
        else:
            text += (between if text else "") + part["value"].strip()
            between = holder.get("defaultSeparator", " ")
    return text.strip()
