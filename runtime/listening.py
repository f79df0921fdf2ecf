"""Parses listen addresses and opens listening sockets; `::` is dual-stack."""

import socket
from ipaddress import IPv6Address, ip_address

HOST_TAKES = "a host name or address to listen on, such as 127.0.0.1, 0.0.0.0 or :: (all addresses, IPv4 and IPv6)"
ANY_IPV6 = "::"


def read_host(text: str) -> str:
    """Return a host name or address; an IPv6 address may stand in brackets and is returned in its shortest form.

    Raises:
        ValueError: it is neither a host name nor an address.
    """
    if text.startswith("[") and text.endswith("]"):
        return str(IPv6Address(text[1:-1]))
    try:
        return str(ip_address(text))
    except ValueError:
        pass
    if not text or any(character.isspace() or character in "/:[]\0" for character in text):
        raise ValueError
    text.encode("idna")  # raises a ValueError for names that can't be looked up
    return text


def is_loopback(host: str) -> bool:
    """Return whether a host, as returned by `read_host`, is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int, backlog: int | None = None) -> socket.socket:
    """Return a listening socket; `::` accepts IPv4 too, whatever the system's default.

    Args:
        host: as returned by `read_host`.
        port: 0 for any free port.
        backlog: connections that the kernel queues until they are accepted; None for the system's default.

    Raises:
        OSError: the port is taken, or the host is not one of this machine's addresses.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=backlog, dualstack_ipv6=host == ANY_IPV6)
