"""POST /api/contacts/"""

import json

import pytest

from contacts.models import Contact
from contacts.tests.cast import (
    EXAMPLE,
    KEYS,
    NOT_FOUND,
    WHOLE,
    add,
    faults,
    flat,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/"


def send(client, body, content_type="application/json"):
    return client.generic("POST", URL, body if isinstance(body, bytes) else body.encode(), content_type)


def test_the_example_of_the_contract_is_201(as_alice, alice):
    answer = as_alice.post(URL, EXAMPLE, format="json")
    assert answer.status_code == 201
    assert answer.json().keys() == WHOLE
    assert flat(answer, 201) == {
        **EXAMPLE,
        "user_id": alice.pk,
        "id": answer.json()["id"],
        "phone": "0",
    }


def test_the_answer_is_what_is_stored(as_alice):
    contact = add(as_alice, "Zoë", phone="+44 20 7946 0018", birthday="1984-02-29")
    assert as_alice.get(URL).json() == [contact]
    assert flat(as_alice.get(f"{URL}{contact['id']}")) == contact


def test_only_fullname_is_required_and_the_rest_is_null(as_alice, alice):
    contact = add(as_alice, "Ann")
    given = {"fullname": "Ann", "id": contact["id"], "user_id": alice.pk}
    assert contact == {**dict.fromkeys(KEYS), **given}


def test_an_empty_text_means_null(as_alice):
    blank = dict.fromkeys(("email", "phone_number", "phone", "birthday", "additional", "avatar"), "")
    assert add(as_alice, "Ann", **blank).items() >= dict.fromkeys(blank).items()


def test_the_answer_has_location_and_etag(as_alice):
    answer = as_alice.post(URL, {"fullname": "Ann"}, format="json")
    assert answer["Location"].endswith(f"/api/contacts/{answer.json()['id']}")
    read = as_alice.get(answer["Location"])
    assert read.json() == answer.json()
    contact = Contact.objects.get()
    assert answer["ETag"] == read["ETag"] == f'"{contact.pk}-{contact.revision}"'


def test_fields_that_are_unknown_or_not_writable_are_ignored(as_alice, alice, bob):
    body = {
        "fullname": "Ann",
        "id": 7_000_000,
        "user_id": bob.pk,
        "user": bob.pk,
        "owner": 1,
        "x": {"y": [1]},
    }
    odd = {"revision": 9, "uid": "u", "month_day": 101, "fullname_folded": "zzz", "": 1, "\ud800": "\ud800"}
    answer = send(as_alice, json.dumps(body | odd))
    contact = flat(answer, 201)
    assert contact["user_id"] == alice.pk and contact["id"] != 7_000_000
    row = Contact.objects.get(pk=contact["id"])
    assert (row.user_id, row.fullname_folded, row.month_day) == (alice.pk, "ann", None)
    assert row.uid != "u"


def test_bob_gets_the_404_of_an_unknown_contact_for_alices(as_alice, as_bob):
    contact = add(as_alice)
    answer = as_bob.get(f"{URL}{contact['id']}")
    assert answer.status_code == 404 and answer.json() == NOT_FOUND
    assert answer.content == as_bob.get(f"{URL}999999999").content
    assert as_bob.get(URL).json() == []


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "nope",
        '{"fullname": NaN}',
        '{"fullname": "a", "phone_number": Infinity}',
        '{"fullname": "a", "x": -Infinity}',
        "[" * 50_000,
        "[" * 50_000 + "]" * 50_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        b'{"fullname": "\xff\xfe"}',
        b'{"fullname": "\xed\xa0\x80"}',
        '{"fullname": "a"}'.encode("utf-16"),
        "fullname=Ann",
        '{"fullname": "a", "phone_number": ' + "9" * 5000 + "}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_json_is_422(as_alice, body):
    expected = ["body", "fullname"] if body == "" else ["body"]
    assert faults(send(as_alice, body)) == [expected]
    assert as_alice.get(URL).json() == []


@pytest.mark.one_stack
@pytest.mark.parametrize("body", ["[]", '[{"fullname": "a"}]', "1", '"fullname"', "null", "true", "1.5", "[[[]]]"])
def test_json_that_is_no_object_is_422(as_alice, body):
    assert faults(send(as_alice, body)) == [["body"]]


def test_deep_nesting_in_an_unknown_field_is_ignored(as_alice):
    assert flat(send(as_alice, '{"fullname": "Ann", "x": ' + "[" * 500 + "]" * 500 + "}"), 201)["fullname"] == "Ann"


def test_the_last_of_two_equal_keys_counts(as_alice):
    assert flat(send(as_alice, '{"fullname": "Ann", "fullname": "Bea"}'), 201)["fullname"] == "Bea"


def test_a_byte_order_mark_is_ignored(as_alice):
    assert flat(send(as_alice, b'\xef\xbb\xbf{"fullname": "Ann"}'), 201)["fullname"] == "Ann"


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=latin-1"],
)
def test_json_is_utf8_whatever_its_charset_says(as_alice, content_type):
    assert flat(send(as_alice, '{"fullname": "Zoë"}', content_type), 201)["fullname"] == "Zoë"


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_another_type_of_body_is_415(as_alice, content_type):
    answer = send(as_alice, '{"fullname": "Ann"}', content_type)
    assert answer.status_code == 415
    assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)


def test_any_accept_header_gets_json(as_alice):
    answer = as_alice.post(URL, {"fullname": "Ann"}, format="json", headers={"accept": "text/html;q=1, image/png"})
    assert answer.status_code == 201 and answer["Content-Type"] == "application/json"


def test_a_body_that_is_too_large_is_413(as_alice):
    answer = send(as_alice, json.dumps({"fullname": "Ann", "x": "x" * 1024 * 1024}))
    assert answer.status_code == 413
    assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)


def test_all_faults_are_named_in_one_answer(as_alice):
    body = {
        "fullname": "",
        "email": 5,
        "birthday": "x",
        "avatar": "javascript:1",
        "phone": [],
        "phone_number": -1,
    }
    found = faults(as_alice.post(URL, body, format="json"))
    assert sorted(found) == sorted(["body", name] for name in body)


def test_a_refused_contact_is_not_stored(as_alice):
    as_alice.post(URL, {"fullname": "Ann", "birthday": "x"}, format="json")
    assert not Contact.objects.exists()
