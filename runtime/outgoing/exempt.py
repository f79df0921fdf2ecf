"""`NO_PROXY`: hosts to connect to directly, parsed as curl and Go do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_HOST_AND_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>\d+))?")
_BRACKETS = re.compile(r"^\[([^\[\]]*)\](?=/|$)")
_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
_MOST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Exempt:
    """One entry of `NO_PROXY`.

    Attributes:
        name: a host name, which also covers its subdomains; "" for every host.
        network: an address range, instead of a name.
        port: the only port it covers; None for all.
    """

    name: str = ""
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def covers(self, host: str, port: int) -> bool:
        """Return whether a host, as written in a URL, is exempt from the proxy."""
        if self.port not in {None, port}:
            return False
        if self.network is not None:
            address = read_address(host)
            return address is not None and address in self.network
        return not self.name or f".{host.rstrip('.').lower()}".endswith(f".{self.name}")


def read_no_proxy(text: str) -> Iterator[Exempt | None]:
    """Yield each entry, None for one that can't be parsed."""
    for entry in re.split(r"[\s,]+", text):
        if entry:
            try:
                yield _read(entry.rpartition("://")[2].rstrip("/"))
            except ValueError:
                yield None


def read_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return a URL's host as an address, None if it is a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def _read(entry: str) -> Exempt:
    if entry == "*":
        return Exempt()
    try:
        return Exempt(network=ip_network(_BRACKETS.sub(r"\1", entry), strict=False))
    except ValueError:
        pass
    match = _HOST_AND_PORT.fullmatch(entry)
    if match is None:
        raise ValueError
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port <= _MOST_PORT:
        raise ValueError
    if match["host"].startswith("["):
        return Exempt(network=ip_network(match["host"][1:-1]), port=port)
    if (address := read_address(match["host"])) is not None:
        return Exempt(network=ip_network(address), port=port)
    name = match["host"].removeprefix("*").strip(".").lower()
    if not _NAME.fullmatch(name):
        raise ValueError
    # As names are sent: a non-ASCII entry must match its IDNA form.
    return Exempt(name if name.isascii() else name.encode("idna").decode("ascii"), port=port)
