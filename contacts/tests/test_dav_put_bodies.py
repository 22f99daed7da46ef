"""Bodies of PUT: what is taken, and the precondition that fails"""

import base64
import gzip

import pytest

from contacts.models import Contact
from contacts.tests.dav import C, D, Dav, precondition, vcard

pytestmark = [pytest.mark.one_stack, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]
CARD = vcard()
VALID, SUPPORTED, SIZE = f"{C}valid-address-data", f"{C}supported-address-data", f"{C}max-resource-size"


@pytest.fixture
def phone(alice):
    return Dav(alice)


def big_photo(size, folded=False):
    data = base64.b64encode(b"x" * size).decode()
    if folded:
        data = "\r\n ".join(data[start : start + 74] for start in range(0, len(data), 74))
    return vcard(more=f"PHOTO;ENCODING=b;TYPE=JPEG:{data}\r\n")


REFUSED = {
    "nothing": (b"", 403, VALID),
    "no card": ("Hello", 403, VALID),
    "JSON": ('{"a": 1}', 403, VALID),
    "two cards": (CARD + vcard(uid="u2"), 403, VALID),
    "no END": (CARD.replace("END:VCARD\r\n", ""), 403, VALID),
    "no UTF-8": (CARD.encode("latin-1").replace(b"Ann", b"\xe4nn"), 403, VALID),
    "UTF-16": (CARD.encode("utf-16"), 403, VALID),
    "2.1": (CARD.replace("3.0", "2.1"), 403, SUPPORTED),
    "another version": (CARD.replace("3.0", "5.0"), 403, SUPPORTED),
    "a UID over 255": (vcard(uid="x" * 256), 403, VALID),
    "a card over 256 KB": (vcard(more=f"NOTE:{'x' * 300_000}\r\n"), 403, VALID),
    "2.1 with old Macs' line ends": (CARD.replace("3.0", "2.1").replace("\r\n", "\r"), 403, SUPPORTED),
    "more categories than groups of a contact": (
        vcard(more=f"CATEGORIES:{','.join(map(str, range(501)))}\r\n"),
        403,
        VALID,
    ),
    "a category over 255": (vcard(more=f"CATEGORIES:{'x' * 256}\r\n"), 403, VALID),
    "a category over 255 in a larger card": (
        vcard(more=f"CATEGORIES:{'x' * 256}\r\nNOTE:{'x' * 9000}\r\n"),
        403,
        VALID,
    ),
    "many values": (vcard(more="X-A;X-B=c:d\r\n" * 5000), 403, VALID),
    "ten megabytes of short lines": (CARD.replace("END", "x\r\n" * 3_000_000 + "END"), 403, VALID),
    "ten megabytes of empty properties": (CARD.replace("END", "N:\r\n" * 2_000_000 + "END"), 403, VALID),
    "ten megabytes of short folded lines": (
        CARD.replace("END", "NOTE:" + "\r\n x" * 2_000_000 + "\r\nEND"),
        403,
        VALID,
    ),
    "ten megabytes of old Macs' lines": (CARD.replace("END", "x\r" * 4_000_000 + "END").replace("\n", ""), 403, VALID),
    "ten megabytes of mixed line ends": (CARD.replace("END", "x\r" * 4_000_000 + "END"), 403, VALID),
    "a hundred thousand cards": (CARD * 100_000, 403, VALID),
    "a picture over 5 MB": (big_photo(5 * 1024 * 1024 + 1), 413, SIZE),
    "over 10 MB": (b"x" * (10 * 1024 * 1024 + 1), 413, SIZE),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_body_is_refused_with_its_precondition(phone, case):
    body, status, name = REFUSED[case]
    answer = phone.put("a.vcf", body)
    assert answer.status_code == status and precondition(answer) == name
    assert not Contact.objects.exists()


TAKEN = {
    "3.0": CARD,
    "4.0": CARD.replace("3.0", "4.0"),
    "LF": CARD.replace("\r\n", "\n"),
    "old Macs' line ends": CARD.replace("\r\n", "\r"),
    "old Macs' line ends without a name": CARD.replace("FN:Ann\r\nN:;Ann;;;\r\n", "").replace("\r\n", "\r"),
    "500 categories": vcard(more=f"CATEGORIES:{','.join(map(str, range(500)))}\r\n"),
    "a BOM": "\ufeff" + CARD,
    "no VERSION": CARD.replace("VERSION:3.0\r\n", ""),
    "empty properties": vcard(more="BDAY:\r\nPHOTO:\r\nORG:;;;\r\nTEL:\r\nEMAIL;TYPE=WORK:\r\nADR:;;;;;;\r\nNOTE:\r\n"),
    "a line that is no property": vcard(more="what is this\r\n"),
    "a picture of 5 MB": big_photo(5 * 1024 * 1024),
    "a folded picture of 5 MB": big_photo(5 * 1024 * 1024, folded=True),
    "a UID of 255": vcard(uid="x" * 255),
    "a card near 256 KB": vcard(more=f"NOTE:{'x' * 65_000}\r\n" * 3),
    "lower case": CARD.lower(),
    "a fold within a character": vcard("Zoë").encode().replace(b"\xc3\xab", b"\xc3\r\n \xab"),
    "an emoji": vcard("Ann 🦊"),
    "control characters": vcard(more="NOTE:a\x01b\x0bc\r\n"),
    "NUL": vcard(more="NOTE:a\0b\r\n"),
    "JSPROP that makes the UID a number": vcard(more="JSPROP;JSPTR=uid:5\r\n").replace("3.0", "4.0"),
    "JSPROP that makes the UID an object": vcard(more="JSPROP;JSPTR=uid/a:5\r\n").replace("3.0", "4.0"),
    "JSPROP that is kept after one that makes vCardProps a number": vcard(
        more="JSPROP;JSPTR=vCardProps:5\r\nJSPROP;JSPTR=a:no JSON\r\n"
    ).replace("3.0", "4.0"),
    "JSPROP that makes all of the card": vcard(more='JSPROP;JSPTR="":{"uid":[]}\r\n').replace("3.0", "4.0"),
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_body_is_taken_and_every_report_shows_it(phone, case):
    assert phone.put("a.vcf", TAKEN[case]).status_code == 201, case
    assert phone.get("a.vcf").status_code == 200
    assert list(phone.etags()) == ["a.vcf"]
    assert phone.multiget("a.vcf").text_body.count("BEGIN:VCARD") == 1
    assert phone.sync(props="<C:address-data/>").text_body.count("END:VCARD") == 1


def test_what_follows_many_properties_is_not_left_out(phone):
    for number in range(4990, 5020):
        answer = phone.put("a.vcf", vcard(more="NICKNAME:\r\n" * number + "TEL:+1\r\n"))
        assert answer.status_code == 403 or "TEL:+1" in phone.get("a.vcf").text_body, number
        phone.delete("a.vcf")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/vcard", 201),
        ("text/vcard; charset=utf-8", 201),
        ("TEXT/VCARD;version=4.0", 201),
        ("text/x-vcard", 201),
        ("text/directory", 201),
        ("application/vcard+xml", 415),
        ("application/json", 415),
        ("text/plain", 415),
        ("text/calendar", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
def test_other_media_types_are_415(phone, kind, status):
    answer = phone.ask("PUT", phone.path("a.vcf"), CARD, kind)
    assert answer.status_code == status
    assert status == 201 or precondition(answer) == SUPPORTED


def test_past_the_quota_what_adds_is_507_and_the_rest_works(phone, settings):
    phone.put("a.vcf", vcard(more="NOTE:long enough to become shorter\r\n"))
    settings.ACCOUNT_QUOTA = 10
    answer = phone.put("b.vcf", vcard(uid="u2"))
    assert answer.status_code == 507 and precondition(answer) == f"{D}quota-not-exceeded"
    assert phone.put("a.vcf", vcard(more="NOTE:short\r\n")).status_code == 204
    assert phone.delete("a.vcf").status_code == 204


def test_a_body_without_a_length_is_411(phone):
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "", "HTTP_DEPTH": "0"}
    for method in ("PUT", "PROPFIND"):
        answer = phone.client.generic(method, phone.path("a.vcf"), "", "text/vcard", **phone.headers, **chunked)
        assert answer.status_code == 411 and answer["Content-Type"].startswith("text/plain")


def test_a_compressed_body_is_415_and_a_part_of_one_400(phone):
    phone.put("a.vcf", CARD)
    for method, body in (("PUT", CARD), ("PROPFIND", ""), ("REPORT", ""), ("PROPPATCH", "")):
        answer = phone.ask(
            method, phone.path("a.vcf"), gzip.compress(body.encode()), content_encoding="gzip", depth="0"
        )
        assert answer.status_code == 415 and answer["Accept-Encoding"] == "identity", method
    assert phone.put("a.vcf", CARD, content_encoding="identity").status_code == 204
    assert phone.put("a.vcf", CARD, content_range="bytes 0-9/99").status_code == 400


def test_a_line_that_is_folded_within_a_character_is_read_whole(phone):
    phone.put("a.vcf", vcard("Zoë").encode().replace(b"\xc3\xab", b"\xc3\n\t\xab"))
    assert Contact.objects.get().fullname == "Zoë"
