"""The letters of the running product"""

import re
import time

from aiosmtpd.controller import Controller

from conftest import Mailbox
from contactbook.tests.live import PASSWORD, free_port, serving


def wait_for(mailbox, count, seconds):
    deadline = time.monotonic() + seconds
    while len(mailbox.raw) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(mailbox.raw)


def sign_up(server, email):
    body = {"username": "Zed", "email": email, "password": PASSWORD}
    assert server.ask("POST", "/api/auth/signup", body).status == 201


def test_it_works(tmp_path):
    """The mail server is away, comes back, and stays: each mail goes out once, by itself."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    url = f"smtp://127.0.0.1:{controller.port}"
    with serving(tmp_path / "var", EMAIL_URL=url) as server:
        began = time.monotonic()
        sign_up(server, "first@example.org")
        assert time.monotonic() - began < 1
        time.sleep(0.5)
        controller.start()
        try:
            assert wait_for(mailbox, 1, 12) == 1
            sign_up(server, "second@example.org")
            assert wait_for(mailbox, 2, 2) == 2
            time.sleep(1)
            assert [mail["To"] for mail in mailbox.messages] == ["first@example.org", "second@example.org"]
        finally:
            controller.stop()
        text = mailbox.messages[1].get_body(("plain",)).get_content()
        link = re.search(rf"{re.escape(server.url)}(/api/email/confirm/\S+)", text)[1]
        assert server.ask("GET", link).json() == "Email confirmed"
        assert link.rpartition("/")[2] not in server.log.read_text()
