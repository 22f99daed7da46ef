"""A book with seeded duplicates of five kinds, for measuring which of them are found and what else is.

There are no namesakes but the seeded ones. Families share a surname, a number and some an address, and are no duplicates.
"""

import random
from datetime import date, timedelta
from typing import Any, NamedTuple

FIRST = """
Anna Bernd Carla David Emilia Felix Greta Hannes Ingrid Jakob Klara Lukas Maria Nils Olga Peter Rosa Stefan Tanja Ulrich
Vera Walter Yvonne Zeno Andrea Boris Clemens Dora Erik Frieda Gustav Helena Igor Johanna Kaspar Leonie Martin Nora Oskar
Paula Robert Sophie Thomas Ursula Viktor Wilma Łukasz Zoë Jürgen Ömer Agnès José Théo Søren Kateřina
"""
STARTS = """
Ba Be Bra Da De Dra Fa Fi Ga Gre Ha Hu Ka Kle Kra La Lo Ma Mei Na Neu Pa Pe Ra Rei Sa Schnei Schu Ta Tre Va We
"""
MIDDLES = "ber der den gel ger ker lan len ler man mer nau ner nin per rin ron ser sen ten ter tin ver win zel zen"
ENDS = "bach berg burg dorf feld haus hofer land mann meyer mann rich ring schmidt stein thal wald weber wick"
KINDS = ("typo", "second address", "reversed", "spelling", "birthday")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Seeded(NamedTuple):
    cards: list[dict[str, Any]]
    pairs: dict[tuple[int, int], str]  # places of the cards, and the kind


def seeded_book(count: int, duplicates: int, seed: int = 1) -> Seeded:
    """Return `count` cards; the last `duplicates` of them are duplicates of others."""
    chance = random.Random(seed)
    people = originals(chance, count - duplicates)
    pairs = {}
    for number, place in enumerate(chance.sample(range(len(people)), duplicates)):
        kind = KINDS[number % len(KINDS)]
        pairs[place, len(people)] = kind
        people.append(DUPLICATE[kind](chance, people[place]))
    return Seeded([card(person) for person in people], pairs)


def originals(chance: random.Random, count: int) -> list[dict[str, Any]]:
    taken: set[str] = set()
    people: list[dict[str, Any]] = []
    while len(people) < count:
        person = new_person(chance, len(people))
        if people and chance.random() < 0.1:  # of the same family
            relative = people[-1]
            person["name"] = (person["name"][0], relative["name"][1])
            person["phone"] = relative["phone"]
            person["email"] = relative["email"] if chance.random() < 0.3 else person["email"]
        key = " ".join(person["name"])
        if key not in taken:
            taken.add(key)
            people.append(person)
    return people


def new_person(chance: random.Random, number: int) -> dict[str, Any]:
    surname = "".join(chance.choice(parts.split()) for parts in (STARTS, MIDDLES, ENDS))
    return {
        "name": (chance.choice(FIRST.split()), surname),
        "email": f"{surname.lower()}.{number}@example.org",
        "phone": f"+49 15{chance.randrange(10)} {chance.randrange(10**8):08}",
        "birthday": date(1935, 1, 1) + timedelta(days=chance.randrange(28_000)),
    }


def typo(chance: random.Random, person: dict[str, Any]) -> dict[str, Any]:
    first, last = person["name"]
    name = (misspelled(chance, first), last) if chance.random() < 0.3 else (first, misspelled(chance, last))
    common = chance.choice(("email", "phone", "birthday"))
    return {"name": name, common: person[common]}


def misspelled(chance: random.Random, word: str) -> str:
    """Return the word with one letter more, less, other, or exchanged with the next."""
    while True:
        place = chance.randrange(len(word))
        start, letter, rest = word[:place], word[place], word[place + 1 :]
        options = [start + rest, start + chance.choice(LETTERS) + letter + rest, start + chance.choice(LETTERS) + rest]
        changed = chance.choice([*options, start + rest[:1] + letter + rest[1:]])
        if changed.lower() != word.lower():
            return changed


def second_address(chance: random.Random, person: dict[str, Any]) -> dict[str, Any]:
    return {"name": person["name"], "email": f"second.{person['email']}"}


def name_reversed(chance: random.Random, person: dict[str, Any]) -> dict[str, Any]:
    first, last = person["name"]
    return {"name": (f"{last}," if chance.random() < 0.5 else last, first), "email": f"other.{person['email']}"}


def spelled(chance: random.Random, person: dict[str, Any]) -> dict[str, Any]:
    """Return the person with the number in national spelling; the name is spelled with a typo, or is whole."""
    national = person["phone"].removeprefix("+49 ")
    name = person["name"] if chance.random() < 0.5 else (person["name"][0], misspelled(chance, person["name"][1]))
    return {
        "name": name,
        "phone": chance.choice((f"0{national}", f"0049 {national}", f"(0{national[:3]}){national[3:]}")),
    }


def same_birthday(chance: random.Random, person: dict[str, Any]) -> dict[str, Any]:
    return {"name": person["name"], "birthday": person["birthday"], "phone": "+49 30 1234"}


DUPLICATE = {
    "typo": typo,
    "second address": second_address,
    "reversed": name_reversed,
    "spelling": spelled,
    "birthday": same_birthday,
}


def card(person: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": {"full": " ".join(person["name"])}}
    if "email" in person:
        made["emails"] = {"e1": {"address": person["email"]}}
    if "phone" in person:
        made["phones"] = {"p1": {"number": person["phone"]}}
    if "birthday" in person:
        day = person["birthday"]
        born = {"@type": "PartialDate", "year": day.year, "month": day.month, "day": day.day}
        made["anniversaries"] = {"b1": {"kind": "birth", "date": born}}
    return made
