"""Files of vCards: read beside vobject, imported, imported again and exported by the commands, with their memory."""

import base64
import os
import random
import re
import subprocess
import sys
import time

from bench.report import table
from bench.servers import PASSWORD, ROOT, Product, sql

ADDRESS = "files@example.org"
ACCOUNT = """
from contacts.management.commands.populate import accounts
next(accounts(["{address}"], "{password}"))
"""
OURS = (
    "from contacts.cards.vcard import read; count = sum(entry.card is not None for entry in read(open({file!r}, 'rb')))"
)
VOBJECT = "import vobject; count = sum(1 for card in vobject.readComponents(open({file!r}, encoding='utf-8')))"
TIMED = """
import time
before = time.process_time()
{code}
print(count, time.process_time() - before)
"""
PICTURE_BYTES = 20 * 1024


def vcards(count):
    """Yield that many vCards 3.0: 40 % with three numbers, 5 % with a picture of 20 KB."""
    chance = random.Random(1)  # nosec B311
    picture = base64.b64encode(b"\xff\xd8\xff" + chance.randbytes(PICTURE_BYTES)).decode()
    for n in range(count):
        numbers = [f"TEL;TYPE=CELL:+49 221 {n:07}{line}" for line in range(3 if n % 5 < 2 else 1)]
        photo = [f"PHOTO;ENCODING=b;TYPE=JPEG:{picture[:-8]}{n:08}"] if n % 20 == 0 else []
        lines = [
            "BEGIN:VCARD", "VERSION:3.0", f"UID:{n}@example.org", f"N:Person{n};Ada;;;", f"FN:Ada Person{n}",
            f"EMAIL;TYPE=INTERNET:ada{n}@example.org", *numbers, "BDAY:1990-02-01", f"NOTE:Met on day {n}", *photo,
            "END:VCARD", "",
        ]  # fmt: skip
        yield "\r\n".join(lines)


class Files:
    def __init__(self, server: Product, quick: bool):
        self.server = server
        self.count, self.rounds = (500, 1) if quick else (100_000, 3)
        self.file = server.folder / "cards.vcf"

    def run(self):
        self.server.run("manage.py", "shell", "-v0", "-c", ACCOUNT.format(address=ADDRESS, password=PASSWORD))
        with self.file.open("w", encoding="utf-8", newline="") as file:
            file.writelines(vcards(self.count))
        pairs = [[self.read(code) for code in (OURS, VOBJECT)] for _ in range(self.rounds)]
        self.reading = sorted(pairs, key=lambda pair: pair[0] / pair[1])[self.rounds // 2]
        policy = ["--owner", ADDRESS, "--policy", "fill"]
        self.importing = self.command("import_contacts", str(self.file), *policy, expected=f"{self.count:,} new")
        sql(self.server.database_url, "VACUUM ANALYZE")
        self.again = self.command("import_contacts", str(self.file), *policy, expected=f"{self.count:,} same")
        exported = self.server.folder / "exported.vcf"
        self.exporting = self.command("export_contacts", str(exported), "--owner", ADDRESS)
        found = len(re.findall(rb"^END:VCARD", exported.read_bytes(), re.MULTILINE))
        if found != self.count:
            raise SystemExit(f"Exported were {found:,} of {self.count:,} contacts.")

    def read(self, code):
        """Return the cards a second of processor time, in a process of its own."""
        program = TIMED.format(code=code.format(file=str(self.file)))
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
        count, seconds = done.stdout.split()
        if int(count) != self.count:
            raise SystemExit(f"Read were {count} of {self.count:,} cards.")
        return self.count / float(seconds)

    def command(self, *arguments, expected=""):
        """Run a command; return the contacts a second, and the most memory that it had, in MB."""
        begun = time.perf_counter()
        options = {"cwd": ROOT, "env": self.server.env, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, "manage.py", *arguments], **options) as process:
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or expected not in output:
            raise SystemExit(f"{arguments[0]} says {output!r}.")
        return self.count / (time.perf_counter() - begun), usage.ru_maxrss / 1024

    def report(self, targets):
        ours, vobject = self.reading
        targets.at_least("vCards read, against vobject", ours / vobject, 0.5, "×")
        for name, (rate, _), least in (("imported", self.importing, 1_000), ("exported", self.exporting, 5_000)):
            targets.at_least(f"contacts {name} a second", rate, least, "")
        most = max(memory for _, memory in (self.importing, self.again, self.exporting))
        targets.at_most("memory of an import or export", most, 200, "MB")
        rows = [
            ["read (processor time)", f"{ours:,.0f}", ""],
            ["read by vobject", f"{vobject:,.0f}", ""],
            *(
                [name, f"{rate:,.0f}", f"{memory:.0f}"]
                for name, (rate, memory) in (
                    ("imported", self.importing),
                    ("imported again: all the same", self.again),
                    ("exported as vCard 4.0", self.exporting),
                )
            ),
        ]
        return table([f"{self.count:,} vCards", "cards/s", "memory, MB"], rows)
