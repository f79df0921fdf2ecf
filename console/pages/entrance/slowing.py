"""Slows down wrong passwords: per address, and altogether."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

# Wrong passwords in a row that cost nothing.
_FREE = 3
_MOST_SECONDS = 300.0
_FORGET_SECONDS = 3600.0
_MOST_ADDRESSES = 10_000
# Altogether: tries that may come at once, and seconds until there is room for one more.
_BURST = 20
_SECONDS_A_TRY = 1.0
_NETWORK_BITS = 64


@dataclass(slots=True)
class _Failures:
    number: int
    last: float


class Slowing:
    """Counts wrong passwords and says how long the next try has to wait. Times are of `time.monotonic`.

    From the fourth wrong password on, an address waits for 1, 2, 4 … 300 seconds after each. Altogether there may be a
    try a second, after the first twenty: so many addresses are no faster, and nobody is shut out for long.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_address: OrderedDict[str, _Failures] = OrderedDict()
        self._room = float(_BURST)
        self._counted_at = 0.0

    def take_turn(self, address: str, now: float) -> float:
        """Return 0 if a try may be made now, which then counts as one; else the seconds to wait."""
        with self._lock:
            known = self._of_address.get(_network(address))
            if known is not None and now - known.last < _FORGET_SECONDS and known.number >= _FREE:
                wait = known.last + min(2.0 ** (known.number - _FREE), _MOST_SECONDS) - now
                if wait > 0:
                    return wait
            self._room = min(float(_BURST), self._room + max(0.0, now - self._counted_at) / _SECONDS_A_TRY)
            self._counted_at = now
            if self._room < 1:
                return (1 - self._room) * _SECONDS_A_TRY
            self._room -= 1
            # Wrong until it is known to be right: others that come meanwhile have to wait.
            self._count(_network(address), known, now)
            return 0.0

    def was_right(self, address: str) -> None:
        """Forget an address's wrong passwords."""
        with self._lock:
            self._of_address.pop(_network(address), None)

    def _count(self, network: str, known: _Failures | None, now: float) -> None:
        is_fresh = known is None or now - known.last >= _FORGET_SECONDS
        number = 1 if known is None or is_fresh else known.number + 1
        self._of_address[network] = _Failures(number, now)
        self._of_address.move_to_end(network)
        while len(self._of_address) > _MOST_ADDRESSES:
            self._of_address.popitem(last=False)


def _network(address: str) -> str:
    """Return what counts as one: an IPv4 address, or the network that an IPv6 customer has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(int(found) >> (128 - _NETWORK_BITS))
    return str(getattr(found, "ipv4_mapped", None) or found)
