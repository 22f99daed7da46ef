"""What the contract says and no other test holds."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_document_and_its_browsers_are_served(client, slash):
    document = client.get(f"/api/schema{slash}")
    assert document.status_code == 200
    assert document.json()["openapi"].startswith("3.1")
    for browser in ("docs", "redoc"):
        page = client.get(f"/api/{browser}{slash}")
        assert page.status_code == 200 and page["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_probes_answer(client, slash):
    assert client.get(f"/healthz{slash}").json() == {"status": "up"}
    ready = client.get(f"/readyz{slash}")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "database": "up", "cache": "up"}


@pytest.mark.parametrize("name", ["healthz", "readyz"])
def test_the_probes_are_not_sent_to_https(client, settings, name):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(f"/{name}").status_code == 200


def test_mail_goes_where_the_environment_says(settings_of):
    smtp = {"EMAIL_URL": "smtp+tls://user:p%40ss@mail.example.org"}
    values = settings_of(**smtp)
    assert (values["EMAIL_HOST"], values["EMAIL_PORT"]) == ("mail.example.org", 587)
    assert (values["EMAIL_HOST_USER"], values["EMAIL_HOST_PASSWORD"]) == ("user", "p@ss")
    assert (values["EMAIL_USE_TLS"], values["EMAIL_USE_SSL"]) == (True, False)
    anymail = {"ANYMAIL_MAILGUN_API_KEY": "key"}
    values = settings_of(**anymail)
    assert values["EMAIL_BACKEND"] == "anymail.backends.mailgun.EmailBackend"
    assert values["ANYMAIL"] == {"MAILGUN_API_KEY": "key"}
    assert settings_of(**anymail, **smtp)["EMAIL_BACKEND"] == "accounts.mail.backends.SMTPBackend"
