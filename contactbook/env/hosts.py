"""Host names and origins in the form that browsers send: lower case, IDNA 2008 with the mapping of UTS 46."""

import re
from urllib.parse import SplitResult, urlsplit

import idna

from contactbook.env.variables import ConfigurationError

WILDCARD_HOSTS = ("0.0.0.0", "::", "*")  # noqa: S104 # nosec B104
DEFAULT_PORTS = {"http": 80, "https": 443}
# Origins of pages inside apps made with Capacitor, Ionic or Tauri
APP_ORIGINS = {"capacitor://localhost", "ionic://localhost", "tauri://localhost"}
# Host headers that Django accepts; it answers others with 400.
HOST = re.compile(r"[a-z0-9.-]+|\[[a-f0-9]*:[a-f0-9.:]+\]")


def ascii_host(variable: str, host: str) -> str:
    """Return the host in ASCII and lower case, an IPv6 address in brackets; ConfigurationError naming the variable."""
    if host.isascii():
        return f"[{host.lower()}]" if ":" in host and not host.startswith("[") else host.lower()
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise ConfigurationError(f"{variable} must have names that can be written in ASCII (IDNA 2008).") from None


def own_host(host: str) -> str:
    """Return the host of HOST in the form of a URL; `localhost` for all addresses."""
    name = ascii_host("HOST", "localhost" if host in WILDCARD_HOSTS else host)
    if not HOST.fullmatch(name):
        raise ConfigurationError("HOST must be an address of this machine, such as 127.0.0.1 or 0.0.0.0 for all.")
    return name


def origin(variable: str, url: str, meaning: str) -> str:
    """Return `scheme://host:port`, without the scheme's default port; ConfigurationError if the URL has more parts."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError(f"{variable} must be {meaning}.") from None
    if not is_origin(parts) or port == 0:
        raise ConfigurationError(f"{variable} must be {meaning}.")
    host = ascii_host(variable, parts.hostname or "")
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, DEFAULT_PORTS[parts.scheme]) else "")


def is_origin(parts: SplitResult) -> bool:
    extra = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    return parts.scheme in DEFAULT_PORTS and not extra and bool(re.fullmatch(r"[^\s*]+", parts.hostname or ""))


def public_url(url: str) -> str:
    meaning = "an http or https URL with no path, such as https://contacts.example.org"
    address = origin("PUBLIC_URL", url.strip().rstrip("/"), meaning)
    if not HOST.fullmatch(host_of(address)):
        raise ConfigurationError(f"PUBLIC_URL must be {meaning}.")
    return address


def host_of(url: str) -> str:
    """Return the host without the port, an IPv6 address in brackets."""
    return re.sub(r":[0-9]*$", "", urlsplit(url).netloc)


def cors_origin(text: str) -> str:
    meaning = "origins such as https://app.example.org, separated by commas"
    return text if text in APP_ORIGINS else origin("CORS_ALLOWED_ORIGINS", text, meaning)


def allowed_host(text: str) -> str:
    """Return an entry of ALLOWED_HOSTS: a name, `*` for all, or `.example.org` for a domain and its subdomains."""
    if text == "*":
        return text
    name = ascii_host("ALLOWED_HOSTS", text.removeprefix(".")).removesuffix(".")
    if not HOST.fullmatch(name):
        raise ConfigurationError("ALLOWED_HOSTS must be names such as contacts.example.org, separated by commas.")
    return f".{name}" if text.startswith(".") else name
