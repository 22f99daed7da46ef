"""Pages, admin and API browser in Chromium, on the running product"""

import re
from urllib.parse import urlencode

import pytest

from accounts.tests import browser as stage
from accounts.tests.browser import (
    SCHEMES,
    STANDARDS,
    WIDTHS,
    Person,
)
from accounts.tests.cast import newest_link, newest_mail
from contactbook.api.introduction import TAGS
from contactbook.tests.live import PASSWORD

pytestmark = [pytest.mark.long, pytest.mark.browser, pytest.mark.one_stack]
OURS = [*STANDARDS, "best-practice"]
NEW_PASSWORD = "a newer staple 7"
ADMIN_PAGES = {
    "admin": "/admin/",
    "admin-users": "/admin/accounts/user/",
    "admin-user": "/admin/accounts/user/{demo}/change/",
    "admin-user-add": "/admin/accounts/user/add/",
    "admin-user-password": "/admin/accounts/user/{demo}/password/",
    "admin-contacts": "/admin/contacts/contact/?owner=demo@example.org",
    "admin-contact": "/admin/contacts/contact/{contact}/change/",
    "admin-contact-add": "/admin/contacts/contact/add/",
    "admin-outgoing-emails": "/admin/accounts/outgoingemail/",
}


@pytest.fixture(scope="module")
def browser():
    with stage.chromium() as started:
        yield started


@pytest.fixture
def person(browser, server):
    with Person(browser, server) as somebody:
        yield somebody
        assert somebody.complaints == []
        assert [url for url in somebody.requested if not url.startswith((server.url, "data:", "blob:"))] == []


def sign_up(server, email):
    body = {"username": "Zoë", "email": email, "password": PASSWORD}
    assert server.ask("POST", "/api/auth/signup", body).status == 201
    return newest_link(server, "Confirm your address", email)


def ask_for_reset(server, email):
    assert server.ask("POST", "/api/auth/reset_pwd", {"email": email}).status == 200
    return newest_link(server, "Set a new password", email)


def set_new_password(page, password, again):
    page.get_by_label("New password").fill(password)
    page.get_by_label("The same again").fill(again)
    page.get_by_role("button", name="Set the password").click()


@pytest.fixture(scope="module")
def staff(server):
    """A staff member's address; the demo account is there as well."""
    server.env["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    server.manage("createsuperuser", "--noinput", "--email", "staff@example.org", "--username", "Staff")
    server.manage("demo")
    return "staff@example.org"


def log_in_as_staff(person, staff):
    page = person.opens("/admin/")
    page.get_by_label("Address").fill(staff)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Administration"
    return page


def test_confirm_reset_and_a_call_in_the_api_browser_work_on_screen(server, person):
    link = sign_up(server, "zoe@example.org")
    page = person.opens(link)
    assert person.sees("Confirm your address")
    page.get_by_role("button", name="Confirm").click()
    assert person.sees("Your address is confirmed")
    person.opens(link)
    assert person.sees("Your address is confirmed already")

    person.opens("/reset")
    page.get_by_label("Your address").fill("zoe@example.org")
    page.get_by_role("button", name="Send the link").click()
    assert person.sees("Look into your mailbox")

    link = newest_link(server, "Set a new password", "zoe@example.org")
    person.opens(link)
    set_new_password(page, "12345", "12345")
    beside = page.locator(".field", has=page.get_by_label("New password")).locator(".errorlist").inner_text()
    assert "too short" in beside and "entirely numeric" in beside
    set_new_password(page, NEW_PASSWORD, NEW_PASSWORD)
    assert person.sees("Your new password is set")
    person.opens(link)
    assert person.sees("This link does not work any more")

    page = person.opens("/api/docs")
    page.get_by_role("button", name="Authorize").first.click()
    form = page.locator(".auth-container").first
    form.locator("input#oauth_username").fill("zoe@example.org")
    form.locator("input#oauth_password").fill(NEW_PASSWORD)
    form.locator("button.authorize").click()
    page.get_by_role("button", name=re.compile("logout|remove auth", re.IGNORECASE)).first.wait_for()
    page.locator(".btn-done").first.click()
    operation = page.locator(
        ".opblock-get", has=page.locator("[data-path='/api/contacts'], [data-path='/api/contacts/']")
    ).first
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    operation.locator(".live-responses-table .response-col_status").first.wait_for()
    assert operation.locator(".live-responses-table tbody .response-col_status").first.inner_text().strip() == "200"


def test_an_invalid_link_offers_a_new_one(server, person):
    sign_up(server, "late@example.org")
    page = person.opens("/api/email/confirm/older-than-a-week")
    assert person.sees("This link does not work any more")
    page.get_by_label("Your address").fill("late@example.org")
    page.get_by_role("button", name="Send a new link").click()
    assert person.sees("Look into your mailbox")
    person.opens(newest_link(server, "Confirm your address", "late@example.org", mails=2))
    assert person.sees("Confirm your address")


def test_the_password_can_be_shown_and_hidden_again(server, person):
    sign_up(server, "shown@example.org")
    page = person.opens(ask_for_reset(server, "shown@example.org"))
    page.get_by_label("Show what I type").check()
    assert page.get_by_label("New password").get_attribute("type") == "text"
    page.get_by_label("Show what I type").uncheck()
    assert page.get_by_label("New password").get_attribute("type") == "password"


def test_the_pages_work_without_javascript(server, browser):
    sign_up(server, "plain@example.org")
    link = ask_for_reset(server, "plain@example.org")
    with Person(browser, server, java_script_enabled=False) as person:
        page = person.opens(link)
        assert not page.get_by_text("Show what I type").is_visible()
        set_new_password(page, NEW_PASSWORD, NEW_PASSWORD)
        page.get_by_text("Every session has ended.").first.wait_for()


def test_staff_find_a_contact_and_change_it(server, person, staff):
    page = log_in_as_staff(person, staff)
    page.locator(".numbers").get_by_role("link", name="contacts").click()
    page.locator("#searchbar").fill("lukasz")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Łukasz Żółkiewski").click()
    page.get_by_label("Phone").fill("+48 22 555 99 99")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("was changed successfully").first.wait_for()
    page.get_by_text("+48 22 555 99 99").first.wait_for()
    page.get_by_role("link", name="Łukasz Żółkiewski").first.click()
    page.get_by_role("link", name="History").click()
    page.get_by_text("Changed Phone.").first.wait_for()


def test_staff_find_an_owner_by_typing(server, person, staff):
    page = log_in_as_staff(person, staff)
    person.opens("/admin/contacts/contact/add/")
    page.locator(".select2-selection").first.click()
    page.locator(".select2-search__field").fill("demo@")
    page.get_by_role("option", name="demo@example.org").click()
    page.get_by_label("Full name").fill("Typed by staff")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("was added successfully").first.wait_for()


def test_after_staff_deactivate_an_account_its_token_is_refused(server, person, staff):
    email, token = server.sign_up("leaver@example.org")
    page = log_in_as_staff(person, staff)
    person.opens(f"/admin/accounts/user/?q={email}")
    page.locator("input.action-select").check()
    page.locator("select[name=action]").select_option("deactivate")
    page.locator("button[name=index]").click()
    page.get_by_text("Deactivated 1 of the selected accounts.").first.wait_for()
    assert server.ask("GET", "/api/contacts", token=token).status == 401


@pytest.fixture(scope="module")
def ours(server):
    """Every page, in every state that looks different."""
    confirm = sign_up(server, "looks@example.org")
    return {
        "home": "/",
        "confirm": confirm,
        "confirm-invalid": "/api/email/confirm/none",
        "ask-confirm": "/confirm",
        "ask-reset": "/reset",
        "reset": ask_for_reset(server, "looks@example.org"),
        "reset-invalid": "/reset/none",
        "not-found": "/nowhere",
    }


SENT = {
    "ask-reset": {"Your address": "sent@example.org"},
    "ask-confirm": {"Your address": "sent@example.org"},
}
REFUSED = {"reset": {"New password": "12345", "The same again": "1234"}}


@pytest.mark.long
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_pass_axe_and_fit_the_screen(server, browser, ours, scheme, width):
    faults = []

    def look(name):
        stage.photograph(person.page, f"{name}-{width}-{scheme}")
        if width == WIDTHS[-1]:
            faults.extend(f"{name}: {fault}" for fault in stage.accessibility(person.page, OURS))
        faults.extend([f"{name} scrolls sideways"] if stage.scrolls_sideways(person.page) else [])

    with Person(browser, server, color_scheme=scheme, viewport={"width": width, "height": 800}) as person:
        for name, path in ours.items():
            page = person.opens(path)
            look(name)
            for label, text in (SENT | REFUSED).get(name, {}).items():
                page.get_by_label(label).fill(text)
            if name in SENT | REFUSED:
                with page.expect_navigation():
                    page.get_by_role("button").click()
                look(f"{name}-{'sent' if name in SENT else 'refused'}")
        assert faults == []
        assert person.complaints == []


@pytest.fixture(scope="module")
def mails(server, ours):
    """One of each kind."""
    sign_up(server, "mails@example.org")
    path = ask_for_reset(server, "mails@example.org")
    cookie, token = csrf_pair(server, path)
    form = urlencode({"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD, "csrfmiddlewaretoken": token})
    assert server.ask("POST", path, form, headers={"Cookie": cookie}).status == 200
    subjects = ("Confirm your address", "Set a new password", "Your password was changed")
    return [newest_mail(server, subject, "mails@example.org") for subject in subjects]


def csrf_pair(server, path):
    answer = server.ask("GET", path)
    token = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', answer.body).group(1).decode()
    return answer.headers["Set-Cookie"].partition(";")[0], token


@pytest.mark.long
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_emails_pass_axe_and_fit_the_screen(server, browser, mails, scheme, width):
    with Person(browser, server, color_scheme=scheme, viewport={"width": width, "height": 700}) as person:
        for mail in mails:
            person.page.set_content(mail.get_body(("html",)).get_content())
            name = mail["Subject"].lower().replace(" ", "-")
            stage.photograph(person.page, f"mail-{name}-{width}-{scheme}")
            assert width == WIDTHS[0] or stage.accessibility(person.page, STANDARDS) == []
            assert not stage.scrolls_sideways(person.page)
        assert person.requested == []


@pytest.mark.long
@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_axe_finds_in_the_admin_is_documented(server, browser, staff, scheme):
    listed = stage.documented("Django's admin")
    unlisted = []
    with Person(browser, server, color_scheme=scheme, viewport={"width": 1280, "height": 800}) as person:
        page = person.opens("/admin/")
        unlisted += unknown(page, "admin-login", listed)
        stage.photograph(page, f"admin-login-1280-{scheme}")
        log_in_as_staff(person, staff)
        person.opens("/admin/contacts/contact/?owner=demo@example.org")
        keys = {
            "contact": number_in(page.locator("#result_list th a")),
            "demo": number_in(page.locator(".field-owner a")),
        }
        for name, path in ADMIN_PAGES.items():
            person.opens(path.format(**keys))
            unlisted += unknown(page, name, listed)
            stage.photograph(page, f"{name}-1280-{scheme}")
        assert person.complaints == []
    assert unlisted == []


def number_in(links):
    return re.search(r"/(\d+)/change", links.first.get_attribute("href")).group(1)


def unknown(page, name, listed):
    faults = stage.accessibility(page, STANDARDS)
    return [f"{name}: {fault}" for fault in faults if f"`{fault.split(':')[0]}`" not in listed]


@pytest.mark.long
@pytest.mark.parametrize(("name", "area", "ready"), [("docs", "Swagger UI", ".opblock"), ("redoc", "Redoc", "h1")])
def test_what_axe_finds_in_the_api_browsers_is_documented(server, browser, name, area, ready):
    """Redoc would like to show its maker's logo from another host; the page's policy forbids it."""
    with Person(browser, server) as person:
        page = person.opens(f"/api/{name}")
        page.locator(ready).first.wait_for()
        stage.photograph(page, f"{name}-1280-light")
        assert unknown(page, name, stage.documented(area)) == []
        assert [text for text in person.complaints if "cdn.redoc.ly" not in text] == []


@pytest.mark.parametrize(
    ("path", "group", "operation"),
    [
        ("/api/docs", ".opblock-tag", "#operations-contacts-createContact"),
        (
            "/api/redoc#tag/contacts/operation/createContact",
            "li[data-item-id^='tag/']:not([data-item-id*='/operation/']) > label",
            "[id='tag/contacts/operation/createContact']",
        ),
    ],
    ids=["docs", "redoc"],
)
def test_an_operation_is_shown_with_its_description_and_example(server, browser, path, group, operation, request):
    """The groups are in the order in which a newcomer needs them."""
    with Person(browser, server, viewport={"width": 1280, "height": 1000}) as person:
        page = person.opens(path)
        shown = page.locator(operation)
        shown.wait_for()
        groups = [text.split("\n")[0].strip().lower() for text in page.locator(group).all_inner_texts()]
        assert groups == [tag["name"] for tag in TAGS]
        if path == "/api/docs":
            shown.locator(".opblock-summary-control").click()
            shown.locator(".opblock-description").wait_for()
        page.get_by_text("Ada Lovelace").first.wait_for()
        assert "Adds a contact to your book" in shown.inner_text()
        shown.evaluate("element => element.scrollIntoView()")
        stage.photograph(page, f"{request.node.callspec.id}-operation-1280-light", full_page=False)
