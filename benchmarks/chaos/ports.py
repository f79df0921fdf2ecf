"""Ports that are still free when a server is restarted on them."""

import random
import socket

# Below the range from which Linux and others take the ports of outgoing connections.
_LOWEST, _HIGHEST = 10_000, 30_000


def free_port() -> int:
    """Return a free port of 127.0.0.1 whose next port is free too (for a worker's metrics)."""
    while True:
        port = random.randrange(_LOWEST, _HIGHEST)
        if _is_free(port) and _is_free(port + 1):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
