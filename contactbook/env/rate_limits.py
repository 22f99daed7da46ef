"""Names and defaults of the rate limits, and the syntax of RATE_LIMITS."""

import re
from collections.abc import Iterable

from contactbook.env.variables import ConfigurationError

RATE_LIMIT_DEFAULTS = {
    "signup": "2/m",
    "request_email": "2/m",
    "reset_pwd": "2/m",
    "login": "10/m",
    "refresh_token": "10/m",
    "confirm_email": "10/m",
    "contacts_create": "2/m",
    "contacts_list": "10/m",
    "contacts_birthdays": "10/m",
    "contacts_find": "10/m",
    "contacts_update": "10/m",
    "contacts_delete": "10/m",
    "contacts_avatar": "10/m",
    "contacts_patch": "10/m",
    "contacts_history": "10/m",
    "contacts_restore": "10/m",
    "contacts_trash": "10/m",
    "trash_restore": "10/m",
    "trash_purge": "10/m",
    "contacts_changes": "60/m",
    "contacts_batch": "10/m",
    "contacts_export": "10/m",
    "undo": "10/m",
    "duplicates": "10/m",
    "dismiss": "10/m",
    "merge": "10/m",
    "groups_list": "10/m",
    "groups_create": "10/m",
    "groups_update": "10/m",
    "groups_delete": "10/m",
    "feeds_list": "10/m",
    "feeds_create": "10/m",
    "feeds_delete": "10/m",
    "feeds": "60/h",
    "imports_list": "10/m",
    "imports_create": "10/m",
    "imports_show": "120/m",
    "imports_entries": "60/m",
    "imports_apply": "10/m",
    "imports_undo": "10/m",
    "imports_delete": "10/m",
    "logout": "10/m",
    "me": "60/m",
    "me_update": "10/m",
    "me_password": "10/m",
    "me_sessions": "10/m",
    "me_session_end": "10/m",
    "me_export": "1/m",
    "me_delete": "10/m",
    "account_failures": "20/10m",
    "address_mails": "3/h",
    "pages": "30/m",
    "admin_login": "10/m",
    "app_passwords_list": "10/m",
    "app_passwords_create": "10/m",
    "app_passwords_delete": "10/m",
    "dav": "600/m",
    "dav_write": "6000/m",
    "dav_failures": "20/10m",
}
RATE_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def rate(text: str) -> tuple[int, int]:
    """Parse `10/m` or `20/10m` into a count and seconds; (0, 1) for `0`, which means no limit."""
    match = re.fullmatch(r"0|(\d{1,9})/([1-9]\d{0,4})?([smhd])", text, re.ASCII)
    if not match:
        raise ConfigurationError(
            f"RATE_LIMITS: {text!r} must be 0 or a count and a time, such as 10/m or 20/10m (units s m h d)."
        )
    count, span, unit = match.groups()
    return (int(count), int(span or 1) * RATE_UNITS[unit]) if count else (0, 1)


def rate_limits(entries: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return the defaults changed by entries such as `login=100/m`; `*` sets all limits, and later entries win."""
    limits = {name: rate(text) for name, text in RATE_LIMIT_DEFAULTS.items()}
    for entry in entries:
        name, _, text = entry.partition("=")
        if name != "*" and name not in limits:
            raise ConfigurationError(
                f"RATE_LIMITS: there is no limit named {name!r}; the names are {', '.join(limits)} and *."
            )
        limits |= dict.fromkeys(limits if name == "*" else [name], rate(text))
    return limits
