"""The limits of the auth and email routes, and of wrong passwords"""

import pytest

from accounts.models import OutgoingEmail, User
from accounts.tests.cast import FORM, contacts, log_in, pair_of, sign_up

pytestmark = pytest.mark.django_db

ROUTES = {
    "signup": (2, "POST", "/api/auth/signup", "application/json"),
    "request_email": (2, "POST", "/api/auth/request_email", "application/json"),
    "reset_pwd": (2, "POST", "/api/auth/reset_pwd", "application/json"),
    "login": (10, "POST", "/api/auth/login", FORM),
    "refresh_token": (10, "GET", "/api/auth/refresh_token", ""),
    "confirm_email": (10, "GET", "/api/email/confirm/x", ""),
}
TOO_MANY = {"detail": "Too many wrong passwords for this account. Try later, or set a new password by mail."}


@pytest.mark.parametrize("name", ROUTES)
def test_past_its_limit_a_route_answers_429_with_retry_after(as_nobody, name):
    limit, method, path, kind = ROUTES[name]
    answers = [as_nobody.generic(method, path, "", content_type=kind) for _ in range(limit + 1)]
    assert {answer.status_code for answer in answers[:-1]} <= {401, 422}
    assert [answer["RateLimit-Limit"] for answer in answers] == [str(limit)] * (limit + 1)
    assert [int(answer["RateLimit-Remaining"]) for answer in answers] == [*reversed(range(limit)), 0]
    assert all(1 <= int(answer["RateLimit-Reset"]) <= 60 for answer in answers)
    refused = answers[-1]
    assert refused.status_code == 429
    assert refused.json().keys() == {"detail"} and isinstance(refused.json()["detail"], str)
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert all("Retry-After" not in answer for answer in answers[:-1])
    elsewhere = as_nobody.generic(method, path, "", content_type=kind, REMOTE_ADDR="192.0.2.1")
    assert elsewhere.status_code != 429


def test_get_head_and_post_of_a_confirmation_link_share_a_limit(as_nobody, limits):
    limits(confirm_email=(3, 60))
    path = "/api/email/confirm/x"
    answers = [act(path) for act in (as_nobody.get, as_nobody.head, as_nobody.post, as_nobody.get, as_nobody.head)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 429, 429]


@pytest.mark.parametrize(("page", "name"), [("/reset", "reset_pwd"), ("/confirm", "request_email")])
def test_a_page_that_sends_an_email_shares_the_limit_of_its_api_route(as_nobody, client, page, name):
    send = {
        "page": lambda: client.post(page, {"email": "a@example.org"}),
        "route": lambda: as_nobody.post(f"/api/auth/{name}", {"email": "a@example.org"}, format="json"),
    }
    answers = [send[which]() for which in ("page", "route", "page", "route")]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert [answer["RateLimit-Limit"] for answer in answers] == ["2"] * 4
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0", "0"]
    assert all(1 <= int(answer["Retry-After"]) <= 60 for answer in answers[2:])
    assert answers[2]["Content-Type"].startswith("text/html") and "Too many requests" in answers[2].text
    assert OutgoingEmail.objects.count() == 2


@pytest.mark.parametrize(("page", "name"), [("/reset", "reset_pwd"), ("/confirm", "request_email")])
def test_only_posts_of_such_a_page_count_on_that_limit(client, limits, page, name):
    limits(**{name: (1, 60)})
    answers = [client.get(page), client.head(page), client.post(page, {"email": "no address"}), client.post(page)]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 429]
    assert client.get(page).status_code == 200
    assert client.get(page)["RateLimit-Limit"] == "30"
    other = {"/reset": "/confirm", "/confirm": "/reset"}[page]
    assert client.post(other, {"email": "a@example.org"}).status_code == 200


def test_a_refused_signup_creates_no_account(as_nobody, limits):
    limits(signup=(1, 60))
    assert [sign_up(as_nobody, email=f"{n}@example.org").status_code for n in range(2)] == [201, 429]
    assert User.objects.count() == 1


@pytest.fixture
def three_failures(limits):
    limits(account_failures=(3, 600))


@pytest.fixture
def guesses(as_nobody, limits):
    """Wrong passwords, each from another address."""
    limits(login=(0, 1))

    def guess(count, email="alice@example.org", password="wrong", start=0):
        form = f"username={email}&password={password}"
        return [
            as_nobody.post("/api/auth/login", form, content_type=FORM, REMOTE_ADDR=f"192.0.2.{start + number}")
            for number in range(count)
        ]

    return guess


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_after_twenty_wrong_passwords_an_account_answers_429_known_or_not(alice, guesses, name):
    emails = [f"{name}@example.org", f"{name.upper()}@example.org"]
    answers = [guesses(1, emails[number % 2], start=number)[0] for number in range(20)]
    assert {answer.status_code for answer in answers} == {401}
    refused = guesses(1, emails[0], start=20)[0]
    assert (refused.status_code, refused.json()) == (429, TOO_MANY)
    assert 590 <= int(refused["Retry-After"]) <= 600


@pytest.mark.usefixtures("three_failures")
def test_after_them_the_right_password_is_refused_and_sessions_stay_live(as_nobody, alice, bob, guesses):
    pair = pair_of(alice)
    guesses(3)
    assert log_in(as_nobody, "alice@example.org").status_code == 429
    assert contacts(as_nobody, pair["access_token"]) == 200
    assert log_in(as_nobody, "bob@example.org").status_code == 200


@pytest.mark.usefixtures("three_failures")
def test_right_passwords_are_not_counted(as_nobody, alice, make_user, guesses):
    make_user("carol", confirmed_at=None)
    guesses(2)
    assert {log_in(as_nobody, "alice@example.org").status_code for _ in range(4)} == {200}
    assert [answer.status_code for answer in guesses(2)] == [401, 429]
    for _ in range(4):
        assert log_in(as_nobody, "carol@example.org").json() == {"detail": "Email not confirmed"}


@pytest.mark.usefixtures("three_failures")
def test_a_right_password_does_not_clear_the_wrong_ones(as_nobody, alice, guesses):
    guesses(2)
    assert log_in(as_nobody, "alice@example.org").status_code == 200
    guesses(1)
    assert log_in(as_nobody, "alice@example.org").status_code == 429


@pytest.mark.usefixtures("three_failures")
def test_a_reset_clears_the_wrong_passwords(as_nobody, alice, guesses):
    guesses(3)
    User.objects.get(pk=alice.pk).set_new_password("battery staple 7")
    assert log_in(as_nobody, "alice@example.org", "battery staple 7").status_code == 200


def test_over_a_limit_no_password_is_hashed(as_nobody, alice, guesses, limits, settings):
    limits(account_failures=(1, 600))
    guesses(1)
    settings.PASSWORD_HASHERS = []  # hashing would fail now
    assert guesses(1)[0].status_code == 429
    limits(account_failures=(20, 600), login=(1, 60))
    assert as_nobody.post("/api/auth/login", "", content_type=FORM).status_code == 422
    assert log_in(as_nobody, "alice@example.org").status_code == 429
