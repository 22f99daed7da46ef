"""The HTML pages: /, /confirm, /reset and /reset/{token}, and the error pages."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client

from accounts import pages
from accounts.models import OutgoingEmail
from accounts.tokens import ConfirmToken, ResetToken
from contactbook.tests.live import PASSWORD

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
NEW = "a newer staple 7"
BROWSER = {"HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8"}


def reset_path(user):
    return f"/reset/{ResetToken.of(user)}"


def confirm_path(user):
    return f"/api/email/confirm/{ConfirmToken.of(user)}"


def set_password(client, path, first, second=None):
    return client.post(path, {"new_password1": first, "new_password2": second or first})


def test_the_home_page_links_to_everything(client):
    answer = client.get("/")
    assert answer.status_code == 200
    for link in ("/api/docs", "/api/redoc", "/admin/", "/reset", "/confirm"):
        assert f'href="{link}"' in answer.text


@pytest.mark.parametrize("path", ["/", "/confirm", "/reset", "/reset/none", "/nowhere"])
def test_pages_load_nothing_from_other_hosts_and_have_no_inline_code(client, path):
    answer = client.get(path)
    assert re.findall(r'(?:src|href|action)="((?:https?:)?//[^"]*)', answer.text) == []
    assert not re.search(r"<style|<script(?! src)| style=| on\w+=", answer.text)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_the_stylesheet_is_short():
    lines = Path(settings.BASE_DIR / "templates/static/contactbook.css").read_text().splitlines()
    assert len(lines) <= 150


def test_other_methods_are_a_405(client):
    assert client.delete("/").status_code == 405
    assert client.put("/reset").status_code == 405


@pytest.mark.parametrize(("path", "kind"), [("/reset", "reset"), ("/confirm", "confirm")])
def test_asking_for_a_link_answers_alike_for_known_and_unknown_addresses(client, alice, path, kind):
    answers = [client.post(path, {"email": email}) for email in (alice.email, "nobody@example.org")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert list(OutgoingEmail.objects.order_by("id").values_list("kind", "address")) == [
        (kind, alice.email),
        (kind, "nobody@example.org"),
    ]


def test_an_invalid_address_is_reported_beside_the_field(client):
    answer = client.post("/reset", {"email": "no address"})
    assert answer.status_code == 422
    assert "Enter a valid email address." in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert not OutgoingEmail.objects.exists()


def test_the_confirm_page_says_when_it_is_done_and_when_it_was_done_before(client, make_user):
    zoe = make_user("zoe", confirmed_at=None)
    path = confirm_path(zoe)
    assert "Your address is confirmed</h1>" in client.post(path, **BROWSER).text
    assert "Your address is confirmed already</h1>" in client.get(path, **BROWSER).text
    zoe.refresh_from_db()
    assert zoe.confirmed_at


def test_an_invalid_confirm_link_offers_a_form_for_a_new_one(alice):
    browser = Client(enforce_csrf_checks=True)
    answer = browser.get("/api/email/confirm/none", **BROWSER)
    assert answer.status_code == 422
    assert "does not work any more" in answer.text
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', answer.text).group(1)
    sent = browser.post("/confirm", {"email": alice.email, "csrfmiddlewaretoken": token})
    assert sent.status_code == 200
    assert OutgoingEmail.objects.get().kind == "confirm"


def test_the_reset_page_is_marked_up_for_password_managers(client, alice):
    text = client.get(reset_path(alice)).text
    assert text.count('autocomplete="new-password"') == 2
    assert re.search(r'value="alice@example.org" autocomplete="username" readonly', text)


def test_faults_of_a_password_are_shown_beside_the_first_field(client, alice):
    answer = set_password(client, reset_path(alice), "12345")
    assert answer.status_code == 422
    first, second = answer.text.split('for="id_new_password2"')
    assert "too short" in first and "entirely numeric" in first
    assert "errorlist" not in second
    assert re.search(r'aria-describedby="[^"]*id_new_password1_error"', first)


def test_a_mismatch_is_shown_beside_the_second_field(client, alice):
    answer = set_password(client, reset_path(alice), NEW, NEW + "!")
    assert "didn’t match" in answer.text.split('for="id_new_password2"')[1]
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize("path", ["/reset/none", "/reset/%00", "/reset/ü.ü.ü"])
def test_an_invalid_reset_link_leads_to_the_form_for_a_new_one(client, path):
    answer = client.get(path)
    assert answer.status_code == 422
    assert 'href="/reset"' in answer.text


def test_a_browser_gets_a_404_as_a_page(client):
    answer = client.get("/nowhere", **BROWSER)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_a_form_without_csrf_token_is_a_403_page():
    answer = Client(enforce_csrf_checks=True).post("/reset", {"email": "a@example.org"})
    assert answer.status_code == 403
    assert "too old, or came from elsewhere" in answer.text
    assert not OutgoingEmail.objects.exists()


@pytest.mark.parametrize("code", [400, 403, 404, 429, 500])
def test_the_error_page_needs_nothing_but_its_code(code):
    text = render_to_string("error.html", {"code": code, "sentence": "A sentence."})
    assert f"Error {code}" in text and "<h1>" in text and 'href="/"' in text


def test_a_browser_gets_a_429_as_a_page(client, limits):
    limits(pages=(1, 60))
    client.get("/")
    answer = client.get("/")
    assert answer.status_code == 429
    assert "Retry-After" in answer.headers
    assert "Too many requests" in answer.text


def test_the_manual_is_served_once_it_is_built(client, monkeypatch, tmp_path):
    monkeypatch.setattr(pages, "MANUAL", tmp_path / "html")
    assert "scripts/docs" in client.get("/manual/").content.decode()
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("<h1>Start here</h1>")
    (tmp_path / "secret").write_text("secret")
    assert b"".join(client.get("/manual/").streaming_content) == b"<h1>Start here</h1>"
    for path in ("nothing.html", "../secret", "%2e%2e/secret"):
        assert client.get(f"/manual/{path}").status_code in (400, 404)
