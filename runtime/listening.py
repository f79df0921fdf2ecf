"""Where a process listens: an address as people write it, and a socket on it, on both families where `::` is meant."""

import socket
from ipaddress import IPv6Address, ip_address

HOST_TAKES = "a host name or address to listen on, such as 127.0.0.1, 0.0.0.0 or :: (all addresses, IPv4 and IPv6)"
ANY_IPV6 = "::"


def read_host(text: str) -> str:
    """Return a host name or address; an IPv6 address may stand in brackets and is returned in its shortest form.

    Raises:
        ValueError: it is neither.
    """
    if text.startswith("[") and text.endswith("]"):
        return str(IPv6Address(text[1:-1]))
    try:
        return str(ip_address(text))
    except ValueError:
        pass
    if not text or any(character.isspace() or character in "/:[]\0" for character in text):
        raise ValueError
    text.encode("idna")  # raises a ValueError on what no name server could be asked for
    return text


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens on a host, as `read_host` gives it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int, backlog: int | None = None) -> socket.socket:
    """Return a listening socket; on `::` it takes IPv4 too, whatever the system's default.

    Args:
        host: as `read_host` gives it.
        port: 0 for any free one.
        backlog: connections that the kernel holds until they are accepted; None for the system's number.

    Raises:
        OSError: the port is taken, or the host is none of this machine's.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=backlog, dualstack_ipv6=host == ANY_IPV6)
