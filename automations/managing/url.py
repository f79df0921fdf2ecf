"""The URL of an endpoint, as far as it can be judged when it is added. Where it leads is judged at every connection."""

import socket
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx2

from automations.errors import AutomationsError
from runtime.addresses import DATABASE_URL
from runtime.settings import AUTOMATIONS_ALLOW, Network

_MOST_CHARACTERS = 2000
_LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1"))


class UnfitUrlError(AutomationsError):
    """A URL can't be an endpoint's. The message does not show it: it may hold a password."""


def read_url(text: str) -> str:
    """Return a URL in its usual form: host in lower case, no default port. Looks nothing up.

    Raises:
        UnfitUrlError: it is none, not of http or https, or holds a user, a password or a fragment.
    """
    asked = text.strip()
    try:
        parts, url = urlsplit(asked), httpx2.URL(asked)
        _ = parts.port, url.raw_path  # raise a ValueError on nonsense
        is_fit = url.scheme in {"http", "https"} and bool(url.host) and len(asked) <= _MOST_CHARACTERS
    except (ValueError, httpx2.InvalidURL):
        is_fit = False
    if not is_fit or not asked.isprintable():
        raise UnfitUrlError("The URL is none that can be posted to: give one such as https://example.com/rollcall.")
    if "@" in parts.netloc:
        raise UnfitUrlError(
            "The URL holds a user or a password: leave it out, and check the signature on the other side instead."
        )
    if parts.fragment or asked.endswith("#"):
        raise UnfitUrlError("The URL has a fragment (#…), which is never sent: leave it out.")
    return str(url.copy_with(path=url.path or "/"))


def allowed_networks(environment: Mapping[str, str]) -> tuple[Network, ...]:
    """Return the networks that may be sent to besides public addresses; with the embedded Postgres, this machine too.

    Raises:
        SettingError: AUTOMATIONS_ALLOW is invalid.
    """
    return AUTOMATIONS_ALLOW.of(environment) + (() if DATABASE_URL.name in environment else _LOOPBACK)


def check_http(url: str, allowed: Collection[Network]) -> None:
    """See that a URL of `http` leads to a network that may be sent to without encryption.

    Args:
        url: as `read_url` returns it.
        allowed: those of AUTOMATIONS_ALLOW.

    Raises:
        UnfitUrlError: it leads elsewhere, as far as its name can be looked up here.
    """
    parts = httpx2.URL(url)
    if parts.scheme != "http":
        return
    found = _addresses(parts.host, parts.port or 80)
    if not allowed or any(not _is_within(address, allowed) for address in found):
        raise UnfitUrlError(
            "Over http, messages and their links could be read on the way: use https, or, if this host is in a "
            "network of yours, add that network to AUTOMATIONS_ALLOW (on every machine that runs `automations`)."
        )


def _is_within(address: IPv4Address | IPv6Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _addresses(host: str, port: int) -> Collection[IPv4Address | IPv6Address]:
    """Return a host's addresses; none if its name can't be looked up here, as of another machine's network."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return {ip_address(str(place[0]).partition("%")[0]) for *_, place in found}
