"""Hostile input to CardDAV: never a 5xx, never HTML, and nothing is read that the body does not hold"""

import http.server
import threading

import pytest

from contactbook.env.rate_limits import RATE_LIMIT_DEFAULTS
from contacts import streaming
from contacts.tests.dav import Dav, responses, vcard

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
N = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.fixture
def phone(alice):
    phone = Dav(alice)
    phone.put("a.vcf", vcard())
    return phone


BODIES = {
    "no XML": "hello",
    "cut off": f"<propfind {N}><prop>",
    "two roots": f"<propfind {N}><allprop/></propfind><x/>",
    "a doctype": f"<!DOCTYPE propfind><propfind {N}><allprop/></propfind>",
    "an entity": f'<!DOCTYPE p [<!ENTITY a "b">]><propfind {N}><prop>&a;</prop></propfind>',
    "a billion laughs": f'<!DOCTYPE p [<!ENTITY l0 "lol">{LAUGHS}]><propfind {N}>&l9;</propfind>',
    "an external entity": f'<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]><propfind {N}><prop>&a;</prop></propfind>',
    "an external DTD": f'<!DOCTYPE p SYSTEM "http://127.0.0.1:1/x.dtd"><propfind {N}/>',
    "an unknown entity": f"<propfind {N}>&nbsp;</propfind>",
    "an undeclared prefix": "<D:propfind/>",
    "51 levels": f"<propfind {N}>" + "<a>" * 50 + "</a>" * 50 + "</propfind>",
    "10,000 levels": f"<propfind {N}>" + "<a>" * 10_000,
    "no UTF-8": b'<?xml version="1.0" encoding="utf-8"?><a>\xff</a>',
    "an unknown encoding": b'<?xml version="1.0" encoding="nonsense"?><a/>',
    "NUL": b"<a>\0</a>",
    "a lone surrogate": b"<a>&#xD800;</a>",
    "another root": f"<other {N}/>",
    "an attribute of a megabyte": f'<other {N} a="{"x" * 1_000_000}"/>',
    "many attributes": f"<other {N} " + " ".join(f'a{n}="1"' for n in range(5000)) + "/>",
    "51 attributes": f"<propfind {N}><prop><a " + " ".join(f'a{n}="1"' for n in range(51)) + "/></prop></propfind>",
    "four megabytes of attributes": f"<propfind {N} " + " ".join(f'a{n}="1"' for n in range(300_000)) + "/>",
    "a million elements": f"<propfind {N}><prop>{'<a/>' * 1_000_000}</prop></propfind>",
    "many namespaces": f"<other {N} " + " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(5000)) + "/>",
    "too many properties": f"<propfind {N}><prop>" + "".join(f"<p{n}/>" for n in range(101)) + "</prop></propfind>",
    "UTF-16 with a doctype": f"<!DOCTYPE a><propfind {N}/>".encode("utf-16"),
}


@pytest.mark.one_stack
@pytest.mark.parametrize("method", ["PROPFIND", "REPORT", "PROPPATCH"])
def test_a_hostile_body_is_a_4xx_in_text_or_xml(phone, method):
    for case, body in BODIES.items():
        answer = phone.ask(method, phone.book, body, "application/xml", depth="0")
        assert answer.status_code in (400, 403), (case, answer.text_body[:300])
        assert "root:" not in answer.text_body and len(answer.text_body) < 1000, case


NAMES = "".join(f"<n:x{number}/>" for number in range(100))
ACLS = "<property name='acl'/>" * 1001
REPEATED = {  # a short body whose answer would have its names, or a property, very often
    "prop": ("PROPFIND", f"<propfind {N} xmlns:n='{'x' * 10_000}'><prop>{NAMES}</prop></propfind>"),
    "include": ("PROPFIND", f"<propfind {N} xmlns:n='{'x' * 10_000}'><allprop/><include>{NAMES}</include></propfind>"),
    "set": (
        "PROPPATCH",
        f"<propertyupdate {N} xmlns:n='{'x' * 10_000}'><set><prop>{NAMES}</prop></set></propertyupdate>",
    ),
    "sync": ("REPORT", f"<sync-collection {N} xmlns:n='{'x' * 10_000}'><prop>{NAMES}</prop></sync-collection>"),
    "expand": ("REPORT", f"<expand-property {N}>{ACLS}</expand-property>"),
}


@pytest.mark.one_stack
@pytest.mark.parametrize("case", REPEATED)
def test_a_body_whose_answer_would_repeat_it_very_often_is_400(phone, case):
    method, body = REPEATED[case]
    assert phone.ask(method, phone.book, body, "application/xml", depth="0").status_code == 400


@pytest.mark.one_stack
def test_xml_over_4_megabytes_is_413(phone):
    body = f"<propfind {N}><prop>{' ' * (4 * 1024 * 1024)}</prop></propfind>"
    assert phone.ask("PROPFIND", phone.book, body, "application/xml", depth="0").status_code == 413


@pytest.mark.one_stack
def test_a_url_in_a_body_or_card_is_never_fetched(phone):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/x"
    phone.ask("PROPFIND", phone.book, f'<!DOCTYPE a SYSTEM "{url}"><a/>', "application/xml", depth="0")
    phone.ask(
        "PROPFIND", phone.book, f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{url}">%p;]><a/>', "application/xml", depth="0"
    )
    phone.put("b.vcf", vcard(uid="u2", more=f"PHOTO;VALUE=uri:{url}\r\nLOGO:{url}\r\nKEY:{url}\r\nURL:{url}\r\n"))
    phone.get("b.vcf")
    phone.multiget(url, "b.vcf")
    server.shutdown()
    thread.join()
    server.server_close()
    assert asked == []


def test_fifty_thousand_hrefs_are_answered(phone):
    hrefs = "".join(f"<href>{phone.book}{number}.vcf</href>" for number in range(50_000))
    answer = phone.report(f"<C:addressbook-multiget {N}><prop><getetag/></prop>{hrefs}</C:addressbook-multiget>")
    assert answer.status_code == 207 and answer.text_body.count("404 Not Found") == 50_000


PATHS = [
    "..", "../", "%2E%2E/", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "a%2Fb.vcf", "%00", "a%00.vcf", "%", "%zz", "%FF%FE", "%C0%AE",
    "%0A", "%0D%0AX-Injected:%201", "a.vcf/", "a.vcf//", "a.vcf/b", "./a.vcf", "%ED%A0%80", "x" * 4000, "a;b=c", "A.VCF", "%3F",
    "'%20OR%201=1", "9223372036854775808.vcf", "00001.vcf", "-1.vcf", "١.vcf",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PROPFIND", "REPORT", "OPTIONS"])
def test_an_odd_path_is_no_5xx_and_reaches_no_other_card(phone, method):
    for number, path in enumerate(PATHS):
        body = vcard("Odd", f"odd{number}") if method == "PUT" else ""
        answer = phone.ask(method, phone.book + path, body, depth="0")
        assert answer.status_code in (200, 201, 400, 403, 404, 405), (path, answer.status_code)
        assert "X-Injected" not in answer.headers and "FN:Ann" not in answer.text_body, path
    assert phone.etags()["a.vcf"] and "FN:Ann" in phone.get("a.vcf").text_body


HEADERS = {
    "depth": ["", "0,1", "-1", "x" * 5000, "\xff", "0\t"],
    "if_match": ["", "x", '"', "*,*", '"' * 3000, "W/", '"\xff"'],
    "if_none_match": ["", "x", "**", '"1-1" "2-2"'],
    "accept": [
        "",
        ";",
        "text/vcard;version",
        "text/vcard;version=4.0;q=nan",
        "text/vcard;version=4.0;q=1e999",
        ",,,",
        "\xff",
    ],
    "prefer": [";", "return=", "\xff"],
    "user_agent": ["", "\xff\x01", "x" * 5000, "a'b\"c<d>"],
    "destination": ["\x01"],
    "if": ["(", "(<x>)"],
}


@pytest.mark.one_stack
@pytest.mark.parametrize("name", HEADERS)
def test_an_odd_header_is_no_5xx(phone, name):
    for value in HEADERS[name]:
        for method, body in (("GET", ""), ("PUT", vcard("Bea")), ("PROPFIND", ""), ("DELETE", "")):
            answer = phone.ask(method, phone.path("a.vcf"), body, **{name: value})
            assert answer.status_code < 500, (value, method, answer.text_body)


def test_a_repeated_put_and_a_client_that_ignores_412_lose_nothing(phone, as_alice):
    for _ in range(5):
        assert phone.put("a.vcf", vcard("Bea")).status_code == 204
        assert phone.put("a.vcf", vcard("Old"), if_match='"1-1"').status_code == 412
    phone.put("a.vcf", vcard("Overwritten"))  # without If-Match, as Thunderbird does
    (contact,) = as_alice.get("/api/contacts").json()
    entries = as_alice.get(f"/api/contacts/{contact['id']}/history").json()
    assert [entry["fields"]["fullname"] for entry in entries if entry["kind"] == "changed"] == [
        ["Bea", "Overwritten"],
        ["Ann", "Bea"],
    ]


@pytest.mark.one_stack
def test_a_revoked_phone_that_asks_every_minute_stays_one_failure(alice, as_alice, settings):
    settings.RATE_LIMITS = dict.fromkeys(RATE_LIMIT_DEFAULTS, (0, 1)) | {"dav_failures": (3, 600)}
    phone, other = Dav(alice), Dav(alice)
    as_alice.delete(f"/api/me/app_passwords/{phone.app_password.pk}")
    assert {phone.propfind("/dav/").status_code for _ in range(30)} == {401}
    assert other.propfind("/dav/").status_code == 207


@pytest.mark.one_stack
def test_error_pages_are_never_html(phone, settings):
    settings.DEBUG = False
    for method in ("GET", "PROPFIND", "MKCOL", "PUT"):
        for host in ("testserver", "evil.example"):
            answer = phone.ask(method, "/dav/nowhere", depth="0", host=host)
            assert "html" not in answer["Content-Type"], (method, host)


@pytest.mark.one_stack
def test_a_streamed_answer_takes_at_most_half_of_the_threads(phone, alice, monkeypatch):
    from contacts.models import Book

    with Book.objects.writing(alice.pk, "test") as book:
        book.create_many([{"name": {"full": "x"}, "notes": {"n1": {"note": "x" * 5000}}} for _ in range(400)])
    taken = 0
    while streaming.SLOTS.acquire(blocking=False):
        taken += 1
    try:
        answer = phone.sync(props="<C:address-data/>")
        assert answer.status_code == 503 and answer["Retry-After"]
        assert phone.sync().status_code == 207
    finally:
        streaming.SLOTS.release(taken)
    assert len(responses(phone.sync(props="<C:address-data/>"))) == 401
