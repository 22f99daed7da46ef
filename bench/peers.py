"""CardDAV servers, each with one address book that is filled before the server starts."""

import base64
import re
import sys
from pathlib import Path

from dulwich import porcelain

from bench.files import ACCOUNT
from bench.servers import PASSWORD, Product, Server, children, sql

APP_PASSWORD = """
from accounts.models import AppPassword, User
user = User.objects.get(email="{address}")
print(user.pk, AppPassword.objects.issue(user.pk, "bench", True)[1], file=open("{file}", "w"))
"""


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Files(Server):
    """A server whose cards are files, and which checks no password."""

    authorization, timeout = basic("user", "any"), 600  # seconds: its first answer reads all files

    def write(self, book, cards):
        for number, card in enumerate(cards):
            (book / f"{number}.vcf").write_text(card, encoding="utf-8", newline="")


class Radicale(Files):
    name, title, book = "radicale", "Radicale", "/user/contacts/"

    def fill(self, cards):
        folder = self.folder / "radicale"
        book = folder / "collection-root/user/contacts"
        book.mkdir(parents=True)
        (book / ".Radicale.props").write_text('{"tag": "VADDRESSBOOK"}')
        self.write(book, cards)
        config = f"[server]\nhosts=127.0.0.1:{self.port}\n[auth]\ntype=none\n[storage]\nfilesystem_folder={folder}\n"
        (folder / "config").write_text(f"{config}[logging]\nlevel=error\n")
        self.command = [sys.executable, "-m", "radicale", "--config", str(folder / "config")]


class Xandikos(Files):
    name, title, book = "xandikos", "Xandikos", "/user/contacts/addressbook/"

    def fill(self, cards):
        folder = self.folder / "xandikos"
        folder.mkdir()
        options = ["-d", str(folder), "--state-dir", str(folder / "state"), "-l", "127.0.0.1", "-p", "{port}"]
        self.command = [sys.executable, "-m", "xandikos", "serve", "--defaults", *options]
        self.start()  # makes the address book, a Git repository
        self.stop()
        book = folder / "user/contacts/addressbook"
        self.write(book, cards)
        porcelain.add(book)
        porcelain.commit(book, message=b"cards", author=b"Bench <b@example.org>", committer=b"Bench <b@example.org>")


class Ours(Product):
    name = "dav"

    def fill(self, cards, address="dav@example.org"):
        file, secret = self.folder / "dav.vcf", self.folder / "app_password"
        with file.open("w", encoding="utf-8", newline="") as output:
            output.writelines(cards)
        self.run("manage.py", "shell", "-v0", "-c", ACCOUNT.format(address=address, password=PASSWORD))
        self.run("manage.py", "import_contacts", str(file), "--owner", address, "--policy", "fill")
        self.run("manage.py", "shell", "-v0", "-c", APP_PASSWORD.format(address=address, file=secret))
        sql(self.database_url, "VACUUM ANALYZE")
        user, password = secret.read_text().split()
        self.authorization, self.book = basic(address, password), f"/dav/addressbooks/{user}/contacts/"

    def peak(self):
        """Return the most memory (RSS) in MB that a process had."""
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in children(self.process.pid)]
        return max(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) for status in statuses) / 1024
