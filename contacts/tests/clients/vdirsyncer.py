"""vdirsyncer: a two-way sync between the server and a folder of vCards, on which khard works."""

from contacts.tests.clients import Device, Login, new_card, program

CONFIG = """
[general]
status_path = "{folder}/status/"

[pair contacts]
a = "local"
b = "remote"
collections = ["from b"]
conflict_resolution = {resolution}

[storage local]
type = "filesystem"
path = "{folder}/cards/"
fileext = ".vcf"

[storage remote]
type = "carddav"
url = "{url}/"
username = "{address}"
password = "{password}"
"""


class Vdirsyncer(Device):
    agent = "vdirsyncer"

    def __init__(self, login: Login, folder, resolution: str = "null") -> None:
        super().__init__(login, folder)
        self.configure(resolution)
        self.run(program("vdirsyncer"), "-c", "config", "discover", "contacts", given="y\n" * 9)

    def configure(self, resolution: str) -> None:
        config = CONFIG.format(folder=self.folder, resolution=resolution, **self.login._asdict())
        (self.folder / "config").write_text(config)

    def sync(self) -> None:
        self.run(program("vdirsyncer"), "-c", "config", "sync", timeout=600)

    @property
    def cards(self):
        (book,) = (self.folder / "cards").iterdir()
        return book

    def named(self) -> dict[str, object]:
        found = {}
        for file in self.cards.glob("*.vcf"):
            name = next(line for line in file.read_text().splitlines() if line.startswith("FN"))
            found[name.partition(":")[2]] = file
        return found

    def names(self) -> list[str]:
        self.sync()
        return sorted(self.named())

    def create(self, *names: str) -> None:
        for name in names:
            uid, card = new_card(name)
            (self.cards / f"{uid}.vcf").write_text(card.replace("\r\n", "\n"))
        self.sync()

    def edit(self, old: str, new: str) -> None:
        file = self.named()[old]
        file.write_text(file.read_text().replace(old, new))

    def rename(self, old: str, new: str) -> None:
        self.edit(old, new)
        self.sync()

    def delete(self, name: str) -> None:
        self.named()[name].unlink()
        self.sync()
