"""Files that nobody means well with: they end as a report or a sentence, in bounded time and memory."""

import json
import tracemalloc

import pytest
from hypothesis import given, strategies

from contacts.cards import jscontact_file
from contacts.cards.jscontact_file import NoJSONError
from contacts.models import Contact
from contacts.tests.importing import apply, entries, read, run_steps, show, upload, vcard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

BEGIN = b"BEGIN:VCARD\r\n"
# What each is, and whether it can be read to its end.
FILES = {
    "a line of 50 MB": (BEGIN + b"FN:" + b"x" * (50 * 1024 * 1024 - 100), "ready"),
    "many BEGINs": (BEGIN * 3_000, "ready"),
    "nested AGENTs": ((b"BEGIN:VCARD\r\nFN:x\r\nAGENT:\r\n") * 10_000, "ready"),
    "many parameters": (BEGIN + b"FN:Ann\r\nTEL" + b";A=b" * 100_000 + b":110\r\nEND:VCARD\r\n", "ready"),
    "many properties": (BEGIN + b"FN:Ann\r\n" + b"X-A:b\r\n" * 100_000 + b"END:VCARD\r\n", "ready"),
    "NULs": (vcard("A\0nn", "NOTE:\0\0", uid="u\0x").encode(), "ready"),
    "surrogates in UTF-16": (b"\xff\xfe" + vcard("x").encode("utf-16-le") + b"\x00\xd8" * 100, "ready"),
    "a zip behind a card": (vcard("Ann").encode() + b"PK\x03\x04" + bytes(range(256)) * 100, "ready"),
    "random bytes in a card": (BEGIN + bytes(range(256)) * 1000, "ready"),
    "deep JSON": (b'[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "ready"),
    "deep JSON without an end": (b'[{"a":' + b"[" * 100_000, "failed"),
    "wide JSON": (b'[{"name":{"full":"x"},"a":[' + b"1," * 100_000 + b"1]}]", "ready"),
    "large numbers": (b'[{"name":{"full":"x"},"a":' + b"9" * 10_000 + b"}]", "ready"),
    "infinity": (b'[{"name":{"full":"x"},"a":1e999},{"name":{"full":"x"},"a":NaN}]', "ready"),
    "surrogates in JSON": (b'[{"name":{"full":"\\ud800"}},{"uid":"\\udfff","name":{"full":"x\\u0000"}}]', "ready"),
    "a long string of JSON": (b'[{"name":{"full":"' + b"x" * (30 * 1024 * 1024) + b'"}}]', "ready"),
    "JSON that is none": (b"[{]}", "failed"),
    "JSON in no UTF-8": (b'[{"name":{"full":"\xff"}}]', "failed"),
    "a card of other types": (json.dumps([{"name": [], "emails": 1, "media": [1], "keywords": "x", "members": 1}]).encode(), "ready"),
}  # fmt: skip


@pytest.mark.postgresql
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_ends_as_a_report_or_a_sentence(as_alice, name):
    content, status = FILES[name]
    found = read(as_alice, content)
    assert found["status"] == status, found
    counts = found["counts"]
    if status == "ready":
        assert sum(counts.values()) == found["progress"]["total"] > 0
        assert apply(as_alice, found["id"])["status"] == "applied"
    else:
        assert found["error"]
    assert all(entry["reason"] for entry in entries(as_alice, found["id"], status="failed", limit=10))


def test_one_bad_line_costs_that_line_and_one_bad_card_that_card(as_alice):
    bad_line = vcard("Ann", "no colon", "TEL:110")
    found = read(as_alice, bad_line + "BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n" + vcard("Bea"))
    assert found["counts"] == {"new": 2, "same": 0, "changes": 0, "failed": 1}
    first, failed, _ = entries(as_alice, found["id"])
    assert first["notes"] and failed["reason"]
    apply(as_alice, found["id"])
    assert sorted(Contact.objects.values_list("phone", flat=True), key=str) == ["110", None]


@pytest.mark.postgresql
def test_hundreds_of_cards_of_one_name(as_alice):
    text = "".join(vcard("Info", f"NOTE:{index}") for index in range(300))
    found = read(as_alice, text)
    assert found["counts"]["new"] == 300
    apply(as_alice, found["id"])
    assert read(as_alice, text)["counts"]["same"] == 300


@pytest.mark.postgresql
def test_hundreds_of_cards_with_one_uid(as_alice):
    text = "".join(vcard(f"Card {index}", uid="u1") for index in range(300))
    found = read(as_alice, text)
    assert found["counts"] == {"new": 1, "same": 0, "changes": 299, "failed": 0}
    apply(as_alice, found["id"], "replace")
    assert Contact.objects.get().fullname == "Card 299"


@pytest.mark.one_stack
@given(strategies.binary(max_size=300) | strategies.text(alphabet='[]{}",:\\ab1 ', max_size=100).map(str.encode))
def test_the_reader_of_json_raises_nothing_but_its_own(data):
    try:
        for entry in jscontact_file.read([data[start : start + 7] for start in range(0, len(data), 7)]):
            assert (entry.card is None) == (entry.reason is not None)
    except NoJSONError:
        pass


@pytest.mark.one_stack
@given(strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=5),
    lambda inner: strategies.lists(inner, max_size=3)
    | strategies.dictionaries(strategies.sampled_from(["name", "full", "media", "uri", "m1", "emails", "members"]), inner),
    max_leaves=20,
))  # fmt: skip
def test_any_json_is_read(value):
    if not isinstance(value, list):
        value = [value]
    assert len(list(jscontact_file.read([json.dumps(value).encode()]))) == len(value)


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "more, kept, note",
    [
        ({"emails": {"e1": {"address": "x" * 400}, "e2": {"address": "a@b"}}}, {"emails": {"e2": {"address": "a@b"}}}, "emails/e1"),
        ({"phones": ["1"]}, {}, "phones was left out"),
        ({"phones": {"p1": {"number": 1}}}, {}, "phones/p1/number was left out"),
        ({"keywords": {"a": 1}}, {}, "keywords was left out"),
        ({"anniversaries": {"b1": {"kind": "birth", "date": {"year": 1999, "month": 2, "day": 29}}}}, {}, "b1/date"),
        ({"media": {"m1": {"uri": "javascript:x"}}}, {}, "media/m1/uri"),
        ({"x.org:a": "x" * 300_000, "x.org:b": 1}, {"x.org:b": 1}, "x.org:a was left out, since the card is too large"),
    ],
)  # fmt: skip
def test_what_no_card_may_hold_costs_itself(more, kept, note):
    (entry,) = jscontact_file.read([json.dumps({"name": {"full": "Ann"}, **more}).encode()])
    assert (entry.card, entry.reason) == ({"name": {"full": "Ann"}, **kept}, None)
    assert len(entry.notes) == 1 and note in entry.notes[0]


@pytest.mark.one_stack
@pytest.mark.parametrize("part", ["{},", "[],", '"",', "1,", '{"a":{}},', '"\\"",'])
def test_a_card_of_too_many_values_is_refused_unread_and_the_next_one_is_read(part, monkeypatch):
    monkeypatch.setattr(jscontact_file, "MOST_TOKENS", 50_000)
    wide = '{"name":{"full":"Ann"},"a":[' + part * 60_000 + "0]}"
    first, second = jscontact_file.read([f'[{wide},{{"name":{{"full":"Bea"}}}}]'.encode()])
    assert first.reason == "This card has over 50,000 values, names and brackets."
    assert second.card["name"]["full"] == "Bea"


@pytest.mark.one_stack
def test_a_card_of_more_than_16_megabytes_is_refused_and_the_next_one_is_read():
    content = '[{"name":{"full":"Ann"},"a":"' + "x" * 17_000_000 + '"},{"name":{"full":"Bea"}}]'
    pieces = (content[start : start + 1_000_000].encode() for start in range(0, len(content), 1_000_000))
    first, second = jscontact_file.read(pieces)
    assert first.reason == "This card is over 16 MB." and second.card["name"]["full"] == "Bea"


@pytest.mark.one_stack
def test_a_card_with_an_emoji_and_large_pictures_takes_little_memory():
    pictures = [
        f'"m{number}":{{"kind":"photo","uri":"data:image/jpeg;base64,{"AAAA" * 1_700_000}"}}' for number in "12"
    ]
    content = ('[{"name":{"full":"😀"},"media":{' + ",".join(pictures) + "}}]").encode()
    tracemalloc.start()
    try:
        (card,) = jscontact_file.read(content[start : start + 1_000_000] for start in range(0, len(content), 1_000_000))
        assert len(card.pictures) == 2 and tracemalloc.get_traced_memory()[1] < 180_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.one_stack
def test_a_group_may_have_more_members_than_a_card_values():
    members = {f"urn:uuid:{number}": True for number in range(20_000)}
    (entry,) = jscontact_file.read(
        [json.dumps({"kind": "group", "name": {"full": "All"}, "members": members}).encode()]
    )
    assert (entry.members, entry.notes, entry.reason) == (list(members), [], None)


def test_the_last_note_says_how_many_more_there_are(as_alice):
    found = read(as_alice, vcard("Ann", *["junk"] * 150))
    assert entries(as_alice, found["id"])[0]["notes"][-1] == "There are 50 more notes."


@pytest.mark.one_stack
def test_a_name_of_more_than_255_characters_is_whole():
    card = {"name": {"full": "x" * 300}}
    (entry,) = jscontact_file.read([json.dumps(card).encode()])
    assert (entry.card, entry.notes, entry.reason) == (card, [], None)


@pytest.mark.one_stack
@pytest.mark.parametrize("full", ["", "  ", "\u200f", None])
def test_a_blank_name_is_made_of_what_else_there_is(full):
    card = {"name": {"full": full}, "emails": {"e1": {"address": "a@b"}}}
    (entry,) = jscontact_file.read([json.dumps(card).encode()])
    assert entry.card == {**card, "name": {"full": "a@b"}}


def test_a_step_goes_on_after_an_error_of_the_server(as_alice, monkeypatch):
    from contacts.importing import steps

    def broken(*args, **options):
        raise ZeroDivisionError

    monkeypatch.setattr(steps.Run, "prepare", broken)
    found = upload(as_alice, vcard()).json()
    run_steps()
    assert show(as_alice, found["id"])["error"] == "This import met an error of the server and was stopped."
