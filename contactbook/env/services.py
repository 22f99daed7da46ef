"""URLs of other services: the database, Redis, e-mail, Cloudinary, Sentry."""

import re
from email.utils import parseaddr
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import dj_database_url

from contactbook.env.variables import ConfigurationError

# Timeouts that a working server enforces; contactbook/db/postgresql/deadline.py handles one that does not answer.
# JIT is off because PostgreSQL would compile a search in ten million contacts, which takes longer than the search.
SESSION_OPTIONS = (
    "-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=30000 -c jit=off"
)
ANYMAIL_PROVIDERS = [
    "amazon_ses",
    "brevo",
    "mailersend",
    "mailgun",
    "mailjet",
    "mandrill",
    "postal",
    "postmark",
    "resend",
    "sendgrid",
    "sparkpost",
    "unisender_go",
]
SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def postgresql(url: str) -> dict[str, Any]:
    """Return Django's settings of a PostgreSQL database."""
    try:
        return database_settings(urlsplit(url))
    except (ValueError, KeyError):
        raise ConfigurationError("DATABASE_URL must look like postgres://user:password@host:5432/name.") from None


def database_settings(parts: SplitResult) -> dict[str, Any]:
    """Return the settings of a URL. It may name several hosts, as with libpq: the one that accepts writes is used."""
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError
    login, at, addresses = parts.netloc.rpartition("@")
    hosts = [urlsplit(f"//{address}") for address in addresses.split(",")]
    url = parts._replace(netloc=f"{login}{at}{hosts[0].netloc}").geturl()
    database: dict[str, Any] = dict(
        dj_database_url.parse(url, engine="contactbook.db.postgresql", conn_max_age=None, conn_health_checks=True)
    )
    options = {"connect_timeout": 2, "options": SESSION_OPTIONS}
    if len(hosts) > 1:
        database |= several_hosts(hosts)
        options["target_session_attrs"] = "read-write"
    if not database["NAME"]:
        raise ValueError
    database["OPTIONS"] = options | database.get("OPTIONS", {})
    database["DISABLE_SERVER_SIDE_CURSORS"] = True  # PgBouncer's transaction mode
    return database


def several_hosts(hosts: list[SplitResult]) -> dict[str, str]:
    if not all(host.hostname for host in hosts):
        raise ValueError
    return {
        "HOST": ",".join(str(host.hostname) for host in hosts),
        "PORT": ",".join(str(host.port or 5432) for host in hosts),
    }


def redis_url(name: str, url: str) -> str:
    try:
        is_valid = is_redis(urlsplit(url))
    except ValueError:
        is_valid = False
    if url and not is_valid:
        raise ConfigurationError(f"{name} must look like redis://host:6379/0.")
    return url


def is_redis(parts: SplitResult) -> bool:
    """Return whether these are the parts of a URL of Redis. Its client takes database 0 for a name it cannot read."""
    if parts.scheme == "unix":
        return bool(parts.path)
    is_address = bool(parts.hostname) and parts.port != 0
    return parts.scheme in ("redis", "rediss") and is_address and bool(re.fullmatch("/?[0-9]*", parts.path))


class Mail(NamedTuple):
    """The values of Django's EMAIL_… settings."""

    backend: str
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False
    folder: str = ""  # for Django's filebased backend


def mail(url: str, anymail: dict[str, str]) -> Mail:
    """Return how e-mails are sent: by EMAIL_URL, else by Anymail, else to the terminal and a folder."""
    if url:
        return mail_of_url(url)
    if anymail:
        return Mail(f"anymail.backends.{anymail_provider(anymail)}.EmailBackend")
    return Mail("accounts.mail.backends.TerminalBackend")


def mail_of_url(url: str) -> Mail:
    try:
        return mail_of_parts(urlsplit(url))
    except ValueError:
        raise ConfigurationError(
            "EMAIL_URL must look like smtp://user:password@host:25, filemail:///folder or consolemail://."
        ) from None


def mail_of_parts(parts: SplitResult) -> Mail:
    if parts.scheme == "consolemail":
        return Mail("django.core.mail.backends.console.EmailBackend")
    if parts.scheme == "filemail" and parts.path and not parts.netloc:
        return Mail("django.core.mail.backends.filebased.EmailBackend", folder=parts.path)
    if parts.scheme in SMTP_PORTS and parts.hostname:
        return smtp(parts)
    raise ValueError


def smtp(parts: SplitResult) -> Mail:
    options = dict(parse_qsl(parts.query))
    use_tls = parts.scheme == "smtp+tls" or options.get("tls") == "true"
    use_ssl = parts.scheme == "smtps" or options.get("ssl") == "true"
    if use_tls and use_ssl:
        raise ValueError
    return Mail(
        "accounts.mail.backends.SMTPBackend",
        host=str(parts.hostname),
        port=parts.port or SMTP_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=use_tls,
        use_ssl=use_ssl,
    )


def anymail_provider(variables: dict[str, str]) -> str:
    found = [each for each in ANYMAIL_PROVIDERS if any(name.startswith(each.upper() + "_") for name in variables)]
    if len(found) != 1:
        raise ConfigurationError(f"ANYMAIL_… variables must name one provider of: {', '.join(ANYMAIL_PROVIDERS)}.")
    return found[0]


def sender(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(text)[1]):
        raise ConfigurationError("DEFAULT_FROM_EMAIL must look like Contact book <contactbook@example.org>.")
    return text


def cloudinary_url(url: str) -> str:
    if url and not re.fullmatch(r"cloudinary://[^:@/]+:[^@/]+@[^/?]+(/?\?.*)?", url):
        raise ConfigurationError("CLOUDINARY_URL must look like cloudinary://key:secret@cloud.")
    return url


def sentry_dsn(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^:@/\s]+@[^/@\s]+/([^?#\s]+/)?\d+", url):
        raise ConfigurationError("SENTRY_DSN must look like https://key@host/1.")
    return url
