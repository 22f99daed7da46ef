"""A feed in a real calendar program, khal"""

import subprocess
import sys
from pathlib import Path

import pytest

from contacts.tests.cast import add
from contacts.tests.test_feeds import make, path

pytestmark = [pytest.mark.long, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

CONFIG = """
[calendars]
[[feed]]
path = {folder}/feed
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
local_timezone = Europe/Kyiv
default_timezone = Europe/Kyiv
[sqlite]
path = {folder}/khal.db
"""


@pytest.mark.parametrize(("leap_day", "days"), [("02-28", ["2027-02-28"]), ("03-01", ["2027-03-01"])])
def test_khal_shows_the_birthdays_on_their_days(as_alice, as_nobody, settings, tmp_path, leap_day, days):
    as_alice.patch("/api/me", {"leap_day": leap_day}, format="json")
    add(as_alice, "Zoë Żółć; née, X", birthday="1988-02-29")
    add(as_alice, "Ann", card={"anniversaries": {"b": {"kind": "birth", "date": {"month": 4, "day": 12}}}})
    feed = make(as_alice, name="Phone", alarm_days=1)
    (tmp_path / "feed").mkdir()
    (tmp_path / "config").write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "feed.ics").write_bytes(as_nobody.get(path(feed, settings)).content)
    khal(tmp_path, "import", "--batch", str(tmp_path / "feed.ics"))
    expected = [
        *(f"{day} Zoë Żółć; née, X (1988)" for day in [*days, "2028-02-29"]),
        "2027-04-12 Ann",
        "2028-04-12 Ann",
    ]
    assert listed(tmp_path, "2027-01-01", "2029-01-01") == sorted(expected)


def khal(folder, *args):
    command = [str(Path(sys.executable).with_name("khal")), "-c", str(folder / "config"), *args]
    env = {"HOME": str(folder), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(folder, start, end):
    shown = khal(folder, "list", "--day-format", "", "--format", "{start-date} {title}", start, end)
    return sorted(line for line in shown.splitlines() if line)
