"""A CardDAV client of the tests: requests with an app password, and multistatus answers as dicts."""

import base64
from typing import Any
from urllib.parse import unquote

from django.test import Client
from lxml import etree

from accounts.models import AppPassword, User

D, C, S = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}", "{http://calendarserver.org/ns/}"
NAMESPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/"'
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\n{more}FN:{name}\r\nN:;{name};;;\r\nEND:VCARD\r\n"


def vcard(name: str = "Ann", uid: str = "u1", more: str = "") -> str:
    """A card as the server itself would write it."""
    return CARD.format(name=name, uid=uid, more=more)


def basic(address: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{address}:{password}".encode()).decode()


class Dav:
    """A program of that user."""

    def __init__(self, user: User, write: bool = True, agent: str = "Phone/1.0") -> None:
        self.user, self.agent = user, agent
        self.app_password, self.password = AppPassword.objects.issue(user.pk, agent, write)
        self.client = Client(raise_request_exception=False)
        self.book = f"/dav/addressbooks/{user.pk}/contacts/"
        self.home = f"/dav/addressbooks/{user.pk}/"
        self.principal = f"/dav/principals/{user.pk}/"
        self.headers = {"HTTP_AUTHORIZATION": basic(user.email, self.password), "HTTP_USER_AGENT": agent}

    def ask(self, method: str, path: str, body: str | bytes = b"", kind: str = "text/vcard", **headers: Any) -> Any:
        """One request; a header is named as `if_match`."""
        named = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        answer = self.client.generic(method, path, body, kind, **{**self.headers, **named})
        if answer.streaming:
            answer.text_body = b"".join(answer.streaming_content).decode()
        else:
            answer.text_body = answer.content.decode()
        if answer.text_body:
            assert "html" not in answer["Content-Type"], answer.text_body
        return answer

    def path(self, name: str) -> str:
        return name if name.startswith("/") else self.book + name

    def put(self, name: str, body: str | bytes, **headers: Any) -> Any:
        return self.ask("PUT", self.path(name), body, **headers)

    def get(self, name: str, **headers: Any) -> Any:
        return self.ask("GET", self.path(name), **headers)

    def delete(self, name: str, **headers: Any) -> Any:
        return self.ask("DELETE", self.path(name), **headers)

    def propfind(self, path: str, props: str | None = None, depth: str = "0", **headers: Any) -> Any:
        body = "" if props is None else f"<propfind {NAMESPACES}><prop>{props}</prop></propfind>"
        return self.ask("PROPFIND", path, body, "application/xml", depth=depth, **headers)

    def report(self, body: str, path: str = "", **headers: Any) -> Any:
        return self.ask("REPORT", path or self.book, body, "application/xml", depth="1", **headers)

    def sync(self, token: str = "", props: str = "<getetag/>", limit: int | None = None, **headers: Any) -> Any:
        limited = f"<limit><nresults>{limit}</nresults></limit>" if limit else ""
        return self.report(
            f"<sync-collection {NAMESPACES}><sync-token>{token}</sync-token><sync-level>1</sync-level>{limited}"
            f"<prop>{props}</prop></sync-collection>",
            **headers,
        )

    def multiget(self, *names: str, props: str = "<getetag/><C:address-data/>") -> Any:
        hrefs = "".join(f"<href>{self.path(name)}</href>" for name in names)
        return self.report(f"<C:addressbook-multiget {NAMESPACES}><prop>{props}</prop>{hrefs}</C:addressbook-multiget>")

    def query(self, filters: str = "", props: str = "<getetag/>", test: str = "anyof", limit: str = "") -> Any:
        return self.report(
            f"<C:addressbook-query {NAMESPACES}><prop>{props}</prop>"
            f'<C:filter test="{test}">{filters}</C:filter>{limit}</C:addressbook-query>'
        )

    def etags(self) -> dict[str, str]:
        """Return the tags of all cards, by name."""
        found = responses(self.propfind(self.book, "<getetag/>", depth="1"))
        return {self.name(href): props[f"{D}getetag"] for href, props in found.items() if href != self.book}

    def name(self, href: str) -> str:
        return unquote(href.removeprefix(self.book))


def responses(answer: Any) -> dict[str, dict[str, Any]]:
    """Return {href: {property: text, or the element where it has children}}; `status` is that of a whole response.

    A property that is not there has the value None.
    """
    assert answer.status_code == 207, answer.text_body
    found: dict[str, dict[str, Any]] = {}
    for response in etree.fromstring(answer.text_body.encode()).iterfind(f"{D}response"):
        href = response.findtext(f"{D}href")
        assert href not in found, "a href is in a multistatus once"
        props: dict[str, Any] = {}
        if (status := response.findtext(f"{D}status")) is not None:
            props["status"] = status.split()[1]
        for propstat in response.iterfind(f"{D}propstat"):
            there = propstat.findtext(f"{D}status") == "HTTP/1.1 200 OK"
            for prop in propstat.find(f"{D}prop"):
                value = prop if len(prop) else prop.text or ""
                props[prop.tag] = value if there else None
        found[href] = props
    return found


def token_of(answer: Any) -> str:
    return etree.fromstring(answer.text_body.encode()).findtext(f"{D}sync-token") or ""


def precondition(answer: Any) -> str:
    """Return the name of the precondition in an error."""
    root = etree.fromstring(answer.text_body.encode())
    assert root.tag == f"{D}error" and len(root) == 1, answer.text_body
    return root[0].tag


def hrefs_in(element: Any) -> list[str]:
    return [each.text for each in element.iter(f"{D}href")]
