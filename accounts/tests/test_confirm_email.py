"""GET, HEAD and POST /api/email/confirm/{email_token}"""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from accounts.tests.cast import BROWSER, faults
from accounts.tokens import ConfirmToken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]


@pytest.fixture
def carol(make_user):
    return make_user("carol", confirmed_at=None)


@pytest.fixture
def url(carol):
    return f"/api/email/confirm/{ConfirmToken.of(carol)}"


def is_confirmed(user):
    return User.objects.get(pk=user.pk).confirmed_at is not None


def test_the_link_confirms_once_and_then_says_so(as_nobody, carol, url):
    first, second = as_nobody.get(url), as_nobody.get(url + "/")
    assert (first.status_code, first.json()) == (200, "Email confirmed")
    assert (second.status_code, second.json()) == (200, "Your email is already confirmed")
    assert first["Cache-Control"] == "no-store"
    assert is_confirmed(carol)


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        "application/json, text/html",
        "text/html;q=0.5, application/json",
        "text/html;q=0.1, */*",
        "image/png",
        "text",
        ";,;q=x",
    ],
)
def test_a_program_gets_json(as_nobody, carol, url, accept):
    answer = as_nobody.get(url, **({} if accept is None else {"HTTP_ACCEPT": accept}))
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == "Email confirmed"
    assert is_confirmed(carol)


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "accept",
    [
        BROWSER,
        "text/html",
        "text/*",
        "text/html;level=1",
        "text/html;charset=utf-8, */*",
        "text/html, application/json;q=0.9",
        "application/json;q=0.5, text/*",
    ],
)
def test_a_browser_gets_a_page_whose_button_confirms(as_nobody, carol, url, accept):
    for _ in range(3):
        page = as_nobody.get(url, HTTP_ACCEPT=accept)
        assert page.status_code == 200
        assert page["Content-Type"] == "text/html; charset=utf-8"
        assert page.content.count(b"<button") == 1
        assert not is_confirmed(carol)
    pressed = as_nobody.post(url, "", content_type="application/x-www-form-urlencoded", HTTP_ACCEPT=accept)
    assert pressed.status_code == 200
    assert pressed["Content-Type"] == "text/html; charset=utf-8"
    assert is_confirmed(carol)
    assert b"<form" not in as_nobody.get(url, HTTP_ACCEPT=accept).content


def test_a_program_that_posts_gets_json(as_nobody, carol, url):
    assert as_nobody.post(url).json() == "Email confirmed"
    assert is_confirmed(carol)


@pytest.mark.parametrize("accept", ["*/*", BROWSER])
def test_head_confirms_nothing(as_nobody, carol, url, accept):
    answer = as_nobody.head(url, HTTP_ACCEPT=accept)
    assert (answer.status_code, answer.content) == (200, b"")
    assert not is_confirmed(carol)
    assert as_nobody.head("/api/email/confirm/x").status_code == 422


def test_a_link_lives_seven_days(as_nobody, carol, url):
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=-5)):
        assert as_nobody.head(url).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=5)):
        assert faults(as_nobody.get(url)) == [["path", "email_token"]]
    assert not is_confirmed(carol)


def test_an_invalid_token_is_a_422(as_nobody):
    answer = as_nobody.get("/api/email/confirm/x.y.z")
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": [
            {
                "loc": ["path", "email_token"],
                "msg": "The link is not valid, or no longer.",
                "type": "value_error",
            }
        ]
    }
    assert faults(as_nobody.post("/api/email/confirm/x.y.z")) == [["path", "email_token"]]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_browser_gets_a_page_for_an_invalid_link_too(as_nobody, method):
    page = getattr(as_nobody, method)("/api/email/confirm/x", HTTP_ACCEPT=BROWSER)
    assert page.status_code == 422
    assert page["Content-Type"] == "text/html; charset=utf-8"


def change_address(user):
    user.email = "other@example.org"
    user.save()


CHANGES = {
    "deleted": lambda user: user.delete(),
    "deactivated": lambda user: User.objects.filter(pk=user.pk).set_active(False),
    "another address": change_address,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_link_is_invalid_after_a_change_of_the_account(as_nobody, carol, url, change):
    key = carol.pk
    change(carol)
    assert faults(as_nobody.get(url)) == [["path", "email_token"]]
    assert not User.objects.filter(pk=key, confirmed_at__isnull=False).exists()


def test_a_changed_password_leaves_the_link_valid(as_nobody, carol, url):
    carol.set_password("another one 7")
    carol.save()
    assert as_nobody.get(url).json() == "Email confirmed"


def test_a_bearer_token_is_ignored(as_nobody, url):
    assert as_nobody.get(url, HTTP_AUTHORIZATION="Bearer nonsense").json() == "Email confirmed"


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_a_405(as_nobody, url, method):
    answer = getattr(as_nobody, method)(url)
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
