"""POST /api/auth/login"""

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from accounts.models import Session, User
from accounts.tests.cast import (
    FORM,
    PAIR,
    contacts,
    faults,
    log_in,
    pair_of,
    refresh,
    told,
)
from conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/auth/login"
WRONG = {"detail": "Wrong address or password"}


@pytest.mark.one_stack
def test_a_login_gives_a_pair_of_tokens(as_nobody, alice):
    answer = log_in(as_nobody, "alice@example.org")
    assert answer.status_code == 200
    assert answer.json().keys() == PAIR
    assert answer.json()["token_type"] == "bearer"
    assert answer["Cache-Control"] == "no-store"
    assert contacts(as_nobody, answer.json()["access_token"]) == 200
    assert refresh(as_nobody, answer.json()["refresh_token"]).status_code == 200


@pytest.mark.one_stack
def test_it_takes_a_multipart_form(as_nobody, alice):
    form = {"username": "alice@example.org", "password": PASSWORD}
    assert as_nobody.post(URL + "/", form, format="multipart").status_code == 200


@pytest.mark.one_stack
def test_it_takes_oauth2s_optional_fields(as_nobody, alice):
    fields = {"grant_type": "password", "scope": "", "client_id": "x", "client_secret": "y"}
    assert log_in(as_nobody, "alice@example.org", **fields).status_code == 200
    assert log_in(as_nobody, "alice@example.org", **dict.fromkeys(fields, "")).status_code == 200


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "email", ["ALICE@Example.ORG", " alice@example.org ", "ａlice@example.org", "alice@example。org"]
)
def test_the_address_is_taken_in_any_spelling(as_nobody, alice, email):
    assert log_in(as_nobody, email).status_code == 200


@pytest.mark.one_stack
@pytest.mark.parametrize("password", [f" {PASSWORD}", f"{PASSWORD} ", PASSWORD.upper(), "wrong"])
def test_a_password_must_match_exactly(as_nobody, alice, password):
    answer = log_in(as_nobody, "alice@example.org", password)
    assert (answer.status_code, answer.json()) == (401, WRONG)


@pytest.mark.one_stack
def test_a_password_may_begin_with_a_space(as_nobody, alice):
    alice.set_password("  spaces ")
    alice.save()
    assert log_in(as_nobody, "alice@example.org", "  spaces ").status_code == 200


@pytest.mark.one_stack
def test_unknown_wrong_inactive_and_unconfirmed_are_answered_alike(as_nobody, alice, make_user):
    make_user("carol", is_active=False)
    make_user("dave", confirmed_at=None)
    tries = [
        ("nobody", PASSWORD),
        ("alice", "wrong"),
        ("carol", PASSWORD),
        ("carol", "wrong"),
        ("dave", "wrong"),
    ]
    answers = [log_in(as_nobody, f"{name}@example.org", password) for name, password in tries]
    assert len({told(answer) for answer in answers}) == 1
    assert (answers[0].status_code, answers[0].json()) == (401, WRONG)
    assert answers[0]["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.one_stack
def test_only_the_right_password_is_told_that_the_address_is_not_confirmed(as_nobody, make_user):
    make_user("dave", confirmed_at=None)
    answer = log_in(as_nobody, "dave@example.org")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Email not confirmed"})
    assert not Session.objects.exists()


@pytest.mark.one_stack
def test_an_account_without_a_usable_password_cannot_log_in(as_nobody, alice):
    alice.set_unusable_password()
    alice.save()
    for password in ("", "!", alice.password):
        assert log_in(as_nobody, "alice@example.org", password).status_code in (401, 422)


def test_every_login_begins_a_session(as_nobody, alice):
    first, second = (log_in(as_nobody, "alice@example.org").json() for _ in range(2))
    assert Session.objects.filter(user=alice).count() == 2
    assert refresh(as_nobody, first["refresh_token"]).status_code == 200
    assert refresh(as_nobody, second["refresh_token"]).status_code == 200


@pytest.mark.one_stack
def test_the_session_stores_the_printable_part_of_the_user_agent(as_nobody, alice):
    form = f"username=alice@example.org&password={PASSWORD}"
    agent = "Mozilla\x01\x1b[31m/5.0 \x85" + "x" * 500
    assert as_nobody.post(URL, form, content_type=FORM, HTTP_USER_AGENT=agent).status_code == 200
    client = Session.objects.get().client
    assert client.startswith("Mozilla[31m/5.0 xxx") and len(client) == 200


@pytest.mark.one_stack
def test_a_hash_upgrade_ends_no_session(as_nobody, alice):
    User.objects.filter(pk=alice.pk).update(password=PBKDF2PasswordHasher().encode(PASSWORD, "salt" * 6, 1000))
    before = pair_of(alice)
    assert log_in(as_nobody, "alice@example.org").status_code == 200
    assert User.objects.get().password.startswith("argon2$")
    assert User.objects.get().token_version == alice.token_version
    assert contacts(as_nobody, before["access_token"]) == 200
    assert refresh(as_nobody, before["refresh_token"]).status_code == 200


def test_a_hash_upgrade_does_not_replace_a_newer_password(alice):
    User.objects.filter(pk=alice.pk).update(password=PBKDF2PasswordHasher().encode(PASSWORD, "salt" * 6, 1000))
    stale = User.objects.get(pk=alice.pk)
    fresh = User.objects.get(pk=alice.pk)
    fresh.set_new_password("another one 7")
    assert stale.check_password(PASSWORD)
    assert User.objects.get(pk=alice.pk).check_password("another one 7")


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("form", "locs"),
    [
        ("", [["body", "username"], ["body", "password"]]),
        ("username=a@example.org", [["body", "password"]]),
        ("username=a@example.org&password=", [["body", "password"]]),
        ("username=&password=x", [["body", "username"]]),
        ("username=a%00&password=x", [["body", "username"]]),
        ("username=a&password=x%00", [["body", "password"]]),
        (f"username={'a' * 321}&password=x", [["body", "username"]]),
        (f"username=a&password={'x' * 1025}", [["body", "password"]]),
        ("username=a&password=x&grant_type=refresh_token", [["body", "grant_type"]]),
    ],
)
def test_an_invalid_form_is_a_422(as_nobody, form, locs):
    assert faults(as_nobody.post(URL, form, content_type=FORM)) == locs


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "form", ["username=%ED%A0%80&password=x", "username=@&password=x", "username=%FF&password=%FF"]
)
def test_an_odd_address_is_an_unknown_one(as_nobody, form):
    answer = as_nobody.post(URL, form, content_type=FORM)
    assert (answer.status_code, answer.json()) == (401, WRONG)


@pytest.mark.one_stack
@pytest.mark.parametrize("charset", ["utf-16", "hex", "zip", "idna", "nonsense", "unicode_escape"])
def test_an_odd_charset_is_no_5xx(as_nobody, alice, charset):
    form = f"username=alice@example.org&password={PASSWORD}"
    assert as_nobody.post(URL, form, content_type=f"{FORM}; charset={charset}").status_code < 500
    boundary = f"multipart/form-data; boundary=x; charset={charset}"
    part = '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\na\r\n--x--\r\n'
    assert as_nobody.post(URL, part, content_type=boundary).status_code < 500


@pytest.mark.one_stack
@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=\x00"])
def test_a_broken_multipart_body_is_a_422(as_nobody, kind):
    assert faults(as_nobody.post(URL, "nonsense", content_type=kind)) == [["body"]]


@pytest.mark.one_stack
def test_a_file_instead_of_a_field_is_a_422(as_nobody):
    part = 'Content-Disposition: form-data; name="username"; filename="x"\r\n\r\na\r\n'
    body = f"--x\r\n{part}--x--\r\n"
    answer = as_nobody.post(URL, body, content_type="multipart/form-data; boundary=x")
    assert faults(answer) == [["body", "username"], ["body", "password"]]


@pytest.mark.one_stack
def test_json_is_a_415(as_nobody, alice):
    answer = as_nobody.post(URL, {"username": "alice@example.org", "password": PASSWORD}, format="json")
    assert answer.status_code == 415


@pytest.mark.one_stack
def test_an_authorization_header_is_ignored(as_nobody, alice):
    as_nobody.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert log_in(as_nobody, "alice@example.org").status_code == 200
    as_nobody.credentials(HTTP_AUTHORIZATION="Basic Zm9vOmJhcg==")
    assert log_in(as_nobody, "alice@example.org").status_code == 200
