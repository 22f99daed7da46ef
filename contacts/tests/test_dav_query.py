"""The reports addressbook-query, with truth tables of its filters, and addressbook-multiget"""

import base64

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Book
from contacts.tests.cast import add
from contacts.tests.dav import NAMESPACES, C, D, Dav, precondition, responses, vcard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

CARDS = {
    "ann": vcard("Ann Ärger", "ann", "EMAIL;TYPE=WORK:ann@x.org\r\nEMAIL;TYPE=HOME:ann@home.net\r\nNICKNAME:Annie\r\n"),
    "bob": vcard("Bob Straße", "bob", "EMAIL:bob@x.org\r\nitem1.TEL;TYPE=CELL:+49 221 123\r\nitem1.X-ABLabel:Boat\r\n"),
    "cleo": vcard("Cleo", "cleo", "NOTE:likes x.org\\, and commas\r\nORG:Engines;Steam\r\nX-ODD;X-P=1:yes\r\n"),
}


@pytest.fixture
def phone(alice):
    phone = Dav(alice)
    for name, card in CARDS.items():
        assert phone.put(f"{name}.vcf", card).status_code == 201
    return phone


def found(phone, answer):
    return " ".join(sorted(phone.name(href).removesuffix(".vcf") for href in responses(answer)))


def prop(name, inside="", test="anyof"):
    return f'<C:prop-filter name="{name}" test="{test}">{inside}</C:prop-filter>'


def text(wanted, **attributes):
    named = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f"<C:text-match {named}>{wanted}</C:text-match>"


def param(name, inside=""):
    return f'<C:param-filter name="{name}">{inside}</C:param-filter>'


NOT = "<C:is-not-defined/>"
ALL = "ann bob cleo"
TRUTH = [
    # a property is there or not (§10.5.1)
    (prop("EMAIL"), "ann bob"),
    (prop("email"), "ann bob"),
    (prop("EMAIL", NOT), "cleo"),
    (prop("UID"), ALL),
    (prop("VERSION"), ALL),
    (prop("NOWHERE"), ""),
    (prop("NOWHERE", NOT), ALL),
    (prop("item1.TEL"), "bob"),
    (prop("item2.TEL"), ""),
    (prop("TEL"), "bob"),
    # text (§10.5.4)
    (prop("FN", text("ann")), "ann"),
    (prop("FN", text("")), ALL),
    (prop("FN", text("cleo", match_type="equals")), "cleo"),
    (prop("FN", text("cle", match_type="equals")), ""),
    (prop("FN", text("bob", match_type="starts-with")), "bob"),
    (prop("FN", text("straße", match_type="starts-with")), ""),
    (prop("FN", text("ße", match_type="ends-with")), "bob"),
    (prop("FN", text("STRASSE")), "bob"),
    (prop("FN", text("ärger")), "ann"),
    (prop("FN", text("ÄRGER")), "ann"),
    (prop("FN", text("arger")), ""),
    (prop("FN", text("ärger", collation="i;ascii-casemap")), ""),
    (prop("FN", text("Ärger", collation="i;ascii-casemap")), "ann"),
    (prop("FN", text("ÄRGER", collation="i;unicode-casemap")), "ann"),
    (prop("FN", text("ANN", collation="i;ascii-casemap")), "ann"),
    (prop("FN", text("ann", collation="default")), "ann"),
    (prop("FN", text("ann", negate_condition="yes")), "bob cleo"),
    (prop("FN", text("ann", negate_condition="no")), "ann"),
    (prop("NOWHERE", text("ann", negate_condition="yes")), ""),
    (prop("NOTE", text("x.org, and")), "cleo"),
    (prop("ORG", text("Engines;Steam", match_type="equals")), "cleo"),
    (prop("UID", text("bob", match_type="equals")), "bob"),
    (prop("X-ODD", text("yes")), "cleo"),
    (prop("NICKNAME", text("annie")), "ann"),
    # one property must pass, not all (any instance)
    (prop("EMAIL", text("home.net")), "ann"),
    (prop("EMAIL", text("x.org", negate_condition="yes")), "ann"),
    (prop("EMAIL", text("x.org") + text("home.net")), "ann bob"),
    (prop("EMAIL", text("x.org") + text("home.net"), "allof"), ""),
    (prop("EMAIL", text("ann") + text("home.net"), "allof"), "ann"),
    # parameters (§10.5.2)
    (prop("EMAIL", param("TYPE", text("home"))), "ann"),
    (prop("EMAIL", param("type", text("HOME"))), "ann"),
    (prop("TEL", param("TYPE", text("cell"))), "bob"),
    (prop("TEL", param("X-NOWHERE")), ""),
    (prop("TEL", param("X-NOWHERE", NOT)), "bob"),
    (prop("TEL", param("TYPE", NOT)), ""),
    (prop("X-ODD", param("X-P")), "cleo"),
    (prop("X-ODD", param("X-P", text("1", match_type="equals"))), "cleo"),
    (prop("EMAIL", text("home.net") + param("TYPE", text("work")), "allof"), ""),
    (prop("EMAIL", text("home.net") + param("TYPE", text("home")), "allof"), "ann"),
    # several properties (§10.5)
    ("", ALL),
    (prop("FN", text("ann")) + prop("FN", text("bob")), "ann bob"),
]
BOTH = [
    (prop("FN", text("ann")) + prop("FN", text("bob")), ""),
    (prop("FN", text("ann")) + prop("EMAIL"), "ann"),
    (prop("EMAIL") + prop("NICKNAME", NOT), "bob"),
    (prop("EMAIL", text("x.org")) + prop("TEL"), "bob"),
    ("", ALL),
]


@pytest.mark.one_stack
@pytest.mark.parametrize(("test", "table"), [("anyof", TRUTH), ("allof", BOTH)])
def test_a_filter_finds_the_cards_of_the_table(phone, test, table):
    shown = [(filters, found(phone, phone.query(filters, test=test))) for filters, _ in table]
    assert shown == table


REFUSED = [
    (prop("FN", text("x", collation="i;octet")), "supported-collation"),
    (prop("FN", text("x", match_type="sounds-like")), "supported-filter"),
    (prop("FN", text("x", negate_condition="maybe")), "supported-filter"),
    (prop("FN", "<C:odd/>"), "supported-filter"),
    (prop("FN", test="someof"), "supported-filter"),
    (prop(""), "valid-filter"),
    (prop("TEL", param("")), "valid-filter"),
    ("<C:comp-filter/>", "supported-filter"),
    (prop("FN") * 201, "valid-filter"),
]


@pytest.mark.one_stack
def test_a_filter_that_is_not_supported_is_a_precondition(phone):
    for filters, name in REFUSED:
        answer = phone.query(filters)
        assert (answer.status_code, precondition(answer)) == (403, f"{C}{name}"), filters


@pytest.mark.one_stack
def test_without_a_filter_all_are_found(phone):
    body = '<C:addressbook-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><getetag/></prop></C:addressbook-query>'
    assert found(phone, phone.report(body)) == ALL


def test_nresults_gives_that_many_and_a_507(phone):
    limit = "<C:limit><C:nresults>{}</C:nresults></C:limit>"
    results = responses(phone.query(limit=limit.format(2)))
    assert len(results) == 3 and results[phone.book]["status"] == "507"
    assert phone.book not in responses(phone.query(limit=limit.format(3)))
    assert found(phone, phone.query(prop("FN", text("cleo")), limit=limit.format(1))) == "cleo"


def test_contacts_in_the_trash_and_of_another_account_are_not_found(phone, bob):
    phone.delete("ann.vcf")
    Dav(bob).put("x.vcf", vcard("Ann of Bob", "x"))
    assert found(phone, phone.query(prop("FN", text("ann")))) == ""


PARTS = [
    ('<C:prop name="FN"/>', ["VERSION", "FN"]),
    ('<C:prop name="fn"/><C:prop name="UID"/>', ["VERSION", "UID", "FN"]),
    ('<C:prop name="TEL"/>', ["VERSION", "item1.TEL"]),
    ('<C:prop name="item1.TEL"/>', ["VERSION", "item1.TEL"]),
    ('<C:prop name="item2.TEL"/>', ["VERSION"]),
    ("<C:allprop/>", None),
    ("", None),
]


@pytest.mark.one_stack
@pytest.mark.parametrize(("parts", "names"), PARTS)
def test_address_data_in_part(phone, parts, names):
    whole = phone.get("bob.vcf").text_body
    asked = f"<C:address-data>{parts}</C:address-data>"
    answer = phone.query(prop("FN", text("bob")), asked)
    ((_, props),) = responses(answer).items()
    data = props[f"{C}address-data"]
    if names is None:
        assert data == whole
    else:
        lines = data.removesuffix("\r\n").split("\r\n")
        assert [line.split(":")[0].split(";")[0] for line in lines] == ["BEGIN", *names, "END"]
        assert all(line in whole for line in lines)


@pytest.mark.one_stack
def test_address_data_without_values(phone):
    answer = phone.query(prop("FN", text("bob")), '<C:address-data><C:prop name="TEL" novalue="yes"/></C:address-data>')
    ((_, props),) = responses(answer).items()
    assert props[f"{C}address-data"] == "BEGIN:VCARD\r\nVERSION:3.0\r\nitem1.TEL;TYPE=CELL:\r\nEND:VCARD\r\n"


@pytest.mark.one_stack
@pytest.mark.parametrize("attributes", ['version="2.1"', 'content-type="application/json"', 'version="5"'])
def test_another_form_of_address_data_is_a_precondition(phone, attributes):
    for answer in (
        phone.query(props=f"<C:address-data {attributes}/>"),
        phone.multiget("ann.vcf", props=f"<C:address-data {attributes}/>"),
    ):
        assert answer.status_code == 403 and precondition(answer) == f"{C}supported-address-data"


def test_a_multiget_answers_each_href_once(phone, bob, as_alice):
    theirs = Dav(bob)
    theirs.put("ann.vcf", vcard("Bob's"))
    add(as_alice, "Dora")
    gone = [phone.path("gone.vcf"), theirs.path("ann.vcf"), phone.book, "/", "http://[", "/dav/%00", "", "x" * 5000]
    hrefs = [phone.path("ann.vcf"), f"http://another.example{phone.book}bob.vcf", phone.path("ann.vcf"), *gone]
    body = "".join(f"<href>{href}</href>" for href in hrefs)
    answer = phone.report(
        '<C:addressbook-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><getetag/>'
        f"<C:address-data/></prop>{body}</C:addressbook-multiget>"
    )
    results = responses(answer)
    assert [name for name, props in results.items() if "status" not in props] == [
        phone.path("ann.vcf"),
        phone.path("bob.vcf"),
    ]
    assert {name for name, props in results.items() if props.get("status") == "404"} == set(gone)
    assert results[phone.path("ann.vcf")][f"{C}address-data"] == phone.get("ann.vcf").text_body


@pytest.mark.one_stack
def test_a_spelling_of_a_href_makes_no_difference(phone):
    phone.put(phone.book + "a%40b%20c.vcf", vcard(uid="u9"))
    for spelled in ("a@b%20c.vcf", "a%40b%20c.vcf", "%61%40b c.vcf"):
        ((href, props),) = responses(phone.multiget(spelled)).items()
        assert href == f"{phone.book}a%40b%20c.vcf" and f"{D}getetag" in props


@pytest.mark.one_stack
def test_several_spellings_of_a_href_are_answered_once(phone):
    for name in ("bob.vcf", "none.vcf"):
        spelled = [name, name.replace("o", "%6F"), name.replace("o", "%6f"), f"{name}?a=b", f"{name}#a"]
        hrefs = "".join(f"<href>{phone.book}{each}</href>" for each in (*spelled, "odd/", "odd/ "))
        answer = phone.report(f"<C:addressbook-multiget {NAMESPACES}><prop/>{hrefs}</C:addressbook-multiget>")
        assert list(responses(answer)) == [phone.path(name), phone.path("odd/")]


@pytest.mark.one_stack
@pytest.mark.parametrize("report", ["query", "multiget"])
def test_allprop_and_propname_are_those_of_a_propfind(phone, report):
    path, inside = phone.path("ann.vcf"), {"query": "<C:filter/>", "multiget": f"<href>{phone.path('ann.vcf')}</href>"}
    for asked in ("allprop", "propname"):
        body = f"<propfind {NAMESPACES}><{asked}/></propfind>"
        expected = responses(phone.ask("PROPFIND", path, body, "application/xml", depth="0"))
        name = f"C:addressbook-{report}"
        answer = phone.report(f"<{name} {NAMESPACES}><{asked}/>{inside[report]}</{name}>")
        assert responses(answer)[path] == expected[path] and len(expected[path]) > 3


OF_ONE = [  # the resource, the filter, what is found
    ("bob.vcf", "", "bob"),
    ("bob.vcf", prop("EMAIL", text("bob@x.org")), "bob"),
    ("bob.vcf", prop("FN", text("ann")), ""),
    ("bob.vcf", prop("NOTE", text("likes")), ""),
]


@pytest.mark.one_stack
@pytest.mark.parametrize(("name", "filters", "names"), OF_ONE)
def test_a_query_of_a_card_is_about_it_alone(phone, name, filters, names):
    body = (
        f"<C:addressbook-query {NAMESPACES}><prop><getetag/></prop><C:filter>{filters}</C:filter></C:addressbook-query>"
    )
    assert found(phone, phone.report(body, phone.path(name))) == names
    assert phone.report(body, phone.path("nobody.vcf")).status_code == 404


@pytest.mark.one_stack
def test_a_card_has_the_reports_of_cards(phone):
    path = phone.path("bob.vcf")
    ((_, props),) = responses(phone.propfind(path, "<supported-report-set/>")).items()
    reports = [each[0].tag for each in props[f"{D}supported-report-set"].iter(f"{D}report")]
    assert reports == [f"{C}addressbook-multiget", f"{C}addressbook-query", f"{D}expand-property"]
    body = f"<C:addressbook-multiget {NAMESPACES}><prop><getetag/></prop><href>{path}</href></C:addressbook-multiget>"
    assert list(responses(phone.report(body, path))) == [path]


@pytest.mark.one_stack
def test_a_multiget_without_hrefs_is_400(phone):
    assert phone.multiget().status_code == 400


@pytest.mark.one_stack
def test_one_card_that_cannot_be_written_as_xml_does_not_spoil_the_rest(phone, alice):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create({"name": {"full": "Odd \x01\x0b\ufffe <&]]>"}})
    answer = phone.query(props="<C:address-data/>")
    assert len(responses(answer)) == 4 and "Odd" in answer.text_body


BESIDE = [  # what the card holds beside its name, addresses and numbers; one of which the query finds
    ("FN;PREF=1:Ann\r\nFN:Zed Second\r\n", prop("FN", text("zed"))),
    (f"FN:Ann\r\nEMAIL:{'x' * 1100}@long.org\r\n", prop("EMAIL", text("@long.org", match_type="ends-with"))),
    (f"FN:Ann\r\nTEL:{'+49 221 999 ' + 'x' * 1100}\r\n", prop("TEL", text("221 999 x"))),
    (f"FN:Ann\r\nTEL:{'+49 221 999 ' + 'x' * 1100}\r\n", prop("TEL", text("49 221 999"))),
]


@pytest.mark.parametrize(("lines", "filters"), BESIDE)
def test_what_a_card_holds_beside_its_fields_is_found_too(phone, lines, filters):
    card = f"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:odd\r\n{lines}END:VCARD\r\n"
    assert phone.put("odd.vcf", card).status_code == 201
    assert "odd" in found(phone, phone.query(filters)).split()


def test_a_multiget_reads_the_small_pictures_of_a_portion_in_one_select(phone, monkeypatch):
    monkeypatch.setattr("contacts.models.picture.SMALL", 50)
    for number, size in enumerate((20, 30, 200)):
        data = base64.b64encode(bytes([number]) * size).decode()
        phone.put(f"{number}.vcf", vcard(uid=str(number), more=f"PHOTO;ENCODING=b;TYPE=JPEG:{data}\r\n"))
    names = [f"{number}.vcf" for number in range(3)]
    with CaptureQueriesContext(connection) as queries:
        results = responses(phone.multiget(*names))
    pictures = [each["sql"] for each in queries.captured_queries if "contacts_picture" in each["sql"]]
    assert [results[phone.path(name)][f"{C}address-data"] for name in names] == [
        phone.get(name).text_body for name in names
    ]
    assert len(pictures) == 2, "the small ones at once, the large one by itself"


def test_a_query_by_name_address_number_or_uid_reads_only_candidates(phone, alice):
    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([{"name": {"full": f"n{number}"}} for number in range(600)])
    for filters in (
        prop("FN", text("bob")),
        prop("EMAIL", text("bob@x.org", match_type="equals")),
        prop("UID", text("bob", match_type="equals")),
        prop("TEL", text("221 123", match_type="ends-with")),
    ):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert found(phone, phone.query(filters)) == "bob"
        assert len(queries) == 3, "authentication, the book, one page"
