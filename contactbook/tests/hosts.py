"""Several hosts on one machine: network namespaces on a bridge, which go with the block that made them."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contactbook.tests.faults import until
from contactbook.tests.live import Server, base_environment
from contactbook.tests.nginx import PROGRAM, configuration

IP = shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or ""
needs_hosts = pytest.mark.skipif(
    os.geteuid() != 0 or not IP, reason="NOTHING IS TRIED ON TWO HOSTS: that needs root, and ip (iproute2)"
)
PORT = 8000
# The front's own: a peer that has fallen silent is given up after 6 seconds (docs/scaling.md).
NOTICE_SILENCE = {
    "tcp_retries2": 3,
    "tcp_keepalive_time": 3,
    "tcp_keepalive_intvl": 1,
    "tcp_keepalive_probes": 3,
}


def ip(*words: str) -> None:
    subprocess.run([IP, *words], check=True, capture_output=True, timeout=20)


class Place:
    """A namespace with one cable to the bridge."""

    def __init__(self, name: str, cable: str, address: str) -> None:
        self.name, self.cable, self.address = name, cable, address
        self.within = (IP, "netns", "exec", name)

    def run(self, *command: str) -> None:
        subprocess.run([*self.within, *command], check=True, capture_output=True, timeout=20)

    @contextlib.contextmanager
    def cut_off(self) -> Iterator[None]:
        """Packets to and from it vanish, as from a host without power; nothing on it is stopped."""
        ip("link", "set", self.cable, "down")
        try:
            yield
        finally:
            ip("link", "set", self.cable, "up")


class Network:
    """The bridge; the test, and what it starts outside of any place, is at its address."""

    def __init__(self, undo: contextlib.ExitStack) -> None:
        self.undo, self.name, self.places = undo, f"cb{os.getpid()}", 0
        self.net = f"10.{200 + os.getpid() // 250 % 50}.{os.getpid() % 250}"
        self.address = f"{self.net}.1"
        # With an address of its own: else it takes that of a cable, another one with a further cable, and the hosts
        # send to the old one until their ARP entry ends.
        ip("link", "add", self.name, "address", "02:00:00:00:00:01", "type", "bridge")
        undo.callback(ip, "link", "delete", self.name)
        ip("address", "add", f"{self.address}/24", "dev", self.name)
        ip("link", "set", self.name, "up")

    def place(self) -> Place:
        self.places += 1
        number = 10 + self.places
        made = Place(f"{self.name}-{number}", f"{self.name}-{number}", f"{self.net}.{number}")
        ip("netns", "add", made.name)
        self.undo.callback(ip, "netns", "delete", made.name)
        ip("link", "add", made.cable, "type", "veth", "peer", "name", "eth0", "netns", made.name)
        self.undo.callback(ip, "link", "delete", made.cable)
        ip("link", "set", made.cable, "master", self.name, "up")
        ip("-n", made.name, "address", "add", f"{made.address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            ip("-n", made.name, "link", "set", link, "up")
        return made


@contextlib.contextmanager
def own_network() -> Iterator[Network]:
    with contextlib.ExitStack() as undo:
        yield Network(undo)


class Host(Server):
    """The product in a place of its own."""

    def __init__(self, place: Place, env: dict[str, str], folder: Path) -> None:
        super().__init__(env | {"HOST": place.address, "PORT": str(PORT)}, folder)
        self.place, self.within, self.url = place, place.within, f"http://{place.address}:{PORT}"


@contextlib.contextmanager
def two_hosts(network: Network, folder: Path, **variables: str) -> Iterator[tuple[Host, Host]]:
    """Two processes each, and one mail folder, the first one's."""
    env = base_environment(folder) | {"WEB_CONCURRENCY": "2", "TRUSTED_PROXIES": "1", "ALLOWED_HOSTS": "*"} | variables
    first, second = Host(network.place(), env, folder), Host(network.place(), env, folder / "second")
    second.folder.mkdir(parents=True)
    first.manage("migrate", "-v0")
    with contextlib.ExitStack() as stack:
        for host in (first, second):
            stack.callback(host.stop)
            host.start()
        yield first, second


@contextlib.contextmanager
def front(network: Network, folder: Path, *hosts: Host) -> Iterator[Server]:
    """nginx by scripts/nginx.conf in a place of its own, with the hosts behind it."""
    place = network.place()
    for name, value in NOTICE_SILENCE.items():
        place.run("sh", "-c", f"echo {value} >/proc/sys/net/ipv4/{name}")
    text = configuration(PORT, [f"{host.place.address}:{PORT}" for host in hosts])
    folder.mkdir(parents=True)
    (folder / "nginx.conf").write_text(text.replace(f"listen 127.0.0.1:{PORT};", f"listen {place.address}:{PORT};"))
    server = Server({"PORT": str(PORT)}, folder)
    server.url = f"http://{place.address}:{PORT}"
    command = [*place.within, str(PROGRAM), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with server.log.open("wb") as log:
        # Its workers would become another user, who may not enter our folder.
        server.process = subprocess.Popen(
            [*command, "-g", "daemon off; user root;"], stdout=log, stderr=log, start_new_session=True
        )
    try:
        until(lambda: server.try_get("/nginx-health") == 200)
        yield server
    finally:
        server.stop()
