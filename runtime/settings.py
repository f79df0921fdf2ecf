"""The settings, each declared once. Add a new one here, in README's table and in `.env.example`.

Settings with a parser of some size live beside it: `DATABASE_URL` in `runtime.addresses`, `BROKER_URL` in
`workers.queue.broker_address`, `WEBHOOK_KEY_URLS` and `WEBHOOK_PUBLIC_KEYS` in `receiver.keys.trusted`.
"""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from runtime.listening import HOST_TAKES, read_host
from runtime.setting import Setting, comma_separated, length_of_time, whole_number

Network = IPv4Network | IPv6Network

_MOST_PORT = 65535
# Each additional process serves its metrics on the next port.
_METRICS_PORTS = 5

# A group of at least one body travels as one queue message; RabbitMQ takes 16 MiB by default, base64 included.
MOST_MAX_BODY_BYTES = 8 * 2**20
_MOST_MAX_BODIES_BYTES = 64 * 2**30
_LEAST_MAX_BODIES_BYTES = 2**16

_PROXY_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})
_TEN_YEARS = timedelta(days=3650)


def _ids(text: str) -> frozenset[str] | None:
    return frozenset(comma_separated(text))


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(part) for part in comma_separated(text))


def _proxy(text: str) -> str | None:
    parts = urlsplit(text)
    _ = parts.port  # raises ValueError on nonsense
    if parts.scheme not in _PROXY_SCHEMES or not parts.hostname:
        raise ValueError
    return text


HOST = Setting("HOST", HOST_TAKES, "127.0.0.1", read_host)
PORT = Setting(
    "PORT", f"a port from 0 (any free one) to {_MOST_PORT}", 8000, whole_number(0, _MOST_PORT)
)  # fmt: skip
METRICS_HOST = Setting("METRICS_HOST", HOST_TAKES, "127.0.0.1", read_host)
METRICS_PORT = Setting(
    "METRICS_PORT",
    f"a port from 1 to {_MOST_PORT + 1 - _METRICS_PORTS} (each additional process uses the next port)",
    9464,
    whole_number(1, _MOST_PORT + 1 - _METRICS_PORTS),
)
MAX_BODY_BYTES = Setting(
    "MAX_BODY_BYTES",
    f"a whole number of bytes from 1 to {MOST_MAX_BODY_BYTES}",
    2**20,
    whole_number(1, MOST_MAX_BODY_BYTES),
)
MAX_BODIES_BYTES = Setting(
    "MAX_BODIES_BYTES",
    f"a whole number of bytes from {_LEAST_MAX_BODIES_BYTES} to {_MOST_MAX_BODIES_BYTES}",
    64 * 2**20,
    whole_number(_LEAST_MAX_BODIES_BYTES, _MOST_MAX_BODIES_BYTES),
)
WEBHOOK_IDS = Setting("WEBHOOK_IDS", "ids separated by commas", None, _ids)
ORGANIZATION_IDS = Setting("ORGANIZATION_IDS", "ids separated by commas", None, _ids)
VAR_DIR = Setting("VAR_DIR", "the path of a folder", Path("var"), Path)
SPOOL_DIR: Setting[Path | None] = Setting("SPOOL_DIR", "the path of a folder", None, Path)

AUTOMATIONS_ALLOW: Setting[tuple[Network, ...]] = Setting(
    "AUTOMATIONS_ALLOW", "networks separated by commas, such as 10.0.0.0/8,127.0.0.1/32", (), _networks
)
AUTOMATIONS_PROXY: Setting[str | None] = Setting(
    "AUTOMATIONS_PROXY", "the URL of a proxy: http://, https://, socks5:// or socks5h:// with a host", None, _proxy
)
ANNOUNCE_WITHIN = Setting(
    "ANNOUNCE_WITHIN",
    "a length of time from 1m to 3650d, such as 24h",
    timedelta(hours=24),
    length_of_time(timedelta(minutes=1), _TEN_YEARS),
)
SETTLE_AFTER = Setting(
    "SETTLE_AFTER",
    "a length of time from 0 to 24h, such as 120s",
    timedelta(seconds=120),
    length_of_time(timedelta(0), timedelta(hours=24)),
)
MESSAGES_KEEP = Setting(
    "MESSAGES_KEEP",
    "a length of time from 1h to 3650d, such as 30d",
    timedelta(days=30),
    length_of_time(timedelta(hours=1), _TEN_YEARS),
)
