"""The settings, each declared once. Add a new one here, in README's table and in `.env.example`.

Settings with a parser of some size live beside it: `DATABASE_URL` in `runtime.addresses`, `BROKER_URL` in
`workers.queue.broker_address`, `WEBHOOK_KEY_URLS` and `WEBHOOK_PUBLIC_KEYS` in `receiver.keys.trusted`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from runtime.listening import HOST_TAKES, read_host
from runtime.setting import Setting, comma_separated, length_of_time, read_length_of_time, whole_number

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

# Part of a path: no slash, nothing to be encoded.
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_LEAST_CALLS, _MOST_CALLS = 0.01, 1000.0
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}", re.ASCII)
# What a user of the console may do: see `console.pages.entrance.roles`.
ROLES = frozenset({"read", "people", "operate"})


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


def _api_url(text: str) -> str:
    parts = urlsplit(text)
    _ = parts.port  # raises ValueError on nonsense
    host = parts.hostname or ""
    is_loopback = host == "localhost" or (host.replace(":", "").replace(".", "").isalnum() and _is_loopback(host))
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback):
        raise ValueError
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _secret(text: str) -> str | None:
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError
    return text


def _id(text: str) -> str | None:
    if not _ID.fullmatch(text):
        raise ValueError
    return text


def _app_ids(text: str) -> tuple[str, ...]:
    parts = comma_separated(text)
    if not all(_ID.fullmatch(part) for part in parts):
        raise ValueError
    return parts


def _round(text: str) -> timedelta:
    length = read_length_of_time(text)
    if length and not timedelta(seconds=1) <= length <= timedelta(hours=24):
        raise ValueError
    return length


def _calls(text: str) -> float:
    calls = float(text)
    if not _LEAST_CALLS <= calls <= _MOST_CALLS:
        raise ValueError
    return calls


def _public_address(text: str) -> str | None:
    parts = urlsplit(text)
    _ = parts.port
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or "@" in parts.netloc:
        raise ValueError
    if parts.query or parts.fragment:
        raise ValueError
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _header_name(text: str) -> str | None:
    if not _HEADER.fullmatch(text):
        raise ValueError
    return text.lower()


def _roles(text: str) -> Mapping[str, str]:
    pairs = [part.rpartition("=") for part in comma_separated(text)]
    roles = {user.strip(): role.strip() for user, _, role in pairs}
    if "" in roles or not set(roles.values()) <= ROLES or len(roles) < len(pairs):
        raise ValueError
    return roles


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

DYTE_ORGANIZATION_ID: Setting[str | None] = Setting("DYTE_ORGANIZATION_ID", "the id of an organization", None, _id)
DYTE_API_KEY: Setting[str | None] = Setting("DYTE_API_KEY", "an API key: ASCII without spaces", None, _secret)
DYTE_API_URL = Setting(
    "DYTE_API_URL", "an https:// URL, or an http:// one of this machine", "https://api.dyte.io/v2", _api_url
)
REALTIMEKIT_ACCOUNT_ID: Setting[str | None] = Setting("REALTIMEKIT_ACCOUNT_ID", "the id of an account", None, _id)
REALTIMEKIT_APP_IDS: Setting[tuple[str, ...]] = Setting(
    "REALTIMEKIT_APP_IDS", "ids of apps, separated by commas", (), _app_ids
)
REALTIMEKIT_API_TOKEN: Setting[str | None] = Setting(
    "REALTIMEKIT_API_TOKEN", "an API token: ASCII without spaces", None, _secret
)
REALTIMEKIT_API_URL = Setting(
    "REALTIMEKIT_API_URL",
    "an https:// URL, or an http:// one of this machine",
    "https://api.cloudflare.com/client/v4",
    _api_url,
)
RECONCILE_EVERY = Setting(
    "RECONCILE_EVERY",
    "a length of time from 1s to 24h, such as 15m, or 0 for never",
    timedelta(minutes=15),
    _round,
)
VENDOR_CALLS_PER_SECOND = Setting(
    "VENDOR_CALLS_PER_SECOND", f"a number from {_LEAST_CALLS:g} to {_MOST_CALLS:g}", 1.5, _calls
)
CONSOLE_HOST = Setting("CONSOLE_HOST", HOST_TAKES, "127.0.0.1", read_host)
CONSOLE_PORT = Setting("CONSOLE_PORT", f"a port from 1 to {_MOST_PORT}", 8080, whole_number(1, _MOST_PORT))
CONSOLE_URL: Setting[str | None] = Setting(
    "CONSOLE_URL", "the address that browsers use, without a path, such as https://rollcall.example.com", None,
    _public_address,
)  # fmt: skip
CONSOLE_TRUST_HEADER: Setting[str | None] = Setting(
    "CONSOLE_TRUST_HEADER", "the name of a header, such as x-forwarded-user", None, _header_name
)
CONSOLE_TRUST_NETWORKS: Setting[tuple[Network, ...]] = Setting(
    "CONSOLE_TRUST_NETWORKS", "networks separated by commas, such as 10.0.0.5/32,fd00::/64", (), _networks
)
CONSOLE_ROLES: Setting[Mapping[str, str]] = Setting(
    "CONSOLE_ROLES", "users with their roles, such as ada=operate,*=read; roles: read, people, operate",
    {}, _roles,
)  # fmt: skip
