"""`rollcall backfill`: asks the vendor's API for what webhooks lost."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import psycopg
import typer
from rich.progress import Progress as Bar
from rich.progress import TaskID

from clock.asking import Asker
from clock.backfill import Backfill
from clock.publishing import Publishing
from clock.whose import Whose
from console.changing import open_for_changes
from console.failure import CommandFailedError
from console.screen.progress import progress_bar
from console.screen.without_logs import without_logs
from console.since import SINCE_TAKES, since
from runtime.addresses import database_url
from runtime.environment import read_environment
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials
from vendor_api.errors import VendorError
from vendor_api.history import History
from vendor_api.pace import Pace
from vendor_api.settings import VendorSettings
from workers.queue.broker_address import broker_url
from workers.queue.publisher import QueueAwayError
from workers.upkeep.lookups import CameOf

# Seconds that the end waits for workers to write the answers.
_SETTLES_WITHIN = 60.0
_LOOK_INTERVAL = 0.5
# Seconds between lines of progress where there is no terminal.
_SAID_EVERY = 10.0


def backfill(
    began_since: Annotated[
        datetime | None,
        typer.Option("--since", parser=since, metavar="T", help=f"Sessions that went on since then: {SINCE_TAKES}."),
    ] = None,
    began_until: Annotated[
        datetime | None,
        typer.Option("--until", parser=since, metavar="T", help="Sessions that began until then. Default: now."),
    ] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="This session alone.")] = None,
    dry_run: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--dry-run", help="Only list the sessions, and say how many would be asked about.")
    ] = False,
) -> None:
    """Ask the vendor's API for what webhooks lost, and fill it in.

    Workers have to be running: the answers go to the tables by way of the queue. A session that has not changed since
    it was last asked about is not asked about again. Interrupted, it goes on where it was; run twice, the second adds
    nothing. The clock does the same by itself for the last three days.
    """
    if (began_since is None) == (session is None):
        raise typer.BadParameter("use either --since or --session.", param_hint="backfill")
    environment = read_environment()
    settings = VendorSettings.from_environment(environment)
    if not settings.credentials:
        raise CommandFailedError(
            "No credentials of the vendor's API are set: set DYTE_ORGANIZATION_ID and DYTE_API_KEY, or "
            "REALTIMEKIT_ACCOUNT_ID, REALTIMEKIT_APP_IDS and REALTIMEKIT_API_TOKEN (see docs/vendor-api.md)."
        )
    stopping = threading.Event()
    with (
        open_for_changes() as connection,
        Pace(database_url(environment), settings.calls_per_second, stopping) as pace,
        VendorClient(pace, settings.way_out, stopping) as client,
        Publishing(broker_url(environment), stopping) as publishing,
        _said_clearly(),
        without_logs(),
    ):
        history = History(client)
        work = Backfill(connection, history, Asker(history, publishing.publish, publishing.flush))
        if session is not None:
            _one(work, settings.credentials, session)
        elif began_since is not None and dry_run:
            _say_what_it_would_ask(work, settings, began_since, began_until)
            return
        elif began_since is not None:
            _all(work, settings.credentials, began_since, began_until)
        _wait_until_settled(work)
        typer.echo(_summary(work))


def _one(work: Backfill, credentials: tuple[Credentials, ...], session: str) -> None:
    for one in Whose(credentials).candidates(None):
        if work.one(one, session):
            return
    raise CommandFailedError(f"The vendor knows no session {session!r}: check the id and the credentials.")


def _all(
    work: Backfill, credentials: tuple[Credentials, ...], began_since: datetime, began_until: datetime | None
) -> None:
    for one in credentials:
        with progress_bar() as bar:
            work.progress = _Follow(bar, bar.add_task(f"Sessions of {one.name}", total=None), work.listed)
            work.all(one, began_since, began_until)


def _say_what_it_would_ask(
    work: Backfill, settings: VendorSettings, began_since: datetime, began_until: datetime | None
) -> None:
    for one in settings.credentials:
        listed_before = work.listed
        due = work.due(one, began_since, began_until)
        # One call for each session's participants at least.
        minutes = due / settings.calls_per_second / 60
        typer.echo(
            f"{one.name}: {work.listed - listed_before} sessions, of which {due} would be asked about: at least {due} "
            f"calls, about {minutes:.0f} min at {settings.calls_per_second:g} calls a second."
        )


class _Follow:
    def __init__(self, bar: Bar, task: TaskID, before: int) -> None:
        self._bar = bar
        self._task = task
        self._before = before
        self._said_at = time.monotonic()

    def __call__(self, done: int, total: int | None) -> None:
        self._bar.update(self._task, completed=done - self._before, total=total)
        if self._bar.disable and time.monotonic() - self._said_at >= _SAID_EVERY:
            self._said_at = time.monotonic()
            of = "" if total is None else f" of {total}"
            typer.echo(f"{done - self._before}{of} sessions", err=True)


@contextmanager
def _said_clearly() -> Iterator[None]:
    try:
        yield
    except (VendorError, QueueAwayError) as error:
        raise CommandFailedError(f"{error} Run the same command again: it goes on where it was.") from error
    except psycopg.Error as error:
        raise CommandFailedError(
            f"The database does not do what it must ({type(error).__name__}): run `rollcall doctor`. Then run the same "
            "command again: it goes on where it was."
        ) from error


def _wait_until_settled(work: Backfill) -> None:
    until = time.monotonic() + _SETTLES_WITHIN
    while work.unsettled() and time.monotonic() < until:
        time.sleep(_LOOK_INTERVAL)


def _summary(work: Backfill) -> str:
    told, owed, waiting = work.asker.told, work.came_of(), work.unsettled()
    if not told.sessions:
        return f"Nothing to fill in: none of {work.listed} sessions has changed since the API was asked about it."
    lines = [f"Asked about {told.sessions} of {work.listed or told.sessions} sessions. {_owed(owed)}"]
    if waiting:
        lines.append(f"{waiting} of them still wait on the queue: see that workers are running.")
    unseen = {
        "rows without an id": told.unreadable,
        "rows without times": told.without_times,
        "recordings whose file is gone": told.without_links,
    }
    if any(unseen.values()):
        lines.append(
            "It could not see: " + ", ".join(f"{count} {what}" for what, count in unseen.items() if count) + "."
        )
    return "\n".join(lines)


def _owed(owed: CameOf) -> str:
    added = {
        "sessions": owed.sessions,
        "starts": owed.starts,
        "ends": owed.ends,
        "connections": owed.connections,
        "joins": owed.joins,
        "leaves": owed.leaves,
    }
    parts = [f"{count} {what}" for what, count in added.items() if count]
    return f"From the API alone: {', '.join(parts)}." if parts else "Webhooks had told all of it."
