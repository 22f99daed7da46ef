"""Passwords are compared in NFC (RFC 8265 §4.2): composed and decomposed letters are the same password"""

import unicodedata

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.cast import bearer, faults, log_in, pair_of, sign_up
from accounts.tokens import ResetToken
from conftest import client_of

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
NFC, NFD = (unicodedata.normalize(form, "Crème brûlée йод 9") for form in ("NFC", "NFD"))
EITHER_FORM = pytest.mark.parametrize(("stored", "typed"), [(NFC, NFD), (NFD, NFC)], ids=["NFC-NFD", "NFD-NFC"])


@pytest.fixture
def user(make_user):
    """Makes a confirmed account with that password."""

    def make(password, **fields):
        user = make_user("zoe", **fields)
        user.set_password(password)
        user.save()
        return user

    return make


def changed_on_the_reset_page(user, password):
    form = {"new_password1": password, "new_password2": password}
    assert Client().post(f"/reset/{ResetToken.of(user)}", form).status_code == 200


def changed_by_the_owner(user, password):
    body = {"old": NFC, "new": password}
    answer = client_of(None).post("/api/me/password", body, format="json", **bearer(pair_of(user)["access_token"]))
    assert answer.status_code == 200


@EITHER_FORM
def test_after_a_signup_a_login_accepts_either_form(as_nobody, stored, typed):
    assert sign_up(as_nobody, password=stored).status_code == 201
    User.objects.get().confirm()
    assert [log_in(as_nobody, "zed@example.org", form).status_code for form in (stored, typed)] == [200, 200]


@EITHER_FORM
@pytest.mark.parametrize("change", [changed_on_the_reset_page, changed_by_the_owner])
def test_after_a_change_a_login_accepts_either_form(as_nobody, user, change, stored, typed):
    zoe = user(NFC)
    new_stored, new_typed = f"{stored} new", f"{typed} new"
    change(zoe, new_stored)
    statuses = [log_in(as_nobody, zoe.email, form).status_code for form in (new_stored, new_typed, typed)]
    assert statuses == [200, 200, 401]


@EITHER_FORM
def test_the_old_password_of_a_change_is_accepted_in_either_form(user, stored, typed):
    answer = client_of(user(stored)).post("/api/me/password", {"old": typed, "new": "battery staple 7"}, format="json")
    assert answer.status_code == 200


@EITHER_FORM
def test_an_account_is_closed_with_either_form(user, stored, typed):
    assert client_of(user(stored)).delete("/api/me", {"password": typed}, format="json").status_code == 200


@EITHER_FORM
def test_staff_log_in_to_the_admin_with_either_form(user, stored, typed):
    zoe = user(stored, is_staff=True)
    answer = Client().post("/admin/login/?next=/admin/", {"username": zoe.email, "password": typed})
    assert answer.status_code == 302


def test_letters_that_only_look_alike_are_another_password(as_nobody, user):
    """NFC, unlike NFKC, leaves compatibility characters as they are."""
    zoe = user("ﬁne words 99")
    assert [log_in(as_nobody, zoe.email, word).status_code for word in ("fine words 99", "ﬁne words 99")] == [401, 200]


SHORT = unicodedata.normalize("NFD", "éàüïô")  # five letters of two code points each


def test_a_password_is_as_long_as_its_composed_form(as_nobody, user):
    assert len(SHORT) == 10
    assert faults(sign_up(as_nobody, password=SHORT)) == [["body", "password"]]
    zoe = user(NFC)
    body = {"old": NFC, "new": SHORT}
    assert faults(client_of(zoe).post("/api/me/password", body, format="json")) == [["body", "new"]]
    form = {"new_password1": SHORT, "new_password2": SHORT}
    assert as_nobody.post(f"/reset/{ResetToken.of(zoe)}", form, format="multipart").status_code == 422


def test_the_two_fields_of_the_reset_page_may_differ_in_form(as_nobody, user):
    form = {"new_password1": f"{NFC} new", "new_password2": f"{NFD} new"}
    assert as_nobody.post(f"/reset/{ResetToken.of(user(NFC))}", form, format="multipart").status_code == 200
