"""Runs under Debian's Python inside a D-Bus session: evolution-data-server's book, one action for each line of input."""

import json
import sys
import time
from urllib.parse import urlsplit

import gi

gi.require_version("EBook", "1.2")
gi.require_version("EDataServer", "1.2")
gi.require_version("EBookContacts", "1.2")
from gi.repository import EBook, EBookContacts, EDataServer  # noqa: E402


def set_up(url: str, address: str, password: str, **_: str) -> EBook.BookClient:
    registry = EDataServer.SourceRegistry.new_sync(None)
    source = EDataServer.Source.new_with_uid("contactbook", None)
    source.set_display_name("contactbook")
    source.get_extension(EDataServer.SOURCE_EXTENSION_ADDRESS_BOOK).set_backend_name("carddav")
    place = urlsplit(url)
    login = source.get_extension(EDataServer.SOURCE_EXTENSION_AUTHENTICATION)
    login.set_host(place.hostname)
    login.set_port(place.port)
    login.set_user(address)
    login.set_method("plain/password")
    webdav = source.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND)
    webdav.set_resource_path(discovered(source, url, address, password))
    source.store_password_sync(password, True, None)
    registry.commit_source_sync(source, None)
    time.sleep(1)
    return EBook.BookClient.connect_sync(registry.ref_source("contactbook"), 30, None)


def discovered(source: EDataServer.Source, url: str, address: str, password: str) -> str:
    """Return the path of the book that evolution-data-server finds below the address of the server."""
    credentials = EDataServer.NamedParameters()
    credentials.set("username", address)
    credentials.set("password", password)
    contacts = EDataServer.WebDAVDiscoverSupports.CONTACTS
    found = EDataServer.webdav_discover_sources_sync(source, f"{url}/", contacts, credentials, None)
    books = next(each for each in found if isinstance(each, list) and each and hasattr(each[0], "href"))
    return urlsplit(books[0].href).path


def contacts_of(book: EBook.BookClient) -> dict[str, EBookContacts.Contact]:
    found = book.get_contacts_sync("#t", None)[1]
    return {contact.get_property("full-name"): contact for contact in found}


def refresh(book: EBook.BookClient) -> None:
    book.refresh_sync(None)
    time.sleep(2)


def act(
    book: EBook.BookClient, action: str, name: str = "", to: str = "", cards: tuple[str, ...] = (), **_: str
) -> None:
    flags = EBookContacts.BookOperationFlags.NONE if hasattr(EBookContacts, "BookOperationFlags") else 0
    if action == "create":
        book.add_contacts_sync([EBookContacts.Contact.new_from_vcard(card) for card in cards], flags, None)
    if action == "rename":
        contact = contacts_of(book)[name]
        contact.set_property("full-name", to)
        book.modify_contact_sync(contact, flags, None)
    if action == "delete":
        book.remove_contact_sync(contacts_of(book)[name], flags, None)


book = None
for line in sys.stdin:
    asked = json.loads(line)
    try:
        if book is None:
            book = set_up(**asked)
        refresh(book)
        act(book, **asked)
        refresh(book)
        print(json.dumps(sorted(contacts_of(book))), flush=True)
    except Exception as error:
        print(f"ERROR {type(error).__name__}: {error}", flush=True)
