"""The directory in which several workers write their metrics, so that each can answer a scrape for all of them.

prometheus-client maps the files into memory, and a write to a mapped file on a full disk kills the process. So only a
tmpfs with room will do. This module does not import prometheus_client, which reads its variable once.
"""

import contextlib
import hashlib
import os
from pathlib import Path

from django.conf import settings

OWN_TMPFS = "/run/metrics"  # docker-compose.yml
SHARED_TMPFS = "/dev/shm"  # noqa: S108 # nosec B108
WORKER_BYTES = 512 * 1024  # for every route in use


def prepare(workers: int) -> str | None:
    """The path of an empty directory, or None where no tmpfs can take the files of so many workers."""
    server = hashlib.sha256(f"{settings.VAR_DIR}:{settings.PORT}".encode()).hexdigest()[:12]
    for tmpfs, path in ((OWN_TMPFS, OWN_TMPFS), (SHARED_TMPFS, f"{SHARED_TMPFS}/contactbook-{server}")):
        if is_tmpfs(tmpfs) and free_bytes(tmpfs) > workers * WORKER_BYTES and is_emptied(Path(path)):
            return path
    return None


def remove(path: str) -> None:
    """Frees the memory when the server ends; the tmpfs itself stays."""
    for file in Path(path).glob("*.db"):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a mount, or gone
        Path(path).rmdir()


def is_tmpfs(path: str) -> bool:
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:  # not Linux
        return False
    return [path, "tmpfs"] in [line.split()[1:3] for line in mounts]


def free_bytes(path: str) -> int:
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def is_emptied(path: Path) -> bool:
    """False where the directory cannot be written, or belongs to another user."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        if path.is_symlink() or path.stat().st_uid not in (0, os.geteuid()):
            return False
        for file in path.glob("*.db"):
            file.unlink()
    except OSError:
        return False
    return os.access(path, os.W_OK)
