"""Where messages may go: public addresses over https, and what `AUTOMATIONS_ALLOW` opens.

An address is judged by where its packets end up: one that carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo)
by that address. Python's `is_global` takes some of these, multicast and site-local addresses for public ones.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from ssrfguard import DEFAULT_DENIED, AddressTable, Block, Reach

from automations.errors import AutomationsError
from runtime.settings import Network

Address = IPv4Address | IPv6Address

_LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

# Of IPv6 only 2000::/3 is given to hosts, so all else is refused, whatever it may mean one day.
_TABLE = AddressTable(
    (
        *DEFAULT_DENIED.blocks,
        Block(ip_network("168.63.129.16/32"), "Azure's platform services", "none", Reach.DENIED),
        Block(ip_network("::/0"), "not global unicast", "RFC4291", Reach.DENIED),
        Block(ip_network("2000::/3"), "Global Unicast", "RFC4291", Reach.PERMITTED),
    )
)
# The second half of an ISATAP address starts with one of these and ends with an IPv4 address.
_ISATAP = (0x00005EFE, 0x02005EFE)


class RefusedError(AutomationsError):
    """A message may not be sent to this address."""


class Guard:
    """Judges addresses."""

    def __init__(self, allow: Iterable[Network] = (), *, loopback: bool = False) -> None:
        """Open networks besides public addresses.

        Args:
            allow: networks that may be sent to, over http too.
            loopback: whether this machine itself is one of them.
        """
        self._allow = (*allow, *(_LOOPBACK if loopback else ()))

    def check(self, address: Address, scheme: str) -> None:
        """Return if a connection to `address` may be opened for a URL of this scheme.

        Raises:
            RefusedError: it may not; the message says why.
        """
        if self.is_allowed(address):
            return
        if scheme != "https":
            raise RefusedError(
                f"{address} is not in AUTOMATIONS_ALLOW, and other addresses are sent to over https only."
            )
        verdict = _TABLE.classify(address)
        inner = _isatap(address)
        if not verdict.blocked and inner is not None:
            verdict = _TABLE.classify(inner)
        if verdict.blocked:
            raise RefusedError(
                f"{address} is not a public address ({verdict.reason}). If it is yours, add its network to "
                "AUTOMATIONS_ALLOW."
            )

    def is_allowed(self, address: Address) -> bool:
        """Return whether `AUTOMATIONS_ALLOW` opens an address."""
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain.version == network.version and plain in network for network in self._allow)


def read_address(text: str) -> Address | None:
    """Return a URL's host as an address; None if it is a name.

    Other ways to write one (`127.1`, `0x7f000001`) count as names: the resolver turns them into addresses.
    """
    try:
        return ip_address(text)
    except ValueError:
        return None


def _isatap(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv6Address) and int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
