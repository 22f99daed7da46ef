"""`phone`, the number as it was given, and `phone_number`, its digits, over POST and PUT."""

import json

import pytest

from contacts.tests.cast import add, faults, flat, path

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/"


def post(client, **fields):
    return client.post(URL, {"fullname": "Ann", **fields}, format="json")


def put(client, contact, **fields):
    return client.put(path(contact), {"fullname": "Ann", **fields}, format="json")


def pair(contact):
    return contact["phone"], contact["phone_number"]


def test_phone_is_the_text_as_given(as_alice):
    assert pair(add(as_alice, phone="+44 (0)20 7946-0018")) == ("+44 (0)20 7946-0018", 4402079460018)


@pytest.mark.parametrize(
    ("given", "text", "number"),
    [
        (0, "0", 0),
        (7, "7", 7),
        (380441234567, "380441234567", 380441234567),
        (999_999_999_999_999, "999999999999999", 999_999_999_999_999),
        ("0", "0", 0),
        ("007", "007", 7),
        ("0441234567", "0441234567", 441234567),
        ("+380 44 123-45-67", "+380 44 123-45-67", 380441234567),
        (" 5 ", " 5 ", 5),
        ("00000000000000001", "00000000000000001", None),
        ("5 ext. 6", "5 ext. 6", 56),
        ("٠٤٤", "٠٤٤", 44),
        ("", None, None),
        (None, None, None),
    ],
)
def test_phone_is_the_text_and_phone_number_its_digits(as_alice, given, text, number):
    assert pair(add(as_alice, phone=given)) == (text, number)


@pytest.mark.parametrize(
    ("given", "text", "number"),
    [
        (0, "0", 0),
        (380441234567, "380441234567", 380441234567),
        (999_999_999_999_999, "999999999999999", 999_999_999_999_999),
        ("+380 44 123-45-67", "+380 44 123-45-67", 380441234567),
        ("007", "007", 7),
        ("", None, None),
        (None, None, None),
    ],
)
def test_phone_number_may_be_written_as_an_integer_or_as_text(as_alice, given, text, number):
    assert pair(add(as_alice, phone_number=given)) == (text, number)


@pytest.mark.parametrize(
    "text", ["1234567890123456", "+1 234 567 890 123 456 7", "9" * 255, "call the office", "-", "²"]
)
def test_a_phone_without_1_to_15_digits_has_no_phone_number(as_alice, text):
    assert pair(add(as_alice, phone=text)) == (text, None)


@pytest.mark.parametrize("field", ["phone", "phone_number"])
@pytest.mark.parametrize(
    "value", [True, False, 1.5, 1e30, -1, -1.0, 10**15, 10**30, -(10**30), [], [5], {}, {"a": 5}, "5" * 256]
)
def test_another_type_or_range_is_422(as_alice, field, value):
    assert faults(post(as_alice, **{field: value})) == [["body", field]]


@pytest.mark.parametrize(("spelling", "number"), [("1.0", 1), ("-0.0", 0), ("1E5", 100_000), ("-0", 0), ("5e0", 5)])
def test_an_integer_may_have_any_json_spelling(as_alice, spelling, number):
    """JSON Schema, and so the description of the API, does not tell 1 from 1.0."""
    body = f'{{"fullname": "Ann", "phone_number": {spelling}}}'
    assert pair(flat(as_alice.generic("POST", URL, body, "application/json"), 201)) == (str(number), number)


@pytest.mark.parametrize("spelling", ["1e400", "-1e400", "1" * 4000, "-" + "1" * 4000, "1e-1", "1e15"], ids=len)
def test_a_number_that_is_no_integer_of_15_digits_is_422(as_alice, spelling):
    body = f'{{"fullname": "Ann", "phone_number": {spelling}}}'
    answer = as_alice.generic("POST", URL, body, "application/json")
    assert faults(answer) == [["body", "phone_number"]]


@pytest.mark.parametrize(
    ("phone", "phone_number", "text", "number"),
    [
        ("+44 20", 4420, "+44 20", 4420),
        ("+44 20", "44-20", "+44 20", 4420),
        ("+44 20", None, "+44 20", 4420),
        ("+44 20", "", "+44 20", 4420),
        (None, 4420, "4420", 4420),
        ("", "4420", "4420", 4420),
        (None, None, None, None),
    ],
)
def test_one_of_phone_and_phone_number_is_enough_on_create(as_alice, phone, phone_number, text, number):
    assert pair(add(as_alice, phone=phone, phone_number=phone_number)) == (text, number)


@pytest.mark.parametrize(("phone", "phone_number"), [("+44 20", 5), ("nobody", 5), ("5", "6"), ("1" * 16, 5)])
def test_phone_and_phone_number_that_disagree_are_422(as_alice, phone, phone_number):
    assert faults(post(as_alice, phone=phone, phone_number=phone_number)) == [["body", "phone_number"]]
    contact = add(as_alice, phone="+1 1")
    answer = put(as_alice, contact, phone=phone, phone_number=phone_number)
    assert faults(answer) == [["body", "phone_number"]]
    assert flat(as_alice.get(path(contact))) == contact


@pytest.mark.parametrize(
    ("sent", "text", "number"),
    [
        ({"phone_number": 4420}, "+44 20", 4420),
        ({"phone_number": "4420"}, "+44 20", 4420),
        ({"phone": "+44 20"}, "+44 20", 4420),
        ({"phone": "+44 20", "phone_number": 4420}, "+44 20", 4420),
        ({"phone": "+44 20", "phone_number": 5}, "5", 5),
        ({"phone": "+44 20", "phone_number": None}, None, None),
        ({"phone": "0 5", "phone_number": 4420}, "0 5", 5),
        ({"phone": None, "phone_number": 4420}, None, None),
        ({"phone": "4420", "phone_number": 4420}, "4420", 4420),
        ({"phone": "0 5", "phone_number": 5}, "0 5", 5),
        ({"phone": "1" * 16, "phone_number": None}, "1" * 16, None),
        ({"phone_number": None}, None, None),
        ({"phone": ""}, None, None),
        ({}, None, None),
    ],
)
def test_the_one_that_differs_from_the_stored_number_wins(as_alice, sent, text, number):
    contact = add(as_alice, phone="+44 20")
    assert pair(flat(put(as_alice, contact, **sent))) == (text, number)
    assert pair(flat(as_alice.get(path(contact)))) == (text, number)


@pytest.mark.parametrize("text", ["+44 (0)20", "007", "1" * 16, "call the office", "٠٤٤", " 5 ", None])
def test_writing_back_what_was_read_changes_nothing(as_alice, text):
    contact = add(as_alice, phone=text)
    before = as_alice.get(path(contact))
    assert flat(put(as_alice, contact, **json.loads(before.content))) == contact
    after = put(as_alice, contact, phone_number=contact["phone_number"])
    assert flat(after) == contact and after["ETag"] == before["ETag"]


def test_bob_gets_404_for_alices_number(as_alice, as_bob):
    contact = add(as_alice, phone="+44 20")
    answer = put(as_bob, contact, phone_number=5)
    assert answer.status_code == 404
    assert answer.content == put(as_bob, {"id": 999999999}, phone_number=5).content
    assert flat(as_alice.get(path(contact))) == contact
