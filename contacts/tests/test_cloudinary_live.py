"""Uploads of the running product while Cloudinary hangs, fails or cannot be reached, or the database refuses writes."""

import contextlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from contactbook.tests.faults import idle_in_transaction, timed, until
from contactbook.tests.live import serving
from contacts.tests.cloudinary_server import CloudinaryServer
from contacts.tests.test_contact_avatar import picture

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def far_end():
    with CloudinaryServer() as server:
        yield server


@pytest.fixture(scope="module")
def server(far_end, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server") / "var", CLOUDINARY_URL=far_end.url) as running:
        yield running


@pytest.fixture(scope="module")
def token(server):
    return server.sign_up()[1]


@pytest.fixture
def contact(server, token, far_end):
    """With an avatar."""
    far_end.upload_mode = far_end.destroy_mode = "ok"
    made = server.ask("POST", "/api/contacts", {"fullname": "Ann"}, token).json()
    return upload(server, token, made["id"]).json()


def upload(server, token, contact_id):
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    form = head.encode() + picture().read() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return server.ask("PATCH", f"/api/contacts/{contact_id}/avatar", form, token, headers, timeout=30)


def avatar(server, token, contact):
    return server.ask("GET", f"/api/contacts/{contact['id']}", token=token).json()["avatar"]


def assert_unavailable(answer):
    assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
    assert answer.json() == {"detail": "The avatar cannot be stored right now; the old one stays."}


@pytest.mark.long
def test_while_cloudinary_hangs_other_requests_are_answered_and_uploads_are_503(server, token, contact, far_end):
    """Of twenty uploads four a process wait for Cloudinary; the others are refused at once, and threads are free."""
    images, before = dict(far_end.images), len(far_end.requests)
    far_end.upload_mode = "hang"
    idle = [0] if "DATABASE_URL" not in server.env else []
    with ThreadPoolExecutor(20) as pool:
        uploads = [pool.submit(timed, lambda: upload(server, token, contact["id"])) for _ in range(20)]
        until(lambda: len(far_end.requests) > before)
        while not all(each.done() for each in uploads):
            answer, seconds = timed(lambda: server.ask("GET", "/api/contacts", token=token))
            assert answer.status == 200 and seconds < 5
            body = {"fullname": "written meanwhile"}  # into the very book
            assert server.ask("POST", "/api/contacts", body, token).status == 201
            if "DATABASE_URL" in server.env:
                idle.append(idle_in_transaction(server))
            time.sleep(0.2)
    assert min(idle) == 0, "a transaction was open all the time"
    for each in uploads:
        answer, seconds = each.result()
        assert_unavailable(answer)
        assert seconds < 16
    assert avatar(server, token, contact) == contact["avatar"]
    until(lambda: far_end.images == images)
    far_end.upload_mode = "ok"
    assert upload(server, token, contact["id"]).status == 200


@pytest.mark.parametrize("mode", ["refuse", "drop"])
def test_when_cloudinary_fails_the_old_avatar_stays_and_no_picture_is_left(server, token, contact, far_end, mode):
    images = dict(far_end.images)
    far_end.upload_mode = mode
    assert_unavailable(upload(server, token, contact["id"]))
    assert avatar(server, token, contact) == contact["avatar"]
    assert far_end.images == images


def test_a_picture_that_could_not_be_deleted_is_deleted_by_purge_history(server, token, contact, far_end):
    images = dict(far_end.images)
    far_end.upload_mode, far_end.destroy_mode = "drop", "refuse"
    assert_unavailable(upload(server, token, contact["id"]))
    assert len(far_end.images) == len(images) + 1, "an orphan"
    far_end.destroy_mode = "ok"
    server.manage("purge_history")
    assert far_end.images.keys() <= images.keys()
    assert far_end.image(contact["avatar"])


@pytest.mark.postgresql
def test_a_stored_picture_is_deleted_when_the_database_refuses_the_write(server, token, contact, far_end):
    images = dict(far_end.images)
    with contextlib.closing(psycopg2.connect(server.env["DATABASE_URL"])) as holder:
        holder.cursor().execute("SELECT * FROM contacts_book FOR UPDATE")
        answer = upload(server, token, contact["id"])
    assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
    assert far_end.images == images
    assert avatar(server, token, contact) == contact["avatar"]


def test_an_unreachable_cloudinary_is_a_503_at_once(tmp_path):
    with CloudinaryServer() as gone:
        url = gone.url
    with serving(tmp_path / "var", processes=1, CLOUDINARY_URL=url) as server:
        _, token = server.sign_up()
        made = server.ask("POST", "/api/contacts", {"fullname": "Ann", "avatar": "https://x/old"}, token).json()
        answer, seconds = timed(lambda: upload(server, token, made["id"]))
        assert_unavailable(answer)
        assert seconds < 5
        assert avatar(server, token, made) == "https://x/old"
