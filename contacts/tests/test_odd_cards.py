"""Cards with values of unexpected types, which a client may set, in everything that reads cards."""

import pytest

from contacts.tests.cast import add, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

DATE = {"@type": "PartialDate", "year": 2001, "month": 2, "day": 3}
ODD = [[], {}, ["x"], {"a": [1]}, 1.5, True, "x"]
PLACES = {
    "kind of an anniversary": lambda odd: {"anniversaries": {"a1": {"kind": odd, "date": DATE}}},
    "organization of a title": lambda odd: {"titles": {"t1": {"name": "Count", "organizationId": odd}}},
    "components of the name": lambda odd: {"name": {"full": "Ada", "components": odd}},
    "localizations": lambda odd: {"localizations": odd},
    "localizations of a language": lambda odd: {"localizations": {"de": odd}},
    "contexts": lambda odd: {"emails": {"e1": {"address": "a@x.org", "contexts": odd, "label": odd}}},
    "vCardProps": lambda odd: {"vCardProps": odd},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_card_with_an_odd_value_can_be_read_everywhere_changed_and_merged(as_alice, client, place):
    feed = as_alice.post("/api/me/feeds", {"name": "All", "anniversaries": True}, format="json").json()["url"]
    others = {"organizations": {"o1": {"name": "Engines"}}, "titles": {"t2": {"name": "Lady"}}}
    contacts = [add(as_alice, "Ada", card=PLACES[place](odd)) for odd in ODD]
    contacts.append(add(as_alice, "Ada", card={**others, "anniversaries": {"a9": {"kind": "birth", "date": DATE}}}))
    for contact in contacts:
        assert as_alice.patch(path(contact), {"fullname": "Ada L."}, format="json").status_code == 200
        assert as_alice.get(f"{path(contact)}/history").status_code == 200
    assert client.get(feed.removeprefix("http://127.0.0.1:8000")).status_code == 200
    for name in ("vcard4", "vcard3", "jscontact", "csv", "csv-google", "csv-outlook"):
        assert b"".join(as_alice.get(f"/api/contacts/export?format={name}").streaming_content).count(b"Ada L.") >= 8
    for ids in ([each["id"] for each in contacts], [each["id"] for each in reversed(contacts)]):
        answer = as_alice.post("/api/contacts/merge", {"ids": ids}, format="json")
        assert answer.status_code == 200, answer.content
        assert as_alice.post("/api/undo", {"change": answer.json()["change"]}, format="json").status_code == 200
