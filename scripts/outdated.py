"""The check of scripts/outdated. All queries go through pip, and so to the index that pip is configured for."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
TIMEOUT = 120  # seconds for one package


class Finding(NamedTuple):
    name: str
    pinned: Version
    patch: Version | None  # newest of its series; None if the index did not answer
    newest: Version | None

    @property
    def behind(self) -> bool:
        return self.patch is not None and self.patch > self.pinned


def pins(everything: bool) -> dict[str, str]:
    """Return the pinned versions: of the packages in the .in files, or of all packages."""
    locked = dict(PIN.findall((ROOT / "requirements-dev.txt").read_text()))
    if everything:
        return locked
    wanted = "".join((ROOT / name).read_text() for name in ("requirements.in", "requirements-dev.in"))
    direct = set(re.findall(r"^([A-Za-z0-9._-]+)", wanted, re.MULTILINE))
    return {name: version for name, version in locked.items() if name in direct}


def available(name: str) -> list[Version]:
    """Return the versions available for this Python, without pre-releases; empty if pip got no answer."""
    command = [sys.executable, "-m", "pip", "index", "versions", "--disable-pip-version-check", "--retries", "1", name]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT).stdout
    except subprocess.TimeoutExpired:
        return []
    listed = re.search(r"^Available versions: (.*)$", output, re.MULTILINE)
    return [version for text in (listed[1].split(", ") if listed else []) if (version := parsed(text))]


def parsed(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def finding(name: str, pinned: str) -> Finding:
    version, versions = Version(pinned), available(name)
    series = [each for each in versions if (each.major, each.minor) == (version.major, version.minor)]
    return Finding(
        name, version, max(series, default=max(versions, default=None) and version), max(versions, default=None)
    )


def main() -> int:
    if not available("pip"):  # one message instead of one for each package
        print("The package index did not answer. PIP_INDEX_URL sets another one.", file=sys.stderr)
        return 2
    checked = pins("--all" in sys.argv[1:])
    with ThreadPoolExecutor(4) as pool:
        findings = list(pool.map(finding, checked, checked.values()))
    for each in findings:
        if each.behind:
            print(f"{each.name} {each.pinned} is behind: {each.patch}")
        elif each.newest and each.patch and each.newest > each.patch:
            print(f"{each.name} {each.pinned} is its series' newest; there is a newer series: {each.newest}")
    unanswered = [each.name for each in findings if each.newest is None]
    if unanswered:
        print(f"The package index did not answer for {', '.join(unanswered)}.", file=sys.stderr)
        return 2
    behind = sum(each.behind for each in findings)
    print(f"{behind} of {len(findings)} pins are behind their series' newest patch.")
    return int(behind > 0)


if __name__ == "__main__":
    sys.exit(main())
