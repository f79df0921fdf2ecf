"""The URL of an endpoint, as far as it can be judged when it is added. Where it leads is judged at every connection."""

import socket
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2

from automations.errors import AutomationsError
from automations.sending.guard import Address, Guard, read_address
from runtime.addresses import DATABASE_URL
from runtime.settings import AUTOMATIONS_ALLOW

_MOST_CHARACTERS = 2000


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


def guard_of(environment: Mapping[str, str]) -> Guard:
    """Return the guard that `automations` with these settings has; with the embedded Postgres, this machine is open.

    Raises:
        SettingError: AUTOMATIONS_ALLOW is invalid.
    """
    return Guard(AUTOMATIONS_ALLOW.of(environment), loopback=DATABASE_URL.name not in environment)


def check_place(url: str, guard: Guard) -> None:
    """See that a URL leads to a place that may be sent to, as far as that can be said without asking a name server.

    Names over http are looked up: most are on this machine or on a private network.

    Args:
        url: as `read_url` returns it.
        guard: judges the addresses.

    Raises:
        RefusedError: it does not.
        UnfitUrlError: its name can't be looked up.
    """
    parts = httpx2.URL(url)
    literal = read_address(parts.host)
    if literal is not None:
        guard.check(literal, parts.scheme)
    elif parts.scheme == "http":
        addresses = _addresses(parts.host)
        if not addresses:
            raise UnfitUrlError(
                "The URL's name can't be looked up here, and over http messages are sent only to the networks in "
                "AUTOMATIONS_ALLOW: give an address in one of them, or use https."
            )
        for address in addresses:
            guard.check(address, parts.scheme)


def _addresses(name: str) -> Collection[Address]:
    """Return a name's addresses; none if it can't be looked up here."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return {ip_address(str(place[0]).partition("%")[0]) for *_, place in found}
