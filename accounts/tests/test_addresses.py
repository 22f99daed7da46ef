"""When two spellings are one address"""

import pytest
from django.core.exceptions import ValidationError
from django.core.mail.message import sanitize_address

from accounts.addresses import email_key, is_deliverable, is_plain, smtp_address
from accounts.models import User


@pytest.mark.one_stack
def test_a_key_folds_case_and_leaves_diacritics():
    assert email_key("Zoë@EXAMPLE.org") == "zoë@example.org"


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a@x.org", " A@X.ORG\n"),
        ("ß@x.org", "SS@x.org"),
        ("a@bücher.example", "A@XN--BCHER-KVA.example"),
        ("a@xn--strae-oqa.example", "a@Straße.example"),
        ("ﬁ@x.org", "fi@x.org"),
        ("Å@x.org", "å@x.org"),
        ("σς@x.org", "ΣΣ@x.org"),
        ("a@x。org", "a@x.org"),
    ],
)
def test_spellings_of_one_address_share_a_key(one, other):
    assert email_key(one) == email_key(other)


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("one", "other"), [("mike@x.org", "mıke@x.org"), ("a.b@x.org", "ab@x.org"), ("a+b@x.org", "a@x.org")]
)
def test_different_addresses_have_different_keys(one, other):
    assert email_key(one) != email_key(other)


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "text",
    ["", "@", "x", "a@b@c", "a@..", "a@" + "x" * 70, "a@" + "ü" * 70, "\0@\ud800", "a@.x", "ǰ\u0345@x"],
)
def test_the_key_of_a_key_is_the_key(text):
    assert email_key(email_key(text)) == email_key(text)


@pytest.mark.one_stack
def test_an_address_with_too_long_a_key_is_not_deliverable():
    grown = "a@" + ".".join(["漢字"] * 80) + ".org"
    assert len(grown) <= 254
    assert not is_deliverable(grown)
    assert not is_deliverable('"\x01"@x.org')
    assert is_deliverable("a@bücher.example")


@pytest.mark.one_stack
def test_sharp_s_is_not_double_s_in_a_domain():
    """IDNA 2008; Python's codec is IDNA 2003."""
    assert email_key("e@straße.example") != email_key("e@strasse.example")
    assert smtp_address("e@straße.example") == "e@xn--strae-oqa.example"
    assert smtp_address("e@faß.de") == "e@xn--fa-hia.de"


SPELLINGS = [
    '"a"@x.org',
    '"\\a"@x.org',
    '"a@y.org"@x.org',
    "=?utf-8?q?a?=@x.org",
    "=?utf-8?b?YQ==?=@x.org",
    "=?utf-8?q?a=40y.org?=@x.org",
    "=?utf-8?q?=0d=0aBcc=3ac=40y.org?=@x.org",
    "\u017fam@x.org",
    "\u212aim@x.org",
    "m\u0131ke@x.org",
    "\u0130@x.org",
]


@pytest.mark.one_stack
@pytest.mark.parametrize("address", SPELLINGS)
def test_another_spelling_of_a_mailbox_is_not_plain(address):
    assert not is_plain(address)


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "mailbox", ["a", "a.b", "o'b", "a+b", "a=b", "a?b=c", "{a}", "%s", "a/b", "-a", "a`|*#!$&^_~b"]
)
def test_mail_to_a_plain_mailbox_goes_to_it(mailbox):
    address = f"{mailbox}@x.org"
    assert is_plain(address) and sanitize_address(address, "utf-8") == address


@pytest.mark.one_stack
@pytest.mark.parametrize("address", ["a@localhost", "a@[127.0.0.1]", "a@[IPv6:::1]", "a@b", "a@ex_ample.org"])
def test_an_address_without_a_public_domain_is_not_deliverable(address):
    assert not is_deliverable(address)


@pytest.mark.django_db
def test_the_admins_forms_refuse_an_address_that_is_taken(alice):
    user = User(username="x", email="ALICE@example.org", password="x")
    with pytest.raises(ValidationError) as caught:
        user.full_clean()
    assert caught.value.message_dict == {"email": ["Another account has this address."]}
    alice.full_clean()


@pytest.mark.django_db
def test_a_changed_address_changes_its_key(alice):
    alice.email = "Other@example.org"
    alice.save(update_fields=["email"])
    assert User.objects.by_address("other@EXAMPLE.org") == alice
    assert User.objects.by_address("alice@example.org") is None
