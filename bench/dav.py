"""CardDAV beside Radicale and Xandikos: one process of each, with the same cards and the same requests."""

import re
import statistics
import time

from bench.files import vcards
from bench.load import Encoded
from bench.peers import Ours, Radicale, Xandikos
from bench.report import table
from bench.servers import http_request

NAMES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
SYNC = f"""<sync-collection {NAMES}><sync-token>%s</sync-token><sync-level>1</sync-level><prop><getetag/></prop>
    </sync-collection>"""
MULTIGET = f"<C:addressbook-multiget {NAMES}><prop><getetag/><C:address-data/></prop>%s</C:addressbook-multiget>"
QUERY = f"""<C:addressbook-query {NAMES}><prop><getetag/></prop><C:filter><C:prop-filter name="EMAIL"><C:text-match
    match-type="equals">%s</C:text-match></C:prop-filter></C:filter></C:addressbook-query>"""
PROPFIND = f"<propfind {NAMES}><prop><getetag/></prop></propfind>"
CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{0}\r\nFN:New {0}\r\nN:{0};New;;;\r\nEMAIL:{0}@new.example.org\r\nEND:VCARD\r\n"
)
HREF, TOKEN = re.compile(rb"href>([^<]+\.vcf)<"), re.compile(rb"sync-token>([^<]+)<")
PORTION, CHANGES = 500, 10
TITLES = {
    "first": f"first sync: sync-collection, then addressbook-multiget in {PORTION}s",
    "idle": "sync where nothing changed",
    "put": "PUT",
    "changes": f"sync with {CHANGES} changes",
    "propfind": "PROPFIND, depth 1",
    "query": "addressbook-query by e-mail",
}


class Dav:
    def __init__(self, ours: Ours, quick: bool):
        self.ours, self.servers = ours, [ours, Radicale(ours.folder, "", ""), Xandikos(ours.folder, "", "")]
        self.count, self.large, self.rounds = (200, 1_000, 1) if quick else (10_000, 100_000, 3)

    def run(self):
        self.times = {server.name: {kind: [] for kind in TITLES} for server in self.servers}
        try:
            for server in self.servers:
                server.fill(vcards(self.count))
                server.start()
            for number in range(self.rounds):
                for server in self.servers:
                    self.round(server, number)
            self.memory = [server.memory()[1] for server in self.servers]
            self.large_book()
        finally:
            for server in self.servers:
                server.stop()

    def round(self, server, number):
        there, times = self.count + number * CHANGES, self.times[server.name]
        seconds, token, hrefs = first_sync(server)
        assert len(hrefs) == there, f"{server.title} has {len(hrefs)} of {there} cards"
        times["first"].append(seconds)
        times["idle"].append(asked(server, "REPORT", SYNC % token, there=0)[0])
        uids = [f"{server.name}-{number}-{each}" for each in range(CHANGES)]
        times["put"] += [asked(server, "PUT", CARD.format(uid), f"{uid}.vcf")[0] for uid in uids]
        times["changes"].append(asked(server, "REPORT", SYNC % token, there=CHANGES)[0])
        times["propfind"].append(asked(server, "PROPFIND", PROPFIND, there=there + CHANGES)[0])
        address = f"ada{self.count // 2}@example.org"
        times["query"].append(asked(server, "REPORT", QUERY % address, there=1)[0])

    def large_book(self):
        """The memory of a new process of our server at the first sync of a large book."""
        for server in self.servers:
            server.stop()
        self.ours.fill(vcards(self.large), "large@example.org")
        self.ours.start()
        self.seconds, _, hrefs = first_sync(self.ours)
        assert len(hrefs) == self.large
        self.peak = self.ours.peak()

    def report(self, targets):
        rows = []
        for kind, title in TITLES.items():
            ours, *peers = (statistics.median(self.times[server.name][kind]) * 1000 for server in self.servers)
            targets.at_least(f"{title}: against the faster of Radicale and Xandikos", min(peers) / ours, 1, "×")
            rows.append([title, *(f"{each:,.0f}" for each in (ours, *peers))])
        rows.append(["memory (RSS) of the process afterwards, MB", *(f"{each:,.0f}" for each in self.memory)])
        first = f"first sync of {self.large:,} cards"
        targets.at_most(f"memory (RSS) at its most in the {first}", self.peak, 200, "MB")
        rows.append([f"{first}, s", f"{self.seconds:,.0f}", "", ""])
        rows.append([f"memory (RSS) at its most in the {first}, MB", f"{self.peak:,.0f}", "", ""])
        return table([f"CardDAV, {self.count:,} cards, ms", *(server.title for server in self.servers)], rows)


def first_sync(server):
    """Return its seconds, the token and the hrefs."""
    seconds, body = asked(server, "REPORT", SYNC % "")
    token, hrefs = TOKEN.search(body)[1].decode(), [href.decode() for href in HREF.findall(body)]
    for start in range(0, len(hrefs), PORTION):
        portion = hrefs[start : start + PORTION]
        body = MULTIGET % "".join(f"<href>{href}</href>" for href in portion)
        more, body = asked(server, "REPORT", body, there=len(portion))
        assert body.count(b"BEGIN:VCARD") == len(portion)
        seconds += more
    return seconds, token, hrefs


def asked(server, method, body, name="", there=None):
    """Send one request about the book, or a card in it; return its seconds and the body of the answer.

    `there` is the number of cards in the answer.
    """
    kind = "text/vcard" if name else "application/xml"
    headers = {"Authorization": server.authorization, "Depth": "1", "Content-Type": f"{kind}; charset=utf-8"}
    request = http_request(method, server.book + name, headers, body.encode())
    begun = time.perf_counter()
    status, _, answer = server.send(Encoded(request, (), b"", None))
    seconds = time.perf_counter() - begun
    found = len(HREF.findall(answer))
    assert status in (201, 207) and there in (None, found), f"{server.title}: {status} {found} {answer[:500]}"
    return seconds, answer
