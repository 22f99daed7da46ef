"""The text and HTML of each kind of e-mail"""

import re
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.mail.delivery import deliver
from accounts.models import OutgoingEmail
from contacts.models import Book

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
KINDS = list(OutgoingEmail.Kind)
EVIL = "Zed <b>http://evil.example/</b> & 'friends'"


@pytest.fixture
def mail(request, mailbox, make_user):
    """An e-mail of the parameter's kind, as the mail server received it."""
    user = make_user("zed", confirmed_at=None)
    user.username = EVIL
    user.closed_at = timezone.now() if request.param == OutgoingEmail.Kind.ACCOUNT_CLOSED else None
    user.save()
    if request.param == OutgoingEmail.Kind.REMINDER:
        give_birthday(user)
    OutgoingEmail.objects.queue(request.param, "zed@example.org")
    assert deliver() == 1
    return mailbox.messages[0]


def give_birthday(user):
    """Turn reminders on for a confirmed account that has a contact with a birthday today."""
    user.confirmed_at = timezone.now()
    user.save()
    user.change({"reminders": "daily"})
    today = {"month": timezone.now().month, "day": timezone.now().day}
    with Book.objects.writing(user.pk, "test") as book:
        book.create({"name": {"full": "Ann"}, "anniversaries": {"b": {"kind": "birth", "date": today}}})


def text_of(mail):
    return mail.get_body(("plain",)).get_content()


def html_of(mail):
    return mail.get_body(("html",)).get_content()


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.remote = [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "a":
            self.found.append(attributes["href"])
        self.remote += [tag] if tag in ("img", "link", "script", "iframe") or "src" in attributes else []


each_kind = pytest.mark.parametrize("mail", KINDS, indirect=True)


@each_kind
def test_each_has_recipient_headers_and_two_parts(mail):
    assert mail["To"] == "zed@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f-]{36}@\S+>", mail["Message-ID"])
    assert mail.get_content_type() == "multipart/alternative"


@each_kind
def test_the_link_has_its_own_line_in_the_text(mail):
    links = [line for line in text_of(mail).splitlines() if line.startswith("http")]
    assert links[0].startswith(f"{settings.PUBLIC_URL}/")
    assert links[1:] == [settings.PUBLIC_URL]


# A reminder asks for nothing: its one link turns reminders off.
@pytest.mark.parametrize("mail", [kind for kind in KINDS if kind != OutgoingEmail.Kind.REMINDER], indirect=True)
def test_button_and_plain_link_lead_to_the_same_place(mail):
    links = Links()
    links.feed(html_of(mail))
    assert links.found[0] == links.found[1] in text_of(mail)
    assert links.found[2:] == [settings.PUBLIC_URL]


@each_kind
def test_nothing_is_fetched_to_show_it(mail):
    links = Links()
    links.feed(html_of(mail))
    assert links.remote == []
    assert "url(" not in html_of(mail)


@each_kind
def test_the_html_has_a_dark_colour_scheme(mail):
    assert '<meta name="color-scheme" content="light dark">' in html_of(mail)
    assert "prefers-color-scheme: dark" in html_of(mail)


@each_kind
def test_both_parts_say_who_sent_it_and_why(mail):
    for part in (text_of(mail), html_of(mail)):
        assert "You get this because" in part
        assert "Sent to zed@example.org by the contact book at" in part


@each_kind
def test_the_name_of_the_account_is_left_out(mail):
    for part in (text_of(mail), html_of(mail)):
        assert "evil.example" not in part


@each_kind
def test_the_text_is_short_and_unescaped(mail):
    text = text_of(mail)
    assert len(text) < 1200
    assert max(len(line) for line in text.splitlines() if not line.startswith("http")) <= 80
    assert "\n\n\n\n" not in text and "&#" not in text
