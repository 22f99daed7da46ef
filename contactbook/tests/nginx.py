"""Debian's nginx before the running product, by scripts/nginx.conf with only its two addresses changed."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from contactbook.tests.faults import until
from contactbook.tests.live import ROOT, Server, free_port

PROGRAM = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
needs_nginx = pytest.mark.skipif(not PROGRAM, reason="NOTHING BEHIND NGINX IS TRIED: nginx is missing")


def configuration(port: int, upstreams: list[str]) -> str:
    """Debian's nginx does not know "resolve" yet; everything else stays."""
    text = (ROOT / "scripts" / "nginx.conf").read_text()
    text, listens = re.subn(r"(?m)^( +)listen 8080;", rf"\1listen 127.0.0.1:{port};", text)
    text, servers = re.subn(
        r"(?m)^ +server web:8000 resolve( [^;]*)?;",
        lambda found: " ".join(f"server {address}{found[1] or ''};" for address in upstreams),
        text,
    )
    assert listens == servers == 1
    return text


@contextlib.contextmanager
def nginx(*servers: Server) -> Iterator[Server]:
    """Something to be asked like a server; the servers need TRUSTED_PROXIES=1."""
    with tempfile.TemporaryDirectory(prefix="contactbook-") as name:
        folder, port = Path(name), free_port()
        (folder / "nginx.conf").write_text(configuration(port, [f"127.0.0.1:{each.env['PORT']}" for each in servers]))
        front = Server({"PORT": str(port)}, folder)
        # Its workers would become another user, who may not enter our folder.
        directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        command = [str(PROGRAM), "-e", "stderr", "-p", name, "-c", f"{name}/nginx.conf", "-g", directives]
        with front.log.open("wb") as log:
            front.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            until(lambda: front.try_get("/nginx-health") == 200)
            yield front
        finally:
            front.stop()
