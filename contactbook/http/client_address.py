"""The client's address, taken from trusted sources only."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

WITH_PORT = re.compile(r"\[(.*)\](?::\d*)?|([^:]*):\d*")


def client_address(request: HttpRequest) -> str:
    """Return the client's address: IPv4-mapped IPv6 as IPv4, other IPv6 as its /64 network, `unknown` if there is none.

    Behind TRUSTED_PROXIES proxies it is the entry of X-Forwarded-For that the outermost trusted proxy added, counted
    from the right. Entries to the left of it come from the client and are ignored.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    proxies = settings.TRUSTED_PROXIES
    claimed = forwarded[-proxies].strip() if 0 < proxies <= len(forwarded) else peer
    return normalized(claimed) or normalized(peer) or "unknown"


def normalized(text: str) -> str | None:
    """Return the address without its port; None if the text is not an address."""
    with_port = WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(next(filter(None, with_port.groups()), "") if with_port else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False).network_address)
    return str(address)
