"""The vendor as the commands see it: every registration of all organizations and apps that credentials are set for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from console.changing import open_for_changes
from console.failure import CommandFailedError
from console.queries.tables import Row
from console.screen.without_logs import without_logs
from runtime.addresses import database_url
from runtime.environment import read_environment
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials
from vendor_api.errors import VendorError
from vendor_api.pace import Pace
from vendor_api.registrations import Registration, Registrations
from vendor_api.settings import VendorSettings


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration, and whose it is."""

    credentials: Credentials
    registration: Registration

    def as_row(self) -> Row:
        """Return it as `--json` prints it."""
        one = self.registration
        return {
            "dialect": str(self.credentials.dialect),
            "organization_id": self.credentials.organization_id,
            "id": one.id,
            "name": one.name,
            "url": one.url,
            "enabled": one.is_enabled,
            "events": list(one.events),
            "missing_events": list(one.missing_events),
        }


@dataclass(frozen=True, slots=True)
class Vendor:
    """The vendor.

    Attributes:
        credentials: one for each organization and app; at least one.
        registrations: asks it.
        settings: those of its API.
    """

    credentials: tuple[Credentials, ...]
    registrations: Registrations
    settings: VendorSettings

    def all(self) -> list[Registered]:
        """Return every registration."""
        return [
            Registered(credentials, registration)
            for credentials in self.credentials
            for registration in self.registrations.all(credentials)
        ]

    def find(self, prefix: str) -> Registered:
        """Return the registration with an id, or with the start of one.

        Raises:
            CommandFailedError: there is none, or more than one.
        """
        found = [one for one in self.all() if prefix and one.registration.id.startswith(prefix)]
        exact = [one for one in found if one.registration.id == prefix]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if not found:
            raise CommandFailedError(f"The vendor has no webhook {prefix!r}: `rollcall webhooks list` shows all.")
        raise CommandFailedError(
            f"{len(found)} webhooks have ids that begin with {prefix!r}: give more of the one you mean."
        )


@contextmanager
def open_vendor() -> Iterator[Vendor]:
    """Open the vendor's API.

    Raises:
        SettingError: a setting is invalid, or there is no database, which keeps the pace of all calls.
        CommandFailedError: no credentials are set, the vendor or the database is away, or a call is refused.
    """
    environment = read_environment()
    settings = VendorSettings.from_environment(environment)
    if not settings.credentials:
        raise CommandFailedError(
            "No credentials of the vendor's API are set: set DYTE_ORGANIZATION_ID and DYTE_API_KEY, or "
            "REALTIMEKIT_ACCOUNT_ID, REALTIMEKIT_APP_IDS and REALTIMEKIT_API_TOKEN (see docs/vendor-api.md)."
        )
    stopping = threading.Event()
    with (
        without_logs(),
        open_for_changes(),
        Pace(database_url(environment), settings.calls_per_second, stopping) as pace,
        VendorClient(pace, settings.way_out, stopping) as client,
    ):
        try:
            yield Vendor(settings.credentials, Registrations(client), settings)
        except VendorError as error:
            raise CommandFailedError(str(error)) from error
