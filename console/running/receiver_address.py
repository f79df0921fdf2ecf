"""Where this folder's receiver listens, as HOST and PORT say."""

from collections.abc import Mapping

from runtime.environment import setting, whole_number
from runtime.listening import ANY_IPV6, HOST_TAKES, read_host

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 8000
_MOST_PORT = 65535
# Addresses to listen on, not to call. Who listens on all of IPv6 takes IPv4 too, and that loopback is always there.
_ANY = {"0.0.0.0": "127.0.0.1", ANY_IPV6: "127.0.0.1"}  # noqa: S104 - nothing is bound to here


def receiver_place(environment: Mapping[str, str]) -> tuple[str, int]:
    """Return the host and port that the receiver listens on.

    Raises:
        SettingError: HOST is no host or PORT no port.
    """
    host = setting(environment, "HOST", HOST_TAKES, read_host, _DEFAULT_HOST)
    port = setting(environment, "PORT", "a port from 1 to 65535", whole_number(1, _MOST_PORT), _DEFAULT_PORT)
    return host, port


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
