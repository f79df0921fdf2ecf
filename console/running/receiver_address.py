"""Where this folder's receiver listens, as HOST and PORT say."""

from collections.abc import Mapping

from runtime.environment import setting, whole_number

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 8000
_MOST_PORT = 65535
# Addresses to listen on, not to call.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to here


def receiver_url(environment: Mapping[str, str]) -> str:
    """Return the URL of the receiver that the settings describe, without a path.

    Raises:
        SettingError: PORT is no port.
    """
    host = setting(environment, "HOST", "a host name or address to listen on", str, _DEFAULT_HOST)
    port = setting(environment, "PORT", "a port from 1 to 65535", whole_number(1, _MOST_PORT), _DEFAULT_PORT)
    host = _ANY.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def webhook_url(environment: Mapping[str, str]) -> str:
    """Return the URL that the receiver takes deliveries at."""
    return f"{receiver_url(environment)}/webhook"
