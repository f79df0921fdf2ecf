"""The address of this folder's receiver, from HOST and PORT."""

from collections.abc import Mapping

from runtime.listening import ANY_IPV6
from runtime.settings import HOST, PORT

# Wildcard addresses can't be called. `::` includes IPv4, whose loopback always exists.
_ANY = {"0.0.0.0": "127.0.0.1", ANY_IPV6: "127.0.0.1"}  # noqa: S104 - not bound here


def receiver_place(environment: Mapping[str, str]) -> tuple[str, int]:
    """Return the host and port that the receiver listens on.

    Raises:
        SettingError: HOST or PORT is invalid.
    """
    return HOST.of(environment), PORT.of(environment)


def receiver_url(environment: Mapping[str, str]) -> str:
    """Return the receiver's URL from this machine, without a path.

    Raises:
        SettingError: as `receiver_place`.
    """
    host, port = receiver_place(environment)
    host = _ANY.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def webhook_url(environment: Mapping[str, str]) -> str:
    """Return the webhook's URL."""
    return f"{receiver_url(environment)}/webhook"
