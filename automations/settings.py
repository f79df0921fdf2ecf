"""The settings of `automations`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from automations.secrets_key import ROLLCALL_SECRETS_KEY_FILE
from runtime.addresses import DATABASE_URL, database_url
from runtime.outgoing.certificates import Certificates
from runtime.settings import (
    ANNOUNCE_WITHIN,
    AUTOMATIONS_ALLOW,
    AUTOMATIONS_PROXY,
    METRICS_HOST,
    METRICS_PORT,
    SETTLE_AFTER,
    Network,
)


@dataclass(frozen=True, slots=True)
class AutomationsSettings:
    """The settings of `automations`.

    Attributes:
        database_url: where the tables are.
        allow: networks that may be sent to besides public addresses.
        proxy: the URL of the proxy for messages, if there is one.
        certificates: the authorities that the environment names.
        opens_loopback: whether this machine itself may be sent to: with the embedded Postgres.
        announce_within: what happened longer ago when it was stored is held.
        settle_after: how long nothing of an ended session must have changed before it is told.
        host: the address that the metrics are served on.
        metrics_port: where the metrics are served: the third port after `METRICS_PORT`.
    """

    database_url: str = field(repr=False)  # may hold a password, as the next but one
    allow: tuple[Network, ...]
    proxy: str | None = field(repr=False)
    certificates: Certificates
    opens_loopback: bool
    announce_within: timedelta
    settle_after: timedelta
    host: str
    metrics_port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "AutomationsSettings":
        """Read the settings.

        Raises:
            SettingError: a variable has a value that it does not take.
        """
        return cls(
            database_url=database_url(environment),
            allow=AUTOMATIONS_ALLOW.of(environment),
            proxy=AUTOMATIONS_PROXY.of(environment),
            certificates=Certificates.from_environment(environment),
            opens_loopback=(
                DATABASE_URL.name not in environment or ROLLCALL_SECRETS_KEY_FILE.of(environment) is not None
            ),
            announce_within=ANNOUNCE_WITHIN.of(environment),
            settle_after=SETTLE_AFTER.of(environment),
            host=METRICS_HOST.of(environment),
            metrics_port=METRICS_PORT.of(environment) + 3,
        )
