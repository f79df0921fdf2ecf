"""The receiver's settings, read once when the process starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from receiver.keys.public_key import PublicKey
from receiver.keys.trusted import ROLLCALL_DEV_KEY, VENDOR_KEY_URLS, WEBHOOK_KEY_URLS, WEBHOOK_PUBLIC_KEYS
from runtime.outgoing.client import WayOut
from runtime.settings import HOST, MAX_BODIES_BYTES, MAX_BODY_BYTES, METRICS_HOST, METRICS_PORT, PORT
from runtime.var_folder import VarFolder
from workers.queue.broker_address import broker_url


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings:
    """The receiver's settings.

    Attributes:
        broker_url: the queue, see `runtime.addresses`.
        host: the address to listen on.
        port: the port of the webhook; 0 for any free one.
        metrics_host: the address that the metrics are served on.
        metrics_port: the port of the metrics.
        max_body_bytes: larger bodies are refused.
        max_bodies_bytes: received in all incomplete bodies together; beyond it the largest is refused.
        key_urls: the vendor's key documents.
        public_keys: pinned keys; if there are any, nothing is fetched.
        dev_key: an additional trusted key; the documents are still fetched.
        var_folder: where the documents' keys and the spool are kept.
        way_out: the proxies and certificate authorities for fetching the documents.
    """

    broker_url: str = field(repr=False)  # may hold a password
    host: str = HOST.default
    port: int = PORT.default
    metrics_host: str = METRICS_HOST.default
    metrics_port: int = METRICS_PORT.default
    max_body_bytes: int = MAX_BODY_BYTES.default
    max_bodies_bytes: int = MAX_BODIES_BYTES.default
    key_urls: tuple[str, ...] = VENDOR_KEY_URLS
    public_keys: tuple[PublicKey, ...] = ()
    dev_key: PublicKey | None = None
    var_folder: VarFolder = field(default_factory=VarFolder)
    way_out: WayOut = field(default_factory=WayOut)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ReceiverSettings":
        """Read the settings.

        Raises:
            SettingError: a variable's value is invalid; the message names the variable.
        """
        return cls(
            broker_url=broker_url(environment),
            host=HOST.of(environment),
            port=PORT.of(environment),
            metrics_host=METRICS_HOST.of(environment),
            metrics_port=METRICS_PORT.of(environment),
            max_body_bytes=MAX_BODY_BYTES.of(environment),
            max_bodies_bytes=MAX_BODIES_BYTES.of(environment),
            key_urls=WEBHOOK_KEY_URLS.of(environment),
            public_keys=WEBHOOK_PUBLIC_KEYS.of(environment),
            dev_key=ROLLCALL_DEV_KEY.of(environment),
            var_folder=VarFolder.of(environment),
            way_out=WayOut.from_environment(environment),
        )
