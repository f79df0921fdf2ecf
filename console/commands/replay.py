"""`rollcall replay`: processes deliveries of the ledger again."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from console.failure import CommandFailedError
from console.queries.deliveries import find_delivery
from console.queries.tables import open_tables, told_clearly
from console.screen.progress import progress_bar
from console.since import SINCE_TAKES, since
from runtime.environment import read_environment
from runtime.own_files import make_folder
from runtime.var_folder import VarFolder
from workers.reading.status import Status
from workers.settings import WorkerSettings
from workers.settling import replay_chosen


def replay(
    delivery: Annotated[
        str | None, typer.Option(metavar="ID", help="This delivery; any unambiguous prefix works.")
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Deliveries with this status.")] = None,
    received_since: Annotated[
        datetime | None,
        typer.Option("--since", parser=since, metavar="T", help=f"Deliveries received since then: {SINCE_TAKES}."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole ledger.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Process deliveries of the ledger again.

    Use it after an upgrade (--status unknown, --status quarantined), when ORGANIZATION_IDS or WEBHOOK_IDS have changed
    (--status foreign), or when tables were emptied (--all). It is safe at any time, even while workers are running: a
    delivery processed twice counts once. Each session's rows are rebuilt completely or left as they are.
    """
    chosen = [name for name, value in _ways(delivery, status, received_since, everything=everything).items() if value]
    if len(chosen) != 1:
        problem = f"{' and '.join(chosen)} can't be combined" if chosen else "nothing is selected"
        raise typer.BadParameter(f"{problem}: use one of --delivery, --status, --since and --all.", param_hint="replay")
    settings = WorkerSettings.from_environment(read_environment())
    selection = replay_chosen.Selection(
        ids=(_delivery_id(delivery),) if delivery is not None else None,
        status=status,
        since=received_since,
        everything=everything,
    )
    with _room_for_ids(settings.var_folder) as folder, progress_bar() as bar, told_clearly(settings.database_url):
        replaying = bar.add_task("Replaying", total=None)
        became = replay_chosen.replay(
            settings.database_url,
            selection,
            settings.scope,
            progress=lambda done, total: bar.update(replaying, completed=done, total=total),
            folder=folder,
        )
    typer.echo(_summary(became))


@contextmanager
def _room_for_ids(var_folder: VarFolder) -> Iterator[Path]:
    """Yield the folder in which the ids of the chosen find room, and say clearly if they don't.

    Raises:
        SettingError: others can write to the folder.
        CommandFailedError: it can't be written to, or its disk is full.
    """
    try:
        make_folder(var_folder.path)
        var_folder.check()
        yield var_folder.path
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CommandFailedError(
            f"No room in VAR_DIR for the list of what to replay ({why}): "
            "free space there, give this user the right to write to it, or let VAR_DIR name another folder."
        ) from error


def _ways(
    delivery: str | None, status: Status | None, received_since: datetime | None, *, everything: bool
) -> dict[str, bool]:
    return {
        "--delivery": delivery is not None,
        "--status": status is not None,
        "--since": received_since is not None,
        "--all": everything,
    }


def _delivery_id(delivery: str) -> UUID:
    with open_tables() as tables:
        return UUID(str(find_delivery(tables, delivery)["id"]))


def _summary(became: Counter[Status]) -> str:
    if not became.total():
        return "Nothing was replayed: the ledger has no such delivery."
    parts = ", ".join(f"{became[status]} {status.value}" for status in Status if became[status])
    return f"Replayed {became.total()} {'delivery' if became.total() == 1 else 'deliveries'}: {parts}."
