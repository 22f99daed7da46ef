"""Who may open /dav/, and how often."""

import itertools

import pytest
from django.utils import timezone

from accounts import tokens
from accounts.models import Session, User
from conftest import PASSWORD, client_of
from contacts.tests.dav import Dav, basic, precondition, vcard

pytestmark = pytest.mark.django_db
PATHS = (
    "/",
    "/principals/",
    "/dav",
    "/dav/",
    "/dav/principals/1/",
    "/dav/addressbooks/1/contacts/x.vcf",
    "/dav/nowhere",
)


def access_token(user):
    session = Session.objects.begin(user)
    return tokens.pair(session, 0, session.last_used_at.timestamp())["access_token"]


REFUSED = {
    "nothing": lambda phone: None,
    "the account's own password": lambda phone: basic(phone.user.email, PASSWORD),
    "another address": lambda phone: basic("bob@example.org", phone.password),
    "no address": lambda phone: basic("", phone.password),
    "no password": lambda phone: basic(phone.user.email, ""),
    "a bearer token": lambda phone: f"Bearer {access_token(phone.user)}",
    "the password as a bearer token": lambda phone: f"Bearer {phone.password}",
    "a token as the password": lambda phone: basic(phone.user.email, access_token(phone.user)),
    "the hash": lambda phone: basic(phone.user.email, phone.app_password.digest),
    "no base64": lambda phone: "Basic !!!",
    "no colon": lambda phone: "Basic YWJj",
    "no UTF-8": lambda phone: "Basic //46YQ==",
    "NUL": lambda phone: basic(phone.user.email, "\0"),
}


@pytest.mark.parametrize("header", REFUSED)
def test_a_refused_caller_gets_401_and_the_one_challenge(alice, bob, header):
    phone = Dav(alice)
    phone.headers["HTTP_AUTHORIZATION"] = REFUSED[header](phone) or ""
    for path, method in itertools.product(PATHS, ("PROPFIND", "OPTIONS")):
        answer = phone.ask(method, path, depth="0")
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Basic realm="Contacts", charset="UTF-8"'
        assert {"Accept", "Authorization"} <= set(answer["Vary"].split(", "))


@pytest.mark.parametrize(
    "lose",
    [
        lambda user: User.objects.set_active(False),
        lambda user: User.objects.update(closed_at=timezone.now()),
        lambda user: user.delete(),
    ],
)
def test_a_closed_inactive_or_deleted_account_is_401_and_stays_closed(alice, lose):
    phone = Dav(alice)
    lose(alice)
    assert phone.propfind("/dav/").status_code == 401
    assert not User.objects.filter(is_active=True, closed_at=None).exists()


def test_an_app_password_does_not_open_rest(alice):
    phone, client = Dav(alice), client_of(None)
    for header in (phone.headers["HTTP_AUTHORIZATION"], f"Bearer {phone.password}"):
        assert client.get("/api/contacts", HTTP_AUTHORIZATION=header).status_code == 401
    form = {"username": alice.email, "password": phone.password}
    assert client.post("/api/auth/login", form, format="multipart").status_code == 401


def test_twenty_wrong_passwords_refuse_the_address_the_right_one_too(alice, bob, limits):
    limits(dav_failures=(20, 600))
    phone = Dav(alice)
    right = phone.headers["HTTP_AUTHORIZATION"]
    for number in range(20):
        assert phone.propfind("/dav/").status_code == 207
        assert (
            phone.propfind(
                "/dav/", authorization=basic(alice.email, f"wrong {number:b}".translate({48: "a", 49: "b"}))
            ).status_code
            == 401
        )
    for header in (right, basic(alice.email, "wrong"), Dav(bob).headers["HTTP_AUTHORIZATION"]):
        answer = phone.propfind("/dav/", authorization=header)
        assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= 600
        assert answer["RateLimit-Limit"] == "20" and answer["RateLimit-Remaining"] == "0"
    assert phone.propfind("/dav/", authorization="").status_code == 401, "no credentials are only asked for"
    assert client_of(alice).get("/api/contacts").status_code == 200
    phone.headers["REMOTE_ADDR"] = "192.0.2.7"
    assert phone.propfind("/dav/").status_code == 207, "another address is not refused"


def test_the_same_wrong_pair_counts_once_and_no_credentials_as_nothing(alice, limits):
    limits(dav_failures=(2, 600))
    phone = Dav(alice)
    for _ in range(10):
        assert phone.propfind("/dav/", authorization=basic(alice.email, "wrong")).status_code == 401
        assert phone.propfind("/dav/", authorization="").status_code == 401
        assert phone.propfind("/dav/", authorization="Bearer x").status_code == 401
    assert phone.propfind("/dav/").status_code == 207
    phone.propfind("/dav/", authorization=basic(alice.email, "other"))
    assert phone.propfind("/dav/").status_code == 429


def test_put_and_delete_count_on_dav_write_alone_and_the_others_on_dav(alice, limits):
    limits(dav=(2, 60), dav_write=(2, 60))
    phone = Dav(alice)
    assert [phone.propfind("/dav/")["RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    assert phone.get("a.vcf").status_code == 429
    assert phone.put("a.vcf", vcard())["RateLimit-Remaining"] == "1"
    assert phone.delete("a.vcf").status_code == 204
    answer = phone.put("a.vcf", vcard())
    assert answer.status_code == 429 and answer["Retry-After"] and answer["RateLimit-Limit"] == "2"
    other = Dav(alice)
    assert other.propfind("/dav/").status_code == 429, "an account is counted, and not its programs"


def test_a_password_for_reading_alone_writes_nothing(alice, no_limits):
    writer, reader = Dav(alice), Dav(alice, write=False)
    writer.put("a.vcf", vcard())
    for answer in (reader.put("a.vcf", vcard("Bea")), reader.put("b.vcf", vcard(uid="u2")), reader.delete("a.vcf")):
        assert answer.status_code == 403 and precondition(answer) == "{DAV:}need-privileges"
    assert reader.get("a.vcf").status_code == 200 and "FN:Ann" in reader.get("a.vcf").text_body
    assert list(writer.etags()) == ["a.vcf"]


def test_authentication_is_one_statement(alice, no_limits, django_assert_num_queries):
    phone = Dav(alice)
    phone.propfind("/dav/")
    with django_assert_num_queries(1):
        phone.propfind("/dav/", "<current-user-principal/>")
    with django_assert_num_queries(1):
        phone.propfind("/dav/", authorization=basic(alice.email, "wrong"))
