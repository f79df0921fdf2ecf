"""Where this folder's receiver listens, as HOST and PORT say."""

from collections.abc import Mapping

from runtime.listening import ANY_IPV6
from runtime.settings import HOST, PORT

# Addresses to listen on, not to call. Who listens on all of IPv6 takes IPv4 too, and that loopback is always there.
_ANY = {"0.0.0.0": "127.0.0.1", ANY_IPV6: "127.0.0.1"}  # noqa: S104 - nothing is bound to here


def receiver_place(environment: Mapping[str, str]) -> tuple[str, int]:
    """Return the host and port that the receiver listens on.

    Raises:
        SettingError: HOST is no host or PORT no port.
    """
    return HOST.of(environment), PORT.of(environment)


def receiver_url(environment: Mapping[str, str]) -> str:
    """Return the URL that the receiver can be called at from this machine, without a path.

    Raises:
        SettingError: as `receiver_place`.
    """
    host, port = receiver_place(environment)
    host = _ANY.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def webhook_url(environment: Mapping[str, str]) -> str:
    """Return the URL that the receiver takes deliveries at."""
    return f"{receiver_url(environment)}/webhook"
