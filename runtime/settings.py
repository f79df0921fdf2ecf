"""The settings, each declared once. Add a new one here, in README's table and in `.env.example`.

Settings with a parser of some size live beside it: `DATABASE_URL` in `runtime.addresses`, `BROKER_URL` in
`workers.queue.broker_address`, `WEBHOOK_KEY_URLS` and `WEBHOOK_PUBLIC_KEYS` in `receiver.keys.trusted`.
"""

from pathlib import Path

from runtime.listening import HOST_TAKES, read_host
from runtime.setting import Setting, comma_separated, whole_number

_MOST_PORT = 65535
# Each additional process serves its metrics on the next port.
_METRICS_PORTS = 5

# A group of at least one body travels as one queue message; RabbitMQ takes 16 MiB by default, base64 included.
MOST_MAX_BODY_BYTES = 8 * 2**20
_MOST_MAX_BODIES_BYTES = 64 * 2**30
_LEAST_MAX_BODIES_BYTES = 2**16


def _ids(text: str) -> frozenset[str] | None:
    return frozenset(comma_separated(text))


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
