"""Finding the book from the address alone, and the properties of each resource"""

import base64

import pytest

from contacts.carddav.properties import PROPERTIES
from contacts.tests.dav import C, D, Dav, S, hrefs_in, precondition, responses, vcard

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
ROOTS = ["/", "/principals/", "/principals", "/dav", "/dav/", "/dav/principals/", "/dav/addressbooks"]


@pytest.fixture
def phone(alice):
    return Dav(alice)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND", "OPTIONS", "PUT", "DELETE", "REPORT", "POST"])
@pytest.mark.parametrize("path", ["/.well-known/carddav", "/.well-known/carddav/"])
def test_well_known_redirects_every_method_by_path_without_credentials(client, db, method, path):
    answer = client.generic(method, path)
    assert (answer.status_code, answer["Location"]) == (301, "/dav/")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("root", ROOTS)
def test_the_book_is_found_from_any_start(phone, root):
    answer = phone.propfind(root, "<current-user-principal/>")
    ((href, props),) = responses(answer).items()
    assert href == f"{root.rstrip('/')}/"
    (principal,) = hrefs_in(props[f"{D}current-user-principal"])
    assert principal == phone.principal
    ((_, props),) = responses(phone.propfind(principal, "<C:addressbook-home-set/>")).items()
    (home,) = hrefs_in(props[f"{C}addressbook-home-set"])
    assert home == phone.home
    found = responses(phone.propfind(home, "<resourcetype/>", depth="1"))
    books = [href for href, props in found.items() if props[f"{D}resourcetype"].find(f"{C}addressbook") is not None]
    assert books == [phone.book]


@pytest.mark.parametrize("name", ["principal", "home", "book"])
def test_a_missing_slash_is_as_good_as_none(phone, name):
    path = getattr(phone, name)
    answers = [responses(phone.propfind(each, "<owner/><acl/><resourcetype/>")) for each in (path, path.rstrip("/"))]
    assert list(answers[0]) == list(answers[1]) == [path]


def test_a_home_is_no_principal_and_neither_is_a_book(phone):
    for path, types in (
        (phone.principal, ["collection", "principal"]),
        (phone.home, ["collection"]),
        (phone.book, ["collection", "addressbook"]),
    ):
        ((_, props),) = responses(phone.propfind(path, "<resourcetype/>")).items()
        assert [each.tag.rpartition("}")[2] for each in props[f"{D}resourcetype"]] == types


def test_a_book_tells_what_it_supports(phone):
    ((_, props),) = responses(
        phone.propfind(
            phone.book,
            "<supported-report-set/><C:supported-address-data/><C:max-resource-size/>"
            "<C:supported-collation-set/><owner/><displayname/>",
        )
    ).items()
    reports = [each[0].tag for each in props[f"{D}supported-report-set"].iter(f"{D}report")]
    assert reports == [
        f"{C}addressbook-multiget",
        f"{C}addressbook-query",
        f"{D}sync-collection",
        f"{D}expand-property",
    ]
    versions = [dict(each.attrib) for each in props[f"{C}supported-address-data"]]
    assert versions == [{"content-type": "text/vcard", "version": "3.0"}]
    assert props[f"{C}max-resource-size"] == str(10 * 1024 * 1024)
    assert [each.text for each in props[f"{C}supported-collation-set"]] == ["i;ascii-casemap", "i;unicode-casemap"]
    assert hrefs_in(props[f"{D}owner"]) == [phone.principal] and props[f"{D}displayname"] == "Contacts"


@pytest.mark.parametrize(("write", "has_write"), [(True, True), (False, False)])
def test_the_privileges_are_those_of_the_app_password(alice, write, has_write):
    phone = Dav(alice, write=write)
    ((_, props),) = responses(phone.propfind(phone.book, "<current-user-privilege-set/>")).items()
    names = {each[0].tag for each in props[f"{D}current-user-privilege-set"]}
    assert f"{D}read" in names and ({f"{D}write", f"{D}bind"} <= names) == has_write


def test_tag_and_token_change_with_every_change_of_rest_too(phone, as_alice):
    def tags():
        ((_, props),) = responses(phone.propfind(phone.book, "<S:getctag/><sync-token/>")).items()
        return props[f"{S}getctag"], props[f"{D}sync-token"]

    seen = [tags()]
    contact = as_alice.post("/api/contacts/", {"fullname": "Ann"}, format="json").json()
    seen.append(tags())
    as_alice.patch(f"/api/contacts/{contact['id']}", {"fullname": "Bea"}, format="json")
    seen.append(tags())
    as_alice.delete(f"/api/contacts/{contact['id']}")
    seen.append(tags())
    assert len(set(seen)) == 4 and tags() == tags()


def test_an_empty_body_and_allprop_give_the_properties_of_rfc_4918(phone):
    phone.put("a.vcf", vcard())
    for body in ("", '<propfind xmlns="DAV:"><allprop/></propfind>'):
        found = responses(phone.ask("PROPFIND", phone.book, body, "application/xml", depth="1"))
        assert found[phone.book].keys() == {f"{D}resourcetype", f"{D}displayname"}
        names = "resourcetype getcontenttype getcontentlength getetag getlastmodified creationdate"
        assert found[f"{phone.book}a.vcf"].keys() == {f"{D}{name}" for name in names.split()}
    included = '<propfind xmlns="DAV:"><allprop/><include><owner/></include></propfind>'
    found = responses(phone.ask("PROPFIND", phone.book, included, "application/xml", depth="0"))
    assert f"{D}owner" in found[phone.book]


def test_the_length_of_a_card_is_that_of_a_get(phone):
    photo = base64.b64encode(b"no picture" * 90).decode()
    phone.put("a.vcf", vcard("Zoë", more=f"PHOTO;ENCODING=b;TYPE=JPEG:{photo}\r\n"))
    phone.put("b.vcf", vcard(uid="u2"))
    lengths = {phone.path(name): str(len(phone.get(name).content)) for name in ("a.vcf", "b.vcf")}
    asked = "<getcontentlength/>"
    for answer in (
        phone.propfind(phone.book, asked, depth="1"),
        phone.propfind(phone.book, depth="1"),
        phone.sync(props=asked),
        phone.query(props=asked),
        phone.multiget("a.vcf", "b.vcf", props=asked),
    ):
        found = responses(answer)
        assert {path: found[path][f"{D}getcontentlength"] for path in lengths} == lengths
    path = phone.path("a.vcf")
    assert responses(phone.propfind(path, asked))[path][f"{D}getcontentlength"] == lengths[path]


@pytest.mark.parametrize(("depth", "status"), [("infinity", 207), ("1", 207), ("0", 207), ("2", 403)])
def test_a_card_has_no_depth(phone, depth, status):
    phone.put("a.vcf", vcard())
    answer = phone.propfind(phone.path("a.vcf"), "<getetag/>", depth=depth)
    assert answer.status_code == status
    if depth == "infinity":
        body = "<propfind xmlns='DAV:'><prop><getetag/></prop></propfind>"
        assert phone.ask("PROPFIND", phone.path("a.vcf"), body).text_body == answer.text_body


def test_propname_names_exactly_what_prop_then_finds(phone):
    phone.put("a.vcf", vcard())
    for path in ("/dav/", phone.principal, phone.home, phone.book, f"{phone.book}a.vcf"):
        body = '<propfind xmlns="DAV:"><propname/></propfind>'
        ((_, named),) = responses(phone.ask("PROPFIND", path, body, "application/xml", depth="0")).items()
        asked = "".join(f'<x:{name.rpartition("}")[2]} xmlns:x="{name[1:].partition("}")[0]}"/>' for name in PROPERTIES)
        ((_, props),) = responses(phone.propfind(path, asked)).items()
        assert {name for name, value in props.items() if value is not None} == named.keys()


def test_an_unknown_property_is_404_and_is_left_out_for_minimal(phone):
    asked = '<getetag/><x:odd xmlns:x="urn:a&amp;b"/><bare xmlns=""/><resourcetype/>'
    ((_, props),) = responses(phone.propfind(phone.book, asked)).items()
    assert {name: value for name, value in props.items() if value is None} == {
        f"{D}getetag": None,
        "{urn:a&b}odd": None,
        "bare": None,
    }
    preferences = ("return=minimal", "respond-async, return=minimal", 'Return = "minimal"; a=b, wait=1')
    for headers in (*({"prefer": each} for each in preferences), {"brief": "t"}):
        answer = phone.propfind(phone.book, asked, **headers)
        assert responses(answer)[phone.book].keys() == {f"{D}resourcetype"}
        assert answer["Preference-Applied"] == phone.sync(**headers)["Preference-Applied"] == "return=minimal"
        assert responses(phone.propfind(phone.book, "<odd/>", **headers)) == {phone.book: {}}
    for other in ("return=minimal-or-not", "x; return=minimal", "return=representation"):
        assert "Preference-Applied" not in phone.propfind(phone.book, asked, prefer=other)


def test_the_first_status_is_the_200(phone):
    answer = phone.propfind(phone.book, "<odd/><resourcetype/>")
    assert answer.text_body.index("HTTP/1.1 200 OK<") < answer.text_body.index("HTTP/1.1 404 Not Found<")


@pytest.mark.parametrize("depth", ["infinity", "Infinity", "2", ""])
def test_another_depth_is_a_403(phone, depth):
    answer = phone.propfind(phone.home, "<resourcetype/>", depth=depth)
    assert answer.status_code == 403 and precondition(answer) == f"{D}propfind-finite-depth"


def test_options_names_the_classes_and_the_methods(phone):
    phone.put("a.vcf", vcard())
    for path, methods in (
        ("/", "OPTIONS, PROPFIND, PROPPATCH, REPORT, GET, HEAD"),
        ("/principals/", "OPTIONS, PROPFIND, PROPPATCH, REPORT"),
        ("/dav/", "OPTIONS, PROPFIND, PROPPATCH, REPORT"),
        (phone.book, "OPTIONS, PROPFIND, PROPPATCH, REPORT"),
        (f"{phone.book}a.vcf", "OPTIONS, PROPFIND, PROPPATCH, REPORT, GET, HEAD, PUT, DELETE"),
    ):
        answer = phone.ask("OPTIONS", path)
        assert (answer.status_code, answer["Allow"]) == (200, methods)
        assert answer["DAV"] == "1, 3, access-control, addressbook" and "Content-Type" not in answer


@pytest.mark.parametrize(
    "method", ["DELETE", "PUT", "GET", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "POST", "ACL", "PATCH", "TRACE"]
)
def test_a_collection_has_no_other_methods(phone, method):
    for path in ("/dav/", phone.principal, phone.home, phone.book):
        answer = phone.ask(method, path, vcard() if method == "PUT" else "")
        assert answer.status_code in (403, 405) and "PROPFIND" in answer["Allow"], path


@pytest.mark.parametrize("method", ["MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "POST", "PATCH"])
def test_a_card_has_no_methods_of_locks_and_copies(phone, method):
    phone.put("a.vcf", vcard())
    assert phone.ask(method, f"{phone.book}a.vcf", destination=f"{phone.book}b.vcf").status_code == 405
    assert list(phone.etags()) == ["a.vcf"]


def test_proppatch_refuses_each_property_and_changes_nothing(phone):
    body = (
        '<propertyupdate xmlns="DAV:" xmlns:x="urn:x"><set><prop><displayname>Mine</displayname></prop></set>'
        "<remove><prop><x:color/></prop></remove></propertyupdate>"
    )
    answer = phone.ask("PROPPATCH", phone.book, body, "application/xml")
    assert answer.status_code == 207 and answer.text_body.count("HTTP/1.1 403 Forbidden") == 2
    assert responses(answer)[phone.book] == {f"{D}displayname": None, "{urn:x}color": None}
    assert responses(phone.propfind(phone.book, "<displayname/>"))[phone.book][f"{D}displayname"] == "Contacts"


def test_expand_property_follows_hrefs(phone):
    body = (
        '<expand-property xmlns="DAV:"><property name="current-user-principal"><property name="displayname"/>'
        '<property name="addressbook-home-set" namespace="urn:ietf:params:xml:ns:carddav">'
        '<property name="resourcetype"/></property></property><property name="nothing"/></expand-property>'
    )
    answer = phone.report(body, "/dav/")
    props = responses(answer)["/dav/"]
    assert props[f"{D}nothing"] is None
    principal = props[f"{D}current-user-principal"].find(f"{D}response")
    assert hrefs_in(principal)[:1] == [phone.principal] and hrefs_in(principal)[-1] == phone.home
    assert principal.findtext(f".//{D}displayname") == "Alice"


@pytest.mark.parametrize("name", ["<xml:lang/>", "<x xmlns=''/>", "<C:x.y-\u2168/>", "<x xmlns='urn:a&amp;b'/>"])
def test_any_name_of_a_property_is_answered_in_well_formed_xml(phone, name):
    ((_, props),) = responses(phone.propfind(phone.book, name)).items()
    assert list(props.values()) == [None]


ODD_NAMES = [
    ("", "DAV:"),
    ("\u00b2", "DAV:"),
    ("\u00aab", "x"),
    ("\u00b7a", "x"),
    ("a:b", "x"),
    ("a b", "x"),
    ("a", "b}c"),
    ("a", "http://www.w3.org/2000/xmlns/"),
]


@pytest.mark.parametrize(("name", "namespace"), ODD_NAMES)
def test_expand_property_refuses_what_is_no_name_of_an_element(phone, name, namespace):
    body = f'<expand-property xmlns="DAV:"><property name="{name}" namespace="{namespace}"/></expand-property>'
    assert phone.report(body).status_code == 400


def test_a_report_that_a_resource_does_not_have_is_403(phone):
    for path, name in (
        (phone.home, "sync-collection"),
        (phone.principal, "principal-property-search"),
        (phone.book, "odd"),
    ):
        answer = phone.report(f'<{name} xmlns="DAV:"/>', path)
        assert answer.status_code == 403 and precondition(answer) == f"{D}supported-report"


def test_another_users_path_is_404_like_one_that_is_not_there(alice, bob, phone):
    theirs = Dav(bob)
    phone.put("a.vcf", vcard())
    for path in (phone.principal, phone.home, phone.book, f"{phone.book}a.vcf"):
        for method in ("GET", "PROPFIND", "PUT", "DELETE", "REPORT", "OPTIONS", "PROPPATCH"):
            nobodys = path.replace(f"/{alice.pk}/", "/999999/")
            answers = [theirs.ask(method, each, vcard("Bob"), depth="0") for each in (path, nobodys)]
            assert [answer.status_code for answer in answers] == [404, 404], (method, path)
            assert answers[0].content == answers[1].content
    assert "FN:Ann" in phone.get("a.vcf").text_body


@pytest.mark.parametrize(
    "path",
    [
        "/dav/x",
        "/dav/addressbooks/{id}/other/",
        "/dav/addressbooks/{id}/contacts/a/b",
        "/dav//",
        "/dav/principals/0{id}/",
        "/dav/principals/x/",
    ],
)
def test_other_paths_are_404(phone, path):
    assert phone.propfind(path.format(id=phone.user.pk)).status_code == 404
