"""The vendor's API: whether it takes each of the credentials, and calls organizations what events call them."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

import psycopg

from console.checks.finding import Finding, bad, doubtful, good
from runtime.addresses import database_url
from runtime.connections import connect
from runtime.environment import SettingError
from runtime.settings import ORGANIZATION_IDS
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials
from vendor_api.errors import CredentialsError, StoppedError, VendorError
from vendor_api.history import History
from vendor_api.pace import Pace
from vendor_api.settings import VendorSettings
from workers.upkeep.lookups import organizations_of_events

_PART = "vendor's API"
# Seconds; libpq counts from 2.
_CONNECT_TIMEOUT = 2
# Seconds for all calls; then the rest is said to be too slow to check.
_SECONDS = 4.0
_DAYS = timedelta(days=30)
_MOST_NAMED = 5


def check_vendor(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check the credentials of the vendor's API, one line each. What is wrong with the database has its own check."""
    try:
        settings = VendorSettings.from_environment(environment)
    except SettingError as error:
        yield bad(_PART, str(error))
        return
    if not settings.credentials:
        yield good(_PART, "no credentials are set, so what webhooks lose stays lost: see docs/vendor-api.md")
        return
    try:
        yield from _ask(environment, settings)
    except (SettingError, psycopg.Error):
        yield doubtful(_PART, "not checked: the database, which keeps the pace of all calls, does not answer.")


def _ask(environment: Mapping[str, str], settings: VendorSettings) -> Iterator[Finding]:
    url = database_url(environment)
    stopping = threading.Event()
    timer = threading.Timer(_SECONDS, stopping.set)
    timer.daemon = True
    timer.start()
    named: set[str] = set()
    try:
        with (
            Pace(url, settings.calls_per_second, stopping) as pace,
            VendorClient(pace, settings.way_out, stopping, tries=1) as client,
        ):
            for credentials in settings.credentials:
                yield _check(client, credentials, named)
    finally:
        timer.cancel()
    with connect(url, name="rollcall doctor", connect_timeout=_CONNECT_TIMEOUT) as connection:
        events = organizations_of_events(connection.cursor(), _DAYS)
    ours = named | {one.organization_id for one in settings.credentials}
    yield from _compare(ours, events)
    yield from _check_scope(ours, ORGANIZATION_IDS.of(environment))


def _check(client: VendorClient, credentials: Credentials, named: set[str]) -> Finding:
    """Ask for the latest sessions, which is what reconciliation needs to be allowed."""
    try:
        page = next(iter(History(client, per_page=1).sessions(credentials)))
    except CredentialsError as error:
        return bad(_PART, str(error))
    except StoppedError:
        return doubtful(
            _PART,
            f"{credentials.name} is not checked: the vendor, or the pace of all calls, lets it wait for longer than "
            f"{_SECONDS:g} s. Run `rollcall doctor` again in five minutes.",
        )
    except VendorError as error:
        return doubtful(_PART, f"{error} Nothing is lost by that: the clock asks again.")
    named |= {str(row["organization_id"]) for row in page.rows if row.get("organization_id")}
    return good(_PART, f"{credentials.name} works")


def _compare(ours: set[str], events: set[str]) -> Iterator[Finding]:
    """Warn where events call organizations what neither the API nor the settings do."""
    strange = sorted(events - ours)
    if strange:
        yield doubtful(
            "organizations",
            f"webhooks of the last {_DAYS.days} days name {_some(strange)}, the API's credentials and answers "
            f"{_some(sorted(ours))}. Sessions of the former are asked for with each credential in turn. If these are "
            "other organizations of yours, set credentials for them.",
        )


def _check_scope(ours: set[str], admitted: Collection[str] | None) -> Iterator[Finding]:
    """Warn where answers of the API are about organizations whose sessions are not to be kept."""
    left_out = [] if admitted is None else sorted(ours.difference(admitted))
    if left_out:
        yield doubtful(
            "organizations",
            f"ORGANIZATION_IDS does not hold {_some(left_out)}, so what the API says of sessions under such an id is "
            "not kept: add it, and restart.",
        )


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_MOST_NAMED]) + (f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else "")
