"""Domains of addresses by IDNA 2008, and the Accept header of the confirmation link."""

import pytest

from accounts.addresses import email_key, is_deliverable, smtp_address


def test_sharp_s_is_not_double_s_in_a_domain():
    assert email_key("e@straße.example") != email_key("e@strasse.example")
    assert smtp_address("e@straße.example") == "e@xn--strae-oqa.example"
    assert smtp_address("e@faß.de") == "e@xn--fa-hia.de"


def test_a_domain_is_one_in_every_case_and_form():
    assert email_key("A@EXAMPLE.org") == email_key("a@example.ORG")
    assert email_key("a@xn--strae-oqa.example") == email_key("a@Straße.example")


@pytest.mark.parametrize("address", ["a@localhost", "a@[127.0.0.1]", "a@[IPv6:::1]", "a@b", "a@ex_ample.org"])
def test_an_address_without_a_public_domain_is_not_deliverable(address):
    assert not is_deliverable(address)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/html;charset=utf-8, */*", "text/html"),
        ("text/html;level=1", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("text/*", "text/html"),
    ],
)
def test_accept_decides_between_page_and_json_whatever_its_parameters(client, accept, media_type):
    answer = client.get("/api/email/confirm/x", headers={"accept": accept})
    assert answer.status_code == 422 and answer["Content-Type"].startswith(media_type)
