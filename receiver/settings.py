"""The receiver's settings, read once when the process starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from receiver.keys.public_key import PublicKey, UnfitKeyError, read_dev_key, read_public_keys
from runtime.environment import comma_separated, setting, whole_number
from runtime.listening import HOST_TAKES, is_loopback, read_host
from runtime.metrics_server import read_metrics_host
from runtime.outgoing.client import WayOut
from workers.queue.broker_address import broker_url

VENDOR_KEY_URLS = (
    "https://api.dyte.io/.well-known/webhooks.json",
    "https://api.realtime.cloudflare.com/.well-known/webhooks.json",
)

# A group of at least one body travels as one queue message; RabbitMQ takes 16 MiB by default, base64 included.
MOST_MAX_BODY_BYTES = 8 * 2**20
_MOST_MAX_BODIES_BYTES = 64 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings:
    """What a receiver is told from outside.

    Attributes:
        broker_url: the queue, see `runtime.addresses`.
        host: the address to listen on.
        port: the port of the webhook; 0 for any free one.
        metrics_host: the address that the metrics are served on.
        metrics_port: the port of the metrics.
        max_body_bytes: larger bodies are refused.
        max_bodies_bytes: received of all unfinished bodies together; beyond it the largest is refused.
        key_urls: the vendor's key documents.
        public_keys: pinned keys; where there are some, nothing is fetched.
        dev_key: one more key to trust, which does not keep the documents from being fetched.
        keys_dir: where the documents' keys are kept.
        spool_dir: where deliveries wait that the queue did not take.
        way_out: the proxies and authorities on the way to the documents.
    """

    broker_url: str = field(repr=False)  # may hold a password
    host: str = "127.0.0.1"
    port: int = 8000
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    max_body_bytes: int = 1_048_576
    max_bodies_bytes: int = 64 * 2**20
    key_urls: tuple[str, ...] = VENDOR_KEY_URLS
    public_keys: tuple[PublicKey, ...] = ()
    dev_key: PublicKey | None = None
    keys_dir: Path = Path("var/keys")
    spool_dir: Path = Path("var/spool")
    way_out: WayOut = field(default_factory=WayOut)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ReceiverSettings":
        """Read the settings.

        Raises:
            SettingError: a variable has a value that it does not take; the message names the variable.
        """
        return cls(
            broker_url=broker_url(environment),
            host=setting(environment, "HOST", HOST_TAKES, read_host, "127.0.0.1"),
            port=setting(environment, "PORT", "a port from 0 (any free one) to 65535", whole_number(0, 65535), 8000),
            metrics_host=read_metrics_host(environment),
            metrics_port=setting(
                environment,
                "METRICS_PORT",
                "a port from 1 to 65534 (the worker serves on the next one)",
                whole_number(1, 65534),
                9464,
            ),
            max_body_bytes=setting(
                environment,
                "MAX_BODY_BYTES",
                f"a whole number of bytes from 1 to {MOST_MAX_BODY_BYTES}",
                whole_number(1, MOST_MAX_BODY_BYTES),
                1_048_576,
            ),
            max_bodies_bytes=setting(
                environment,
                "MAX_BODIES_BYTES",
                f"a whole number of bytes from 65536 to {_MOST_MAX_BODIES_BYTES}",
                whole_number(65_536, _MOST_MAX_BODIES_BYTES),
                64 * 2**20,
            ),
            key_urls=setting(
                environment,
                "WEBHOOK_KEY_URLS",
                "comma-separated https URLs of key documents (http on this host only)",
                _key_urls,
                VENDOR_KEY_URLS,
            ),
            public_keys=setting(
                environment,
                "WEBHOOK_PUBLIC_KEYS",
                "RSA public keys of at least 2048 bits as PEM text, or the path of a file that holds them",
                _public_keys,
                (),
            ),
            dev_key=setting(environment, "ROLLCALL_DEV_KEY", "the path of a PEM file with an RSA key", _dev_key, None),
            spool_dir=setting(environment, "SPOOL_DIR", "the path of a folder", Path, Path("var/spool")),
            way_out=WayOut.from_environment(environment),
        )


def _key_urls(text: str) -> tuple[str, ...]:
    # The same document twice would never be looked at twice.
    return tuple(dict.fromkeys(_key_url(url) for url in comma_separated(text)))


def _key_url(url: str) -> str:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError on nonsense
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not is_safe or not parts.hostname:
        raise ValueError
    return url


def _public_keys(text: str) -> tuple[PublicKey, ...]:
    try:
        if "-----BEGIN" in text:
            return read_public_keys(text)
        return tuple(key for path in comma_separated(text) for key in read_public_keys(_content(Path(path))))
    except UnfitKeyError as error:
        raise ValueError from error


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError from error


def _dev_key(text: str) -> PublicKey | None:
    try:
        return read_dev_key(Path(text))
    except UnfitKeyError as error:
        raise ValueError from error
