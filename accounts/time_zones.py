"""The names of time zones that an account may have."""

import functools
import zoneinfo

UNKNOWN = "There is no such time zone. Europe/Kyiv is one."


@functools.cache
def time_zones() -> set[str]:
    """Return the names of all zones, read from disk once. `localtime` is not a name but this machine's zone."""
    return zoneinfo.available_timezones() - {"localtime"}
