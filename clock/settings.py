"""The settings of `clock`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from runtime.addresses import database_url
from runtime.settings import MESSAGES_KEEP, METRICS_HOST, METRICS_PORT, RECONCILE_EVERY, SETTLE_AFTER
from vendor_api.settings import VendorSettings
from workers.queue.broker_address import broker_url


@dataclass(frozen=True, slots=True)
class ClockSettings:
    """The settings of `clock`.

    Attributes:
        database_url: where the tables are.
        messages_keep: how long delivered messages are kept.
        broker_url: where the queue is.
        vendor: how the vendor's API is asked.
        reconcile_every: how often lists and sessions that go on are looked at; 0: never.
        settle_after: how long nothing must have come of an ended session before it is asked about.
        host: the address that the metrics are served on.
        metrics_port: where the metrics are served: the second port after `METRICS_PORT`.
    """

    database_url: str = field(repr=False)  # may hold a password
    messages_keep: timedelta
    broker_url: str = field(repr=False)
    vendor: VendorSettings
    reconcile_every: timedelta
    settle_after: timedelta
    host: str
    metrics_port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ClockSettings":
        """Read the settings.

        Raises:
            SettingError: a variable has a value that it does not take.
        """
        return cls(
            database_url=database_url(environment),
            messages_keep=MESSAGES_KEEP.of(environment),
            broker_url=broker_url(environment),
            vendor=VendorSettings.from_environment(environment),
            reconcile_every=RECONCILE_EVERY.of(environment),
            settle_after=SETTLE_AFTER.of(environment),
            host=METRICS_HOST.of(environment),
            metrics_port=METRICS_PORT.of(environment) + 2,
        )
