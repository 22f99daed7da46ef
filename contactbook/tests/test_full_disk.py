"""A disk that is full: writes are a 503, reads go on, nothing is half done, and room mends it without a restart."""

import io
import os
import shutil
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from contactbook.tests.faults import account, own_postgres, until
from contactbook.tests.live import serving
from contactbook.tests.small_disk import small_disk

pytestmark = pytest.mark.long
embedded = pytest.mark.one_stack
BUSY = {"detail": "The service is busy. Try again in a moment."}
NOT_STORED = {"detail": "The avatar cannot be stored right now; the old one stays."}


@pytest.fixture(scope="module")
def postgres_stage(tmp_path_factory):
    """All of PostgreSQL's data, its log of writes too, on a small disk."""
    with own_postgres() as postgres:
        postgres.stop()
        data = postgres.folder / "postgres" / "data"
        full = data.rename(data.with_name("moved"))
        with small_disk(data, 120, full.stat()) as disk:
            shutil.copytree(full, data, dirs_exist_ok=True, copy_function=shutil.copy2)
            for path in data.rglob("*"):
                shutil.chown(path, *(full.stat().st_uid, full.stat().st_gid))
            postgres.start()
            try:
                with serving(tmp_path_factory.mktemp("pg") / "var", DATABASE_URL=postgres.url) as server:
                    yield SimpleNamespace(server=server, disk=disk, token=account(server)[1])
            finally:
                postgres.stop()


@pytest.fixture(scope="module")
def embedded_stage(tmp_path_factory):
    """Database, mails, avatars, temporary files and the server's log on one small disk."""
    folder = tmp_path_factory.mktemp("embedded")
    with small_disk(folder / "disk", 16) as disk:
        temporary = disk.folder / "tmp"
        temporary.mkdir()
        with serving(disk.folder / "var", TMPDIR=str(temporary)) as server:
            yield SimpleNamespace(server=server, disk=disk, token=account(server)[1])


def new_contact():
    return {"fullname": uuid.uuid4().hex, "additional": uuid.uuid4().hex * 90}


def write_until_refused(stage):
    """The names that were acknowledged, and the first answer that was none."""
    names = []
    for _ in range(300):
        contact = new_contact()
        answer = stage.server.ask("POST", "/api/contacts", contact, stage.token)
        if answer.status != 201:
            return names, answer
        names.append(contact["fullname"])
    raise AssertionError("the disk is not full")


def assert_a_full_disk_is_survived(stage):
    ask = lambda path: stage.server.ask("GET", path, token=stage.token)  # noqa: E731
    first = new_contact()
    assert stage.server.ask("POST", "/api/contacts", first, stage.token).status == 201
    stage.disk.fill()
    try:
        names, refused = write_until_refused(stage)
        assert (refused.status, refused.json()) == (503, BUSY)
        assert int(refused.headers["Retry-After"]) >= 1
        for _ in range(20):  # every thread
            assert ask(f"/api/contacts/{first['fullname']}").status == 200
            assert ask("/api/contacts/bd").status == 200
        assert {each["fullname"] for each in ask("/api/contacts?limit=1000").json()} == {first["fullname"], *names}
        assert stage.server.ask("GET", "/healthz").status == 200
        statuses = {stage.server.ask("POST", "/api/contacts", new_contact(), stage.token).status for _ in range(20)}
        assert statuses <= {201, 503}
    finally:
        stage.disk.free()
    until(lambda: stage.server.ask("POST", "/api/contacts", new_contact(), stage.token).status == 201)
    answers = [stage.server.ask("POST", "/api/contacts", new_contact(), stage.token).status for _ in range(20)]
    assert answers == [201] * 20
    changes = ask("/api/contacts/changes?since=0&limit=1000").json()["changes"]
    total = int(ask("/api/contacts?limit=0").headers["X-Total-Count"])
    assert len(changes) == total, "one change for each contact, and none for what was refused"


@pytest.mark.postgresql
def test_postgresqls_disk_is_full(postgres_stage):
    assert_a_full_disk_is_survived(postgres_stage)


@embedded
def test_sqlites_disk_is_full_and_so_is_that_of_the_log(embedded_stage):
    assert_a_full_disk_is_survived(embedded_stage)


def noise(side):
    """A picture that cannot be compressed."""
    data = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(data, "PNG")
    return data.getvalue()


def upload(stage, contact_id, picture):
    boundary = uuid.uuid4().hex  # which a picture's bytes may not hold by chance
    head = b'--%b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' % boundary.encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    url = f"/api/contacts/{contact_id}/avatar"
    form = head + picture + f"\r\n--{boundary}--\r\n".encode()
    return stage.server.ask("PATCH", url, form, stage.token, headers)


@embedded
@pytest.mark.parametrize("side", [300, 700], ids=["in memory", "by a temporary file"])
def test_an_avatar_for_which_there_is_no_room_leaves_the_old_one_and_no_half_file(embedded_stage, side):
    stage = embedded_stage
    contact = stage.server.ask("POST", "/api/contacts", new_contact(), stage.token).json()
    old = upload(stage, contact["id"], noise(side)).json()["avatar"]
    media = Path(stage.server.folder) / "media" / "avatars"
    before = sorted(media.iterdir())
    stage.disk.fill()
    try:
        answer = upload(stage, contact["id"], noise(side))
        read = stage.server.ask("GET", f"/api/contacts/{contact['id']}", token=stage.token)
        assert sorted(media.iterdir()) == before
    finally:
        stage.disk.free()
    assert answer.status == 503 and answer.json() in (NOT_STORED, BUSY)
    assert int(answer.headers["Retry-After"]) >= 1
    assert read.json()["avatar"] == old
    assert list((stage.disk.folder / "tmp").iterdir()) == [], "no half file"
    assert upload(stage, contact["id"], noise(side)).status == 200
