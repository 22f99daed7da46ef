"""The reset page of an account that somebody else made with the owner's address."""

import pytest

from accounts.models import OutgoingEmail, Session, User
from accounts.tokens import ResetToken
from contacts.models import Book, Contact

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
NEW = "another password 7"


def reset(client, user, **fields):
    return client.post(f"/reset/{ResetToken.of(user)}", {"new_password1": NEW, "new_password2": NEW, **fields})


def test_an_unconfirmed_account_loses_the_name_that_a_stranger_chose(client, make_user):
    victim = make_user("victim", username="Rude words", confirmed_at=None)
    assert reset(client, victim).status_code == 200
    victim.refresh_from_db()
    assert victim.username == "victim" and victim.confirmed_at and victim.check_password(NEW)


def test_a_confirmed_account_keeps_its_name_and_contents(client, alice):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create({"name": {"full": "Zoë"}})
    reset(client, alice)
    alice.refresh_from_db()
    assert alice.username == "Alice" and Contact.objects.for_user(alice.pk).exists()


def test_the_owner_may_delete_what_a_stranger_left(client, alice):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create({"name": {"full": "A stranger's contact"}})
    Session.objects.begin(alice)
    assert reset(client, alice, not_mine="on").status_code == 200
    user = User.objects.get(email_key=alice.email_key)
    assert user.pk != alice.pk and user.username == "alice" and user.confirmed_at and user.check_password(NEW)
    assert not (Contact.objects.exists() or Book.objects.exists() or Session.objects.exists())
    assert OutgoingEmail.objects.get().kind == "password_changed"


def test_the_box_is_not_ticked_and_not_there_for_staff(client, alice, staff):
    page = client.get(f"/reset/{ResetToken.of(alice)}").text
    assert "I did not make this account" in page and "checked" not in page
    assert "I did not make this account" not in client.get(f"/reset/{ResetToken.of(staff)}").text
    reset(client, staff, not_mine="on")
    assert User.objects.filter(pk=staff.pk).exists()
