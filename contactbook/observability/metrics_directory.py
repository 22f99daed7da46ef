"""The directory of prometheus-client's multiprocess mode, with a file of metrics for each worker.

prometheus-client maps the files into memory, and a write to a mapped file on a full disk kills the process. So the
directory must be on a tmpfs with free space. This module does not import prometheus_client, which reads
PROMETHEUS_MULTIPROC_DIR only when it is imported.
"""

import contextlib
import hashlib
import os
from pathlib import Path

from django.conf import settings

OWN_TMPFS = "/run/metrics"  # docker-compose.yml
SHARED_TMPFS = "/dev/shm"  # noqa: S108 # nosec B108
WORKER_BYTES = 512 * 1024  # of one worker, when every route has been used


def prepare(workers: int) -> str | None:
    """Return the path of an empty directory; None if no tmpfs has space for the files of that many workers."""
    server = hashlib.sha256(f"{settings.VAR_DIR}:{settings.PORT}".encode()).hexdigest()[:12]
    for tmpfs, path in ((OWN_TMPFS, OWN_TMPFS), (SHARED_TMPFS, f"{SHARED_TMPFS}/contactbook-{server}")):
        if is_tmpfs(tmpfs) and free_bytes(tmpfs) > workers * WORKER_BYTES and is_emptied(Path(path)):
            return path
    return None


def remove(path: str) -> None:
    """Delete the files, and the directory unless it is a mounted tmpfs."""
    for file in Path(path).glob("*.db"):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # mounted, or already deleted
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
    """Make the directory, or empty it; return False if it cannot be written or belongs to another user."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        if path.is_symlink() or path.stat().st_uid not in (0, os.geteuid()):
            return False
        for file in path.glob("*.db"):
            file.unlink()
    except OSError:
        return False
    return os.access(path, os.W_OK)
