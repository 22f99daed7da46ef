"""The filters of GET /api/contacts/: q, group, favourite, updated_since."""

from urllib.parse import urlencode

import pytest
from django.utils.dateparse import parse_datetime

from conftest import AUTHENTICATION, VERSION
from contacts.models import Contact
from contacts.tests.cast import add, faults, names, pages, settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
URL = "/api/contacts/"


def member(client, fullname, *keywords, **fields):
    return add(client, fullname, card={"keywords": dict.fromkeys(keywords, True)}, **fields)


def listed(client, **query):
    return names(client.get(f"{URL}?{urlencode(query)}"))


@pytest.fixture
def five(as_alice):
    for name, keywords in {
        "Bea": ["Work"],
        "Łukasz": [],
        "Ann": ["Work", "favourite"],
        "李": ["favourite"],
        "ann": [],
    }.items():
        member(as_alice, name, *keywords, email=f"{name.lower()}@x.org" if name.isascii() else None)


def test_each_filter_selects_its_contacts(as_alice, five):
    assert listed(as_alice) == ["Ann", "ann", "Bea", "Łukasz", "李"]
    assert listed(as_alice, group="Work") == ["Ann", "Bea"]
    assert listed(as_alice, favourite="true") == ["Ann", "李"]
    assert listed(as_alice, favourite="false") == ["ann", "Bea", "Łukasz"]
    assert listed(as_alice, q="an") == ["Ann", "ann"]
    assert listed(as_alice, q="luk") == ["Łukasz"]
    assert listed(as_alice, q="@X.org", group="Work", favourite="true") == ["Ann"]
    assert listed(as_alice, group="work") == listed(as_alice, group="nobody's") == []


def test_the_total_counts_the_filtered_contacts(as_alice, five):
    assert as_alice.get(f"{URL}?group=Work&limit=1")["X-Total-Count"] == "2"


def test_updated_since_takes_a_time_with_its_zone(as_alice, five):
    moment = Contact.objects.get(fullname="李").updated_at
    assert listed(as_alice, updated_since=moment.isoformat()) == ["ann", "李"]
    elsewhere = parse_datetime(moment.isoformat().replace("+00:00", "+05:00"))
    assert len(listed(as_alice, updated_since=elsewhere.isoformat())) == 5
    assert listed(as_alice, updated_since="9999-12-31T23:59:59Z") == []


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "query, field",
    [
        ("order=email", "order"),
        ("order=owner__password", "order"),
        ("favourite=maybe", "favourite"),
        ("fields=card,all", "fields"),
        ("updated_since=yesterday", "updated_since"),
        ("updated_since=0001-01-01T00:00:00%2B14:00", "updated_since"),
        ("updated_since=%00", "updated_since"),
        ("group=" + "x" * 256, "group"),
        ("group=%00", "group"),
        ("q=%00", "q"),
        ("q=" + "x" * 321, "q"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=é", "cursor"),
        ("cursor=" + "A" * 4001, "cursor"),
        ("limit=1001", "limit"),
    ],
)
def test_an_invalid_parameter_is_422(as_alice, query, field):
    assert faults(as_alice.get(f"{URL}?{query}")) == [["query", field]]


def test_a_list_takes_one_query_and_a_filtered_list_two(as_alice, five, django_assert_num_queries):
    settle()
    as_alice.get(f"{URL}?limit=1")
    filters = ("group=Work", "favourite=false&fields=card", "q=a")
    for query in ("limit=2", "order=-updated&limit=2", *filters):
        with django_assert_num_queries(AUTHENTICATION + VERSION + (2 if query in filters else 1)):
            as_alice.get(f"{URL}?{query}")


def test_few_and_many_matches_give_the_same_list(as_alice, five, monkeypatch):
    queries = [
        {"q": "ann"},
        {"q": "x.org"},
        {"q": "x.org", "group": "Work"},
        {"group": "Work"},
        {"favourite": "true"},
        {"favourite": "false"},
        {"q": "x", "order": "-updated"},
    ]
    many = [pages(as_alice, f"{URL}?limit=1&{urlencode(query)}") for query in queries]
    for name in ("LARGE_CARD", "FEW"):
        monkeypatch.setattr(f"contacts.search.{name}", 0)
        settle()
        assert [pages(as_alice, f"{URL}?limit=1&{urlencode(query)}") for query in queries] == many
