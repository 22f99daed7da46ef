"""Real programs against the running product: each finds the book from the address alone, and none loses anything."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from contactbook.tests.live import serving
from contacts.tests.clients import login_of, new_card, program
from contacts.tests.clients.eds import EvolutionDataServer
from contacts.tests.clients.syncevolution import Syncevolution
from contacts.tests.clients.thunderbird import Thunderbird
from contacts.tests.clients.tsdav import Tsdav
from contacts.tests.clients.vdirsyncer import Vdirsyncer

pytestmark = pytest.mark.long

DEVICES = {
    "vdirsyncer": Vdirsyncer,
    "tsdav": Tsdav,
    "thunderbird": Thunderbird,
    "evolution": EvolutionDataServer,
    "syncevolution": Syncevolution,
}


class Account:
    """An account on the server, and REST's view of it."""

    def __init__(self, server):
        self.server = server
        self.email, self.token = server.sign_up()

    def ask(self, method, path, body=None):
        answer = self.server.ask(method, f"/api/contacts{path}", body, self.token)
        assert answer.status < 400, answer.body
        return answer.json() if answer.body else None

    def names(self):
        return sorted(contact["fullname"] for contact in self.ask("GET", "?limit=1000"))

    def id_of(self, name):
        return next(contact["id"] for contact in self.ask("GET", "?limit=1000") if contact["fullname"] == name)

    def create(self, *names):
        for name in names:
            self.ask("POST", "", {"fullname": name, "email": f"{name.lower()}@example.org"})

    def rename(self, old, new):
        self.ask("PATCH", f"/{self.id_of(old)}", {"fullname": new})

    def delete(self, name):
        self.ask("DELETE", f"/{self.id_of(name)}")


@pytest.fixture
def account(server):
    return Account(server)


@pytest.fixture
def device(account, tmp_path):
    """Return a function that sets up a program with the account's address and an app password."""
    made = []

    def set_up(name, *options):
        login = login_of(account.server, account.email, account.token, name)
        made.append(DEVICES[name](login, tmp_path / f"{name}{len(made)}", *options))
        return made[-1]

    yield set_up
    for each in made:
        each.close()


@pytest.mark.parametrize("name", DEVICES)
def test_it_finds_the_book_lists_creates_edits_and_deletes(account, device, name):
    account.create("Ann", "Zoë Ärger")
    phone = device(name)
    assert phone.names() == ["Ann", "Zoë Ärger"]
    phone.create("Bea", "Cleo")
    assert account.names() == ["Ann", "Bea", "Cleo", "Zoë Ärger"]
    phone.rename("Ann", "Anna")
    assert account.names() == ["Anna", "Bea", "Cleo", "Zoë Ärger"]
    anna = account.ask("GET", f"/{account.id_of('Anna')}")
    assert anna["email"] == "ann@example.org", "the other fields stay"
    account.rename("Bea", "Beate")
    account.delete("Cleo")
    assert phone.names() == ["Anna", "Beate", "Zoë Ärger"]
    phone.delete("Anna")
    assert account.names() == ["Beate", "Zoë Ärger"]
    assert [contact["fullname"] for contact in account.ask("GET", "/trash")] == ["Anna", "Cleo"]
    entries = account.ask("GET", f"/{anna['id']}/history")
    assert [(entry["kind"], entry["via"]) for entry in entries] == [
        ("deleted", "carddav"),
        ("changed", "carddav"),
        ("created", "rest"),
    ]
    assert all(phone.agent in entry["client"] for entry in entries[:2])
    number = account.ask("GET", f"/{account.id_of('Beate')}")["phone"]
    assert number == "+49 221 123"
    assert phone.names() == account.names()


@pytest.mark.parametrize("name", DEVICES)
def test_two_at_once_lose_nothing(account, device, name):
    other_name = "tsdav" if name != "tsdav" else "vdirsyncer"
    account.create("Shared")
    one, other = device(name), device(other_name)
    assert one.names() == other.names() == ["Shared"]
    mine, theirs = [f"One{number}" for number in range(5)], [f"Other{number}" for number in range(5)]
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(one.create, *mine), pool.submit(other.create, *theirs)]:
            future.result()
    assert one.names() == other.names() == account.names() == sorted(["Shared", *mine, *theirs])
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(one.rename, "One0", "One9"), pool.submit(other.delete, "Other0")]:
            future.result()
    assert one.names() == other.names() == account.names() == sorted(["Shared", "One9", *mine[1:], *theirs[1:]])


def test_a_conflict_of_vdirsyncer_leaves_both_until_it_is_resolved(account, device):
    account.create("Ann")
    laptop = device("vdirsyncer")
    assert laptop.names() == ["Ann"]
    account.rename("Ann", "Ann of REST")
    laptop.edit("Ann", "Ann of the laptop")
    with pytest.raises(AssertionError, match="(?i)conflict"):
        laptop.sync()
    assert account.names() == ["Ann of REST"] and sorted(laptop.named()) == ["Ann of the laptop"]
    laptop.configure('"b wins"')
    assert laptop.names() == account.names() == ["Ann of REST"]


def test_khard_works_on_the_folder_of_vdirsyncer(account, device):
    account.create("Ann")
    laptop = device("vdirsyncer")
    laptop.sync()
    (laptop.folder / "khard.conf").write_text(
        f"[addressbooks]\n[[book]]\npath = {laptop.cards}\n[general]\ndefault_action = list\n"
    )
    khard = [program("khard"), "-c", str(laptop.folder / "khard.conf")]
    given = "First name: Bea\nLast name: Lovelace\nPhone:\n    cell: 0221 1234\nBirthday: 1985-04-12\n"
    laptop.run(*khard, "new", "-a", "book", given=given)
    assert laptop.names() == account.names() == ["Ann", "Bea Lovelace"]
    bea = account.ask("GET", f"/{account.id_of('Bea Lovelace')}")
    assert (bea["birthday"], bea["phone"]) == ("1985-04-12", "0221 1234")
    assert "Bea Lovelace" in laptop.run(*khard, "birthdays") and "ann@example.org" in laptop.run(*khard, "email")


def test_a_first_sync_of_ten_thousand_contacts(account, device):
    for start in range(0, 10_000, 1000):
        items = [{"op": "create", "contact": {"fullname": f"n{start + number}"}} for number in range(1000)]
        account.ask("POST", "/batch", {"items": items})
    laptop = device("vdirsyncer")
    assert len(laptop.names()) == 10_000


def test_after_a_restore_from_a_backup_vdirsyncer_has_what_the_server_has_and_keeps_what_only_it_has(tmp_path):
    with serving(tmp_path / "var") as server:
        account = Account(server)
        account.create("Ann", "Bea", "Cleo", "Dora")
        laptop = Vdirsyncer(login_of(server, account.email, account.token, "vdirsyncer"), tmp_path / "laptop")
        assert laptop.names() == ["Ann", "Bea", "Cleo", "Dora"]
        server.manage("backup", str(tmp_path / "backup.zip"))
        laptop.rename("Ann", "Anna")
        laptop.delete("Bea")
        assert account.names() == ["Anna", "Cleo", "Dora"], "the laptop has newer states than the backup"
        server.stop()
        server.manage("restore", str(tmp_path / "backup.zip"), "--yes")
        server.start()
        uid, card = new_card("Eve")
        (laptop.cards / f"{uid}.vcf").write_text(card)
        laptop.edit("Cleo", "Clea")
        account.rename("Dora", "Dorothea")
        laptop.sync()
        assert laptop.names() == account.names() == ["Ann", "Bea", "Clea", "Dorothea", "Eve"]
        laptop.rename("Eve", "Eva")
        account.delete("Ann")
        assert laptop.names() == account.names() == ["Bea", "Clea", "Dorothea", "Eva"]
