"""SyncEvolution: a client in C++ with older habits, which sends empty properties."""

import re

from contacts.tests.clients import Device, Login, new_card, program


class Syncevolution(Device):
    agent = "SyncEvolution"

    def __init__(self, login: Login, folder) -> None:
        super().__init__(login, folder)
        found = self.call("--print-databases", database=False)
        self.book = re.search(r"\((\S+/contacts/)\)", found)[1]

    def call(self, *arguments: str, database: bool = True) -> str:
        login = self.login
        options = ["backend=carddav", f"username={login.address}", f"password={login.password}", "loglevel=0"]
        options += [f"syncURL={login.url}/", *([f"database={self.book}"] if database else [])]
        return self.run(program("syncevolution"), "--daemon=no", *options, *arguments)

    def cards(self) -> dict[str, tuple[str, str]]:
        """Return each item and its card, by the full name."""
        found = {}
        for line in self.call("--print-items").splitlines():
            item = line.split()[0].removesuffix(":") if line.strip() else ""
            if not item or item.startswith("["):
                continue
            card = self.call("--export", "-", "--luids", item)
            name = re.search(r"^FN[^:]*:(.*?)\r?$", card, re.MULTILINE)
            if name:
                found[name[1]] = (item, card)
        return found

    def names(self) -> list[str]:
        return sorted(self.cards())

    def create(self, *names: str) -> None:
        for name in names:
            (self.folder / "new.vcf").write_text(new_card(name)[1])
            self.call("--import", "new.vcf")

    def rename(self, old: str, new: str) -> None:
        item, card = self.cards()[old]
        (self.folder / "changed.vcf").write_text(card.replace(old, new))
        self.call("--update", "changed.vcf", "--luids", item)

    def delete(self, name: str) -> None:
        self.call("--delete-items", "--luids", self.cards()[name][0])
