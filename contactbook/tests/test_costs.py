"""What the most expensive requests of a confirmed user cost the process that serves them.

No request that writes or is buffered takes more than 2 s of processor or 150 MB beyond the idle process. A streamed
read of the whole book takes time in proportion, and 50 MB. The tests allow twice the time, for slow machines.
"""

import base64
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from contactbook.tests import large_books, pictures
from contactbook.tests.live import PASSWORD, Answer, Server, serving

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="COSTS ARE NOT MEASURED: this is no Linux"),
]

SECONDS, MEGABYTES, STREAMED_MEGABYTES = 2 * 2, 150, 50
MALLOC = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "262144"}  # as scripts/run and the Dockerfile set them
TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    name: str
    statuses: list[int]
    seconds: float  # of processor
    megabytes: float  # beyond the idle process
    answer: int  # bytes

    @property
    def row(self) -> str:
        statuses = ", ".join(map(str, sorted(set(self.statuses))))
        return f"| {self.name} | {statuses} | {self.seconds:.2f} | {self.megabytes:.0f} | {self.answer / 1e6:.1f} |"


class Worker:
    """The one process that serves; its times and memory as the kernel counts them."""

    def __init__(self, server: Server) -> None:
        task = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        self.path = Path(f"/proc/{task.read_text().split()[0]}")
        self.idle = self.megabytes("VmRSS")

    def seconds(self) -> float:
        fields = (self.path / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def megabytes(self, name: str) -> float:
        lines = (self.path / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024

    def cost(self, name: str, *asks: Callable[[], Answer]) -> Cost:
        """Send requests at once and return what they cost together."""
        (self.path / "clear_refs").write_text("5")  # VmHWM begins again at today's VmRSS
        before = self.seconds()
        with ThreadPoolExecutor(len(asks)) as pool:
            answers = [future.result() for future in [pool.submit(ask) for ask in asks]]
        taken, peak = self.seconds() - before, self.megabytes("VmHWM") - self.idle
        cost = Cost(name, [each.status for each in answers], taken, peak, sum(len(each.body) for each in answers))
        print(cost.row, flush=True)
        return cost


class Accounts:
    """The accounts of large_books, and requests of theirs."""

    def __init__(self, server: Server) -> None:
        self.server = server
        code = "from contactbook.tests.large_books import fill; fill()"
        self.by_name = json.loads(server.manage("shell", "-v0", "-c", code))

    def ids(self, name: str) -> list[int]:
        return self.by_name[name]["contacts"]

    def contact(self, name: str, number: int = 0) -> str:
        return f"/api/contacts/{self.ids(name)[number]}"

    def group(self, name: str) -> str:
        return f"/api/groups/{self.by_name[name]['group']}"

    def ask(self, name: str, method: str, path: str, body: Any = None, **headers: str) -> Callable[[], Answer]:
        token = self.by_name[name]["token"]
        return lambda: self.server.ask(method, path, body, token, headers, timeout=200)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "var", processes=1, **MALLOC) as running:
        yield running


@pytest.fixture(scope="module")
def accounts(server: Server) -> Accounts:
    return Accounts(server)


@pytest.fixture
def worker(server: Server, accounts: Accounts) -> Worker:
    """A new process, idle after it has loaded what requests need."""
    server.stop()
    server.start()
    for path in ("/api/contacts/?limit=1", "/api/me", "/api/contacts/bd", "/api/contacts/trash?limit=1"):
        accounts.ask("small", "GET", path)()
    accounts.ask("small", "PATCH", f"{accounts.contact('small')}/avatar", pictures.as_form(b""), **pictures.FORM)()
    print("\n| request | status | s | MB | answer, MB |\n| --- | --- | --- | --- | --- |")
    return Worker(server)


def updates(ids: list[int], contact: dict[str, Any]) -> dict[str, Any]:
    return {"atomic": False, "items": [{"op": "update", "id": each, "contact": contact} for each in ids]}


def creates(contact: dict[str, Any]) -> dict[str, Any]:
    return {"items": [{"op": "create", "contact": contact}] * 1000}


def patch(card: dict[str, Any]) -> dict[str, Any]:
    return {"card": {name: value for name, value in card.items() if name != "name"}}


def assert_bounded(costs: list[Cost], megabytes: float = MEGABYTES, seconds: float = SECONDS) -> None:
    over = [cost.row for cost in costs if cost.seconds > seconds or cost.megabytes > megabytes]
    assert not over, "\n".join(over)
    assert not [cost.row for cost in costs if max(cost.statuses) >= 500 and "of a group" not in cost.name]


CARDS = ("strings", "nested", "objects", "wide")
NEW = {"fullname": "New", "email": "new@example.org", "phone": "+44 20 7946 0000", "birthday": "2000-02-29"}


def test_writes_of_one_card(accounts: Accounts, worker: Worker) -> None:
    costs = []
    for name in CARDS:
        card, other = getattr(large_books, name)(), getattr(large_books, CARDS[CARDS.index(name) - 1])()
        create = accounts.ask("small", "POST", "/api/contacts", {"fullname": "Large", "card": card})
        costs.append(worker.cost(f"create, card of {name}", create))
        path = f"/api/contacts/{create().json()['id']}"
        costs.append(worker.cost(f"PUT, card of {name}", accounts.ask("small", "PUT", path, {"fullname": "Other"})))
        costs.append(worker.cost(f"PATCH, {name} after others", accounts.ask("small", "PATCH", path, patch(other))))
        costs.append(worker.cost(f"delete, card of {name}", accounts.ask("small", "DELETE", path)))
    assert_bounded(costs)


def test_batches(accounts: Accounts, worker: Worker) -> None:
    def batch(name: str, body: Any, **headers: str) -> Callable[[], Answer]:
        return accounts.ask(name, "POST", "/api/contacts/batch", body, **headers)

    key = {"Idempotency-Key": "costs"}
    full, objects, texts = accounts.ids("full"), accounts.ids("objects")[:1000], accounts.ids("texts")
    one = accounts.ids("changed") * 1000
    assert_bounded(
        [
            worker.cost("batch, 700 updates of large cards", batch("full", updates(full, NEW))),
            worker.cost("batch, 15 updates of large cards", batch("full", updates(full[:15], NEW))),
            worker.cost("batch, 15 updates, Idempotency-Key", batch("full", updates(full[30:45], NEW), **key)),
            worker.cost("batch, 15 updates of nested cards", batch("full", updates(full[-15:], NEW))),
            worker.cost("batch, 1,000 updates of many values", batch("objects", updates(objects, NEW))),
            worker.cost("batch, 150 updates of many values", batch("objects", updates(objects[:150], NEW))),
            worker.cost("batch, 50 updates of many values", batch("objects", updates(objects[150:200], NEW))),
            worker.cost("batch, 20 updates of wide texts", batch("texts", updates(texts[:20], NEW))),
            worker.cost("batch, 1,000 updates of one large card", batch("changed", updates(one, NEW))),
            worker.cost("batch, 1,000 creates", batch("small", creates(NEW))),
            worker.cost("batch, 1,000 refused items", batch("small", updates(full, NEW))),
            worker.cost("batch, 1,000 updates of small", batch("small", updates(accounts.ids("small")[:1000], NEW))),
        ]
    )


def test_undo(accounts: Accounts, worker: Worker) -> None:
    def undo(name: str, number: int) -> Callable[[], Answer]:
        return accounts.ask(name, "POST", "/api/undo", {"since": newest(accounts, name) - number})

    changed = accounts.ids("small")[1000:1999]
    accounts.ask("small", "POST", "/api/contacts/batch", updates(changed, NEW))()
    accounts.ask("full", "POST", "/api/contacts/batch", updates(accounts.ids("full")[100:115], NEW))()
    assert_bounded(
        [
            worker.cost("undo of 15 large", undo("full", 16)),
            worker.cost("undo of 1,000 small", undo("small", 1000)),
            worker.cost("undo since 0", undo("full", newest(accounts, "full"))),
        ]
    )


def newest(accounts: Accounts, name: str) -> int:
    """The number of the account's last change."""
    answer = accounts.ask(name, "POST", "/api/contacts", {"fullname": "Newest"})()
    return int(answer.headers["ETag"].strip('"').partition("-")[2])


def test_groups(accounts: Accounts, worker: Worker) -> None:
    costs = []
    for name in ("objects", "full", "small"):
        path = accounts.group(name)
        costs.append(worker.cost(f"rename of a group, {name}", accounts.ask(name, "PATCH", path, {"name": "Other"})))
        costs.append(worker.cost(f"deletion of a group, {name}", accounts.ask(name, "DELETE", path)))
    assert_bounded(costs)


def test_history(accounts: Accounts, worker: Worker) -> None:
    path = accounts.contact("changed")
    restore = accounts.ask("changed", "POST", f"{path}/restore", {"to": 1, "fields": ["fullname", "x.org:values"]})
    assert_bounded(
        [
            worker.cost("history, limit=1000", accounts.ask("changed", "GET", f"{path}/history?limit=1000")),
            worker.cost("history, limit=20", accounts.ask("changed", "GET", f"{path}/history?limit=20")),
            worker.cost("restore", accounts.ask("changed", "POST", f"{path}/restore", {"to": 1})),
            worker.cost("restore of fields", restore),
            worker.cost("undo of one change", accounts.ask("changed", "POST", "/api/undo", {"change": 20})),
        ]
    )


def labelled(number: int) -> dict[str, Any]:
    """A contact whose 90 addresses others have with another label: what a merge takes longest for."""
    emails = {f"e{n}": {"address": f"e{n}@example.org", "label": f"l{number % 4}"} for n in range(90)}
    return {"fullname": f"Merged {number}", "card": {"emails": emails}}


def numbered(number: int) -> dict[str, Any]:
    """A contact with 40 numbers that end as those of the others do."""
    numbers = {f"p{n}": {"number": f"0{number + 2}{n:02} 1234567"} for n in range(40)}
    return {"fullname": "Numbers", "card": {"phones": numbers}}


def test_merges(accounts: Accounts, worker: Worker) -> None:
    def post(path: str, body: Any) -> Callable[[], Answer]:
        return accounts.ask("small", "POST", path, body)

    costs = []
    for name, contacts in {
        "100 with 90 addresses": [labelled(number) for number in range(100)],
        "6 with 40 numbers": [numbered(number) for number in range(6)],
        "4 of 245 KB": [{"fullname": "Merged", "card": {"x.org:values": ["x" * 245_000, n]}} for n in range(4)],
    }.items():
        ids = []
        for contact in contacts:
            ids.append(post("/api/contacts", contact)().json()["id"])
        costs.append(
            worker.cost(f"merge of {name}, dry run", post("/api/contacts/merge", {"ids": ids, "dry_run": True}))
        )
        merge = post("/api/contacts/merge", {"ids": ids})
        costs.append(worker.cost(f"merge of {name}", merge))
        costs.append(worker.cost("undo of it", post("/api/undo", {"change": newest(accounts, "small") - 1})))
    costs.append(worker.cost("merge of 200,000 that are no ids", post("/api/contacts/merge", {"ids": ["x"] * 200_000})))
    costs.append(worker.cost("duplicates", accounts.ask("small", "GET", "/api/contacts/duplicates?limit=1000")))
    assert_bounded(costs)
    assert costs[0].statuses == costs[1].statuses == costs[2].statuses == [200]


def test_a_batch_of_new_groups(accounts: Accounts, worker: Worker) -> None:
    cards = [{"keywords": {f"{n}-{i}": True for i in range(60)}} for n in range(1000)]
    items = [{"op": "create", "contact": {"fullname": "New", "card": card}} for card in cards]
    asks = [accounts.ask("small", "POST", "/api/contacts/batch", {"items": items[:n]}) for n in (160, 1000)]
    assert_bounded(
        [worker.cost(f"batch, {n} new groups", ask) for n, ask in zip(("9,600", "60,000"), asks, strict=True)]
    )


@pytest.fixture(scope="module")
def dav(accounts: Accounts) -> Callable[..., Callable[[], Answer]]:
    """Requests of a CardDAV client for the address book of the small account."""
    given = accounts.ask("small", "POST", "/api/me/app_passwords", {"name": "Costs"})().json()
    pair = f"{large_books.ADDRESS.format('small')}:{given['password']}"
    sent = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    book = f"/dav/addressbooks/{accounts.ask('small', 'GET', '/api/me')().json()['id']}/contacts/"

    def ask(method: str, name: str, body: bytes | None = None, **headers: str) -> Callable[[], Answer]:
        return lambda: accounts.server.ask(method, book + name, body, None, sent | headers, timeout=200)

    return ask


def test_carddav(accounts: Accounts, worker: Worker, dav: Callable[..., Callable[[], Answer]]) -> None:
    def put(name: str, *lines: bytes) -> Callable[[], Answer]:
        vcard = [
            b"BEGIN:VCARD",
            b"VERSION:3.0",
            b"FN:Costs %s" % name.encode(),
            b"UID:%s" % name.encode(),
            *lines,
            b"END:VCARD",
            b"",
        ]
        return dav("PUT", name, b"\r\n".join(vcard), **{"Content-Type": "text/vcard"})

    photo = b"PHOTO;ENCODING=b:%s"
    decoded = pictures.png(4000, 4000, 8, 0)
    photos = [photo % base64.b64encode(decoded + bytes([n])) for n in range(90)]
    costs = [worker.cost("PUT of 90 pictures", put("pictures", *photos))]
    put("repeated", photo % base64.b64encode(os.urandom(5_000_000)))()
    (found,) = accounts.ask("small", "GET", "/api/contacts?q=costs%20repeated&fields=card")().json()
    uri = found["card"]["media"]["m1"]["uri"]
    card = {"media": {f"m{n}": {"kind": "photo", "uri": uri} for n in range(500)}}
    uid = accounts.ask("small", "POST", "/api/contacts", {"fullname": "Often", "card": card})().json()["card"]["uid"]
    costs.append(worker.cost("GET of one picture 500 times", dav("GET", f"{uid}.vcf")))
    costs.append(worker.cost("PUT of 9 MB of backslashes", put("escaped", b"NOTE:" + b"\\" * 9_000_000)))
    assert_bounded(costs)


def test_a_streamed_propfind(worker: Worker, dav: Callable[..., Callable[[], Answer]]) -> None:
    names = b"".join(b'<p%d xmlns="x"/>' % n for n in range(100))
    body = b'<propfind xmlns="DAV:"><prop>%s</prop></propfind>' % names
    stream = worker.cost("PROPFIND of 100 properties", dav("PROPFIND", "", body, Depth="1"))
    assert_bounded([stream], STREAMED_MEGABYTES, seconds=60)


LISTS = {
    "list, limit=1000": "?limit=1000",
    "list, limit=1000, card": "?limit=1000&fields=card",
    "list, limit=20, card": "?skip=0&limit=20&fields=card",
    "list, skip=4000, card": "?skip=4000&limit=1000&fields=card",
    "list, q of one letter": "?limit=1000&fields=card&q=n",
    "list, q of 320 ligatures": f"?limit=1000&fields=card&q={quote('ﷺ' * 320)}",
    "list, by group and favourite": "?limit=1000&fields=card&group=Team&favourite=false",
    "changes, limit=1000, card": "changes?limit=1000&fields=card",
    "bd of 366 days": "bd?days_range=366&across_year=true",
    "bd, limit=20": "bd?days_range=366&across_year=true&limit=20",
    "trash, limit=1000": "trash?limit=1000",
    "trash, limit=20": "trash?limit=20",
    "find of a text that is not there": quote("nobody of that name"),
}


@pytest.mark.parametrize("name", ["full", "objects", "texts", "small"])
def test_reads(accounts: Accounts, worker: Worker, name: str) -> None:
    costs = []
    for what, query in LISTS.items():
        ask = accounts.ask(name, "GET", f"/api/contacts/{query}")
        costs.append(worker.cost(f"{what} ({name})", ask))
    costs.append(worker.cost(f"list, by cursor ({name})", second_page(accounts, name)))
    assert_bounded(costs)


def second_page(accounts: Accounts, name: str) -> Callable[[], Answer]:
    link = accounts.ask(name, "GET", "/api/contacts/?limit=1000&fields=card")().headers["Link"]
    return accounts.ask(name, "GET", link[link.index("/api/") : link.index(">")])


def test_eight_large_lists_at_once(accounts: Accounts, worker: Worker) -> None:
    costs = []
    for name in ("full", "objects", "texts", "small"):
        ask = accounts.ask(name, "GET", "/api/contacts/?limit=1000&fields=card")
        costs.append(worker.cost(f"eight lists at once ({name})", *[ask] * 8))
    assert max(cost.megabytes for cost in costs) < 8 * 80  # not the bound of each together


@pytest.mark.parametrize("name", ["full", "objects", "changed", "texts", "small"])
def test_exports(accounts: Accounts, worker: Worker, name: str) -> None:
    cost = worker.cost(f"export ({name})", accounts.ask(name, "GET", "/api/me/export"))
    assert_bounded([cost], STREAMED_MEGABYTES, seconds=60)
    assert cost.statuses == [200]


def test_passwords(server: Server, worker: Worker) -> None:
    form = f"username={large_books.ADDRESS.format('small')}&password="
    signup = {"username": "x" * 100, "email": "new@large.example.org", "password": PASSWORD * 60}
    assert_bounded(
        [
            worker.cost("login", lambda: server.ask("POST", "/api/auth/login", form + quote(PASSWORD))),
            worker.cost("login, 1,024 characters", lambda: server.ask("POST", "/api/auth/login", form + "x" * 1024)),
            worker.cost("sign-up", lambda: server.ask("POST", "/api/auth/signup", signup)),
        ]
    )


@pytest.mark.parametrize("name", pictures.LARGEST)
def test_pictures(accounts: Accounts, worker: Worker, name: str) -> None:
    body = pictures.as_form(pictures.LARGEST[name]())
    ask = accounts.ask("small", "PATCH", f"{accounts.contact('small')}/avatar", body, **pictures.FORM)
    cost = worker.cost(f"avatar, {name}", ask)
    assert_bounded([cost])
    assert cost.statuses == [200]
