"""A file that is imported twice is all `same` the second time, whatever its cards have in common."""

import pytest

from contacts.models import Contact
from contacts.tests.importing import apply, entries, read, vcard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

COUNT = 60  # namesakes: more than are compared with each card for what they hold


@pytest.mark.parametrize(
    "line",
    [
        "BDAY:day {}",
        "BDAY:1985-04-12\r\nX-NUMBER:{}",
        "TEL:+49 221 1234567\r\nNOTE:{}",
        "EMAIL:a@example.org\r\nX-A:{}",
    ],
    ids=["without a date", "with a date", "with one number", "with one address"],
)
def test_namesakes_are_all_the_same(as_alice, line):
    content = "".join(vcard("John Doe", line.format(f"{number:02}")) for number in range(COUNT))
    apply(as_alice, read(as_alice, content)["id"])
    assert Contact.objects.count() == COUNT
    again = apply(as_alice, read(as_alice, content)["id"], "replace")
    assert again["counts"] == {"new": 0, "same": COUNT, "changes": 0, "failed": 0}
    found = entries(as_alice, again["id"])
    assert len({entry["contact_id"] for entry in found}) == COUNT


def test_a_group_that_categories_have_made_meanwhile_gets_its_members(as_alice):
    group = "BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:group\r\nFN:Team\r\nMEMBER:u1\r\nEND:VCARD\r\n"
    content = vcard("Ann", uid="u1") + vcard("Bob", "CATEGORIES:Team") + group
    apply(as_alice, read(as_alice, content)["id"])
    assert [contact["fullname"] for contact in as_alice.get("/api/contacts?group=Team").json()] == ["Ann", "Bob"]
    again = read(as_alice, content)
    assert again["counts"] == {"new": 0, "same": 3, "changes": 0, "failed": 0}
