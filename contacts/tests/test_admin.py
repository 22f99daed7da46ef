"""/admin/contacts/contact/"""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from contacts.admin import ContactAdmin
from contacts.cards import jscontact
from contacts.models import Book, Change, Contact
from contacts.serializers.contacts import FLAT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/admin/contacts/contact/"


@pytest.fixture
def as_staff(staff):
    client = Client()
    client.force_login(staff)
    return client


def make(user, *names, **flat):
    with Book.objects.writing(user.pk, "test") as book:
        made = [book.create(jscontact.with_flat({}, {"fullname": name, **flat})) for name in names]
    return made[0]


def form_of(contact, **fields):
    return {**{name: getattr(contact, name) or "" for name in FLAT}, **fields}


def save(client, contact, **fields):
    return client.post(f"{URL}{contact.pk}/change/", form_of(contact, **fields))


def test_a_save_writes_the_contact_and_is_logged(as_staff, alice):
    contact = make(alice, "Łukasz Żółkiewski")
    assert save(as_staff, contact, phone="+48 22 555 01 03", birthday="1978-11-12").status_code == 302
    written = Contact.objects.get()
    assert (written.phone, str(written.birthday), written.month_day) == (
        "+48 22 555 01 03",
        "1978-11-12",
        1112,
    )
    assert written.revision > contact.revision
    assert Change.objects.order_by("-number").first().via == "admin"
    assert "Phone" in LogEntry.objects.get().change_message


def test_a_change_is_seen_by_the_owners_next_read(as_staff, as_alice, alice):
    contact = make(alice, "Zoë")
    assert as_alice.get("/api/contacts").json()[0]["fullname"] == "Zoë"
    save(as_staff, contact, fullname="Zoë Ångström")
    assert as_alice.get("/api/contacts").json()[0]["fullname"] == "Zoë Ångström"


def test_a_save_that_changes_nothing_leaves_no_trace(as_staff, alice):
    contact = make(alice, " Zoë ", additional="two\nlines ", phone=" 1")
    save(as_staff, contact, additional="two\r\nlines ")
    assert Contact.objects.get().revision == contact.revision


def test_what_the_form_does_not_show_stays(as_staff, alice):
    contact = make(alice, "Zoë")
    with Book.objects.writing(alice.pk, "test") as book:
        book.put_card(book.get(contact.pk), {**contact.card, "keywords": {"friends": True}})
    save(as_staff, contact, email="zoe@example.com", uid="mine", user=99)
    written = Contact.objects.get()
    assert written.card["keywords"] == {"friends": True}
    assert (written.email, written.uid, written.user_id) == ("zoe@example.com", contact.uid, alice.pk)


@pytest.mark.parametrize("fields", [{"fullname": ""}, {"avatar": "javascript:alert(1)"}, {"birthday": "31.02."}])
def test_the_form_has_the_rules_of_the_api(as_staff, alice, fields):
    contact = make(alice, "Zoë")
    answer = save(as_staff, contact, **fields)
    assert answer.status_code == 200
    assert "errorlist" in answer.text
    assert Contact.objects.get().revision == contact.revision


def test_staff_add_a_contact_to_an_owners_book(as_staff, alice):
    answer = as_staff.post(URL + "add/", {"user": alice.pk, "fullname": "Iván", "email": "", "additional": ""})
    assert answer.status_code == 302
    contact = Contact.objects.get()
    assert (contact.user, contact.fullname, contact.email) == (alice, "Iván", None)


def test_deleting_goes_to_the_owners_trash(as_staff, alice, bob):
    zoe, ivan, dana = (make(owner, name) for owner, name in ((alice, "Zoë"), (bob, "Іван"), (alice, "Dana")))
    assert as_staff.post(f"{URL}{zoe.pk}/delete/", {"post": "yes"}).status_code == 302
    selected = {"action": "delete_selected", "_selected_action": [ivan.pk, dana.pk], "post": "yes"}
    assert as_staff.post(URL, selected).status_code == 302
    assert Contact.objects.filter(deleted_at=None).count() == 0
    assert Contact.objects.count() == 3
    assert LogEntry.objects.count() == 3


def test_a_contact_in_the_trash_is_read_only(as_staff, alice):
    contact = make(alice, "Zoë")
    with Book.objects.writing(alice.pk, "test") as book:
        gone = book.delete(book.get(contact.pk))
    assert as_staff.get(f"{URL}{gone.pk}/change/").status_code == 200
    assert save(as_staff, gone, fullname="Changed").status_code == 302
    assert Contact.objects.get().fullname == "Zoë"
    assert as_staff.post(f"{URL}{gone.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "Zoë" in as_staff.get(URL + "?trash=yes").text
    assert "Zoë" not in as_staff.get(URL + "?trash=no").text


@pytest.mark.parametrize("query", ["lukasz", "ŁUKASZ", "zolkiewski", "lu@exa"])
def test_the_search_is_that_of_the_api(as_staff, alice, bob, query):
    make(alice, "Łukasz Żółkiewski", email="LU@example.org")
    make(bob, "Another contact")
    text = as_staff.get(URL, {"q": query}).text
    assert "Łukasz" in text and "Another" not in text


@pytest.mark.parametrize("query", ["ALICE@example.org", "{pk}"])
def test_contacts_are_filtered_by_owner(as_staff, alice, bob, query):
    make(alice, "Zoë")
    make(bob, "Another contact")
    text = as_staff.get(URL, {"owner": query.format(pk=alice.pk), "trash": "no"}).text
    assert "Zoë" in text and "Another" not in text
    assert '<input type="hidden" name="trash" value="no">' in text


@pytest.mark.parametrize("query", ["9" * 40, "nobody@example.org", "\x00", "'"])
def test_an_unknown_owner_has_no_contacts(as_staff, alice, query):
    make(alice, "Zoë")
    assert "Zoë" not in as_staff.get(URL, {"owner": query}).text.replace("contact", "")


def test_the_list_is_bounded(as_staff, alice, bob, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(ContactAdmin, "list_per_page", 30)
    make(alice, *(f"A{number}" for number in range(20)))
    make(bob, *(f"B{number}" for number in range(20)))
    with django_assert_max_num_queries(8) as queries:
        assert as_staff.get(URL).text.count("action-select") == 30
    # Nothing is counted without a bound, and no card is read for a list.
    for each in queries.captured_queries:
        assert "contacts_contact" not in each["sql"] or "LIMIT" in each["sql"]
        assert '"card"' not in each["sql"]


def test_an_owner_is_chosen_by_typing(as_staff, alice, bob):
    query = {"app_label": "contacts", "model_name": "contact", "field_name": "user", "term": "alic"}
    assert [each["text"] for each in as_staff.get("/admin/autocomplete/", query).json()["results"]] == [alice.email]


def test_the_form_lists_no_users(as_staff, make_user):
    for number in range(5):
        make_user(f"u{number}")
    assert "u3@example.org" not in as_staff.get(URL + "add/").text


def test_staff_read_the_history_of_a_contact_and_that_is_logged(as_staff, alice):
    contact = make(alice, "Ann")
    save(as_staff, contact, fullname="Anna")
    page = as_staff.get(f"{URL}{contact.pk}/history/").content.decode()
    assert "<strong>fullname</strong>: Ann → Anna" in page
    assert LogEntry.objects.order_by("-id").first().get_change_message() == "Looked at the history."
    assert Change.objects.count() == 2


def test_reading_a_contact_in_the_trash_is_logged(as_staff, alice):
    contact = make(alice, "Ann")
    assert not LogEntry.objects.exists()
    as_staff.get(f"{URL}{contact.pk}/change/")
    assert not LogEntry.objects.exists()
    with Book.objects.writing(alice.pk, "test") as book:
        book.delete(book.get(contact.pk))
    assert as_staff.get(f"{URL}{contact.pk}/change/").status_code == 200
    assert LogEntry.objects.get().get_change_message() == "Looked at it in the trash."


def test_staff_see_the_duplicates_of_one_account_and_change_nothing(as_staff, alice, bob):
    make(alice, "Ada Lovelace", "Lovelace, Ada", email="ada@example.org")
    make(bob, "Bob Miller", "Bob Miller")
    page = as_staff.get(f"{URL}duplicates/{alice.pk}/").content.decode()
    assert "Lovelace, Ada" in page and "email: ada@example.org" in page and "Bob Miller" not in page
    assert "Looked at the duplicates" in LogEntry.objects.get().get_change_message()
    assert "<form" not in page.partition('<div id="content"')[2]
    assert as_staff.get(f"{URL}duplicates/999999/").status_code == 404


def test_staff_without_the_right_see_no_duplicates(make_user, alice):
    client = Client()
    client.force_login(make_user("helper", is_staff=True))
    assert client.get(f"{URL}duplicates/{alice.pk}/").status_code == 403
