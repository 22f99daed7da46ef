"""POST /api/auth/signup"""

import datetime

import pytest

from accounts.mail.delivery import deliver
from accounts.models import OutgoingEmail, User
from accounts.tests.cast import faults, sign_up
from conftest import PASSWORD

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/auth/signup"


def test_a_signup_creates_an_unconfirmed_account_and_sends_an_email(as_nobody, mailbox):
    answer = sign_up(as_nobody, username="Zoë Ł.", email="Zed@Example.org")
    assert answer.status_code == 201
    user = User.objects.get()
    joined = answer.json()["user"].pop("created_at")
    assert answer.json() == {
        "user": {"id": user.pk, "username": "Zoë Ł.", "email": "Zed@Example.org"},
        "detail": "Successfully created",
    }
    assert datetime.datetime.fromisoformat(joined) == user.created_at
    assert user.confirmed_at is None
    assert deliver() == 1
    assert mailbox.messages[0]["To"] == "Zed@Example.org"


def test_a_slash_at_the_end_changes_nothing(as_nobody):
    body = {"username": "Zed", "email": "zed@example.org", "password": PASSWORD}
    assert as_nobody.post(URL + "/", body, format="json").status_code == 201


@pytest.mark.parametrize("email", ["zed@example.org", "ZED@EXAMPLE.ORG", "zed@ｅxample.org", " zed@example.org\n"])
def test_an_address_is_taken_in_every_spelling(as_nobody, email):
    assert sign_up(as_nobody, email="Zed@example.org").status_code == 201
    answer = sign_up(as_nobody, email=email)
    assert (answer.status_code, answer.json()) == (409, {"detail": "Already exists"})
    assert User.objects.count() == OutgoingEmail.objects.count() == 1


def test_addresses_that_are_equal_after_nfkc_are_one(as_nobody):
    assert sign_up(as_nobody, email="kas@example.org").status_code == 201
    kelvin_sign, long_s = "\u212a", "\u017f"
    assert sign_up(as_nobody, email=f"{kelvin_sign}a{long_s}@example.org").status_code == 409


def test_both_forms_of_an_international_domain_are_one(as_nobody):
    assert sign_up(as_nobody, email="zed@bücher.example").status_code == 201
    assert sign_up(as_nobody, email="zed@xn--bcher-kva.example").status_code == 409


def test_names_need_not_be_unique(as_nobody):
    assert sign_up(as_nobody, email="a@example.org").status_code == 201
    assert sign_up(as_nobody, email="b@example.org").status_code == 201


def test_unknown_and_unwritable_fields_are_ignored(as_nobody):
    odd = {
        "id": 7,
        "is_staff": True,
        "is_superuser": True,
        "confirmed_at": "2020-01-01",
        "token_version": 9,
        "x": {},
    }
    assert sign_up(as_nobody, **odd).status_code == 201
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.confirmed_at) == (False, False, None)
    assert user.token_version == 1


def test_every_missing_field_is_reported(as_nobody):
    answer = as_nobody.post(URL, {}, format="json")
    assert faults(answer) == [["body", "username"], ["body", "email"], ["body", "password"]]
    assert {entry["type"] for entry in answer.json()["detail"]} == {"missing"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "x" * 151,
        "a\0b",
        "a\r\nBcc: c@example.org",
        "a\x7fb",
        "a\x85b",
        "a\u2028b",
        "\u200b \u2060",
        "\u3164",
        "\U000e0020",
        "\ud800",
        None,
        5,
        ["x"],
        {},
    ],
)
def test_an_invalid_name_is_a_422(as_nobody, name):
    assert faults(sign_up(as_nobody, username=name)) == [["body", "username"]]


@pytest.mark.parametrize("name", ["x", "x" * 150, "👩‍👩‍👧 Ægir", "Robert'); DROP TABLE"])
def test_a_valid_name_is_accepted(as_nobody, name):
    assert sign_up(as_nobody, username=name).json()["user"]["username"] == name


@pytest.mark.parametrize(
    "email",
    [
        "", "x", "@x.org", "a@", "a@b", "a b@x.org", "a@x..org", "a@x.org\nBcc: c@x.org", "a\0@x.org",
        "\ud800@x.org", '"\x01"@x.org', '"a"@x.org', "=?utf-8?q?a?=@x.org", "\u017fam@x.org", "\u212aim@x.org",
        "m\u0131ke@x.org", "a" * 246 + "@x.org.uk", "a@" + ".".join(["漢字"] * 80) + ".org",
        None, 7, ["a@x.org"],
    ],
)  # fmt: skip
def test_an_invalid_address_is_a_422(as_nobody, email):
    found = faults(sign_up(as_nobody, email=email))
    assert found and {tuple(loc) for loc in found} == {("body", "email")}


@pytest.mark.parametrize(
    ("password", "type"),
    [
        ("short1", "password_too_short"),
        ("password1", "password_too_common"),
        ("8263548163", "password_entirely_numeric"),
        ("zed@example.org", "password_too_similar"),
        ("", "string_too_short"),
        ("x" * 1025, "string_too_long"),
        ("correct\0horse 9", "string_unicode"),
        ("correct \udfff horse", "string_unicode"),
        (None, "null_not_allowed"),
        (123456789012, "value_error"),
    ],
)
def test_a_weak_or_invalid_password_is_a_422(as_nobody, password, type):
    answer = sign_up(as_nobody, password=password)
    assert {tuple(loc) for loc in faults(answer)} == {("body", "password")}
    assert type in {entry["type"] for entry in answer.json()["detail"]}
    assert not User.objects.exists()


def test_spaces_around_a_password_belong_to_it(as_nobody):
    assert sign_up(as_nobody, password="  a good one ").status_code == 201
    assert User.objects.get().check_password("  a good one ")
    assert not User.objects.get().check_password("a good one")


@pytest.mark.parametrize(
    "text", ["", "{", "nonsense", b"\xff\xfe", "[" * 50_000, '{"a":' * 50_000, "NaN", "1e", "null"]
)
def test_a_body_that_is_no_json_is_a_422(as_nobody, text):
    answer = as_nobody.post(URL, text, content_type="application/json")
    assert faults(answer)[0][0] == "body"
    if text != "":
        assert faults(answer) == [["body"]]


@pytest.mark.parametrize("text", ["[]", "5", '"x"', "true", "[" * 900 + "]" * 900])
def test_json_that_is_no_object_is_a_422(as_nobody, text):
    assert faults(as_nobody.post(URL, text, content_type="application/json")) == [["body"]]


def test_a_form_is_a_415(as_nobody):
    answer = as_nobody.post(URL, "username=x", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415
    assert answer.json().keys() == {"detail"} and isinstance(answer.json()["detail"], str)


def test_a_body_that_is_too_large_is_a_413(as_nobody):
    answer = sign_up(as_nobody, extra="x" * 1024 * 1024)
    assert answer.status_code == 413
    assert answer.json().keys() == {"detail"}


def test_a_body_without_length_is_a_411(as_nobody):
    answer = as_nobody.generic("POST", URL, "", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert answer.status_code == 411
    assert answer.json() == {"detail": "Send the body with its Content-Length."}


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_other_methods_are_a_405(as_nobody, method):
    answer = getattr(as_nobody, method)(URL)
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert answer.json().keys() == {"detail"}


def test_a_token_is_ignored(as_nobody):
    as_nobody.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert sign_up(as_nobody).status_code == 201


def test_the_password_is_neither_stored_nor_logged_in_the_clear(as_nobody, caplog):
    caplog.set_level(0)
    assert sign_up(as_nobody).status_code == 201
    assert sign_up(as_nobody, username="\0").status_code == 422
    assert User.objects.get().password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    rows = [*User.objects.values(), *OutgoingEmail.objects.values()]
    assert PASSWORD not in repr(rows) + caplog.text
