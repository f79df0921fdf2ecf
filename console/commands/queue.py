"""`rollcall queue parked`: the queue messages that no worker could read."""

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Annotated

import typer

from console.failure import CommandFailedError
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, moment, shown
from runtime.environment import read_environment
from workers.queue.broker_address import broker_url
from workers.queue.brokers import open_broker
from workers.queue.message import QUEUE_NAME
from workers.queue.parking import Parked, ParkedMessages
from workers.queue.publisher import QueueAwayError

queue = typer.Typer(help="Inspect the queue.", no_args_is_help=True, rich_markup_mode=None)
parked = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
queue.add_typer(parked, name="parked")

_COLUMNS = (
    Column("PARKED (UTC)"),
    Column("REASON"),
    Column("ACTOR", gives_way=True),
    Column("BYTES", to_the_right=True),
    Column("MESSAGE", needs_room=True),
)


@parked.callback()
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """List the messages that no worker could read, oldest first; save them, or requeue them.

    They block nothing and are kept until a version that can read them takes them, or until you decide. Their contents
    are not shown: they may be secret.
    """
    if context.invoked_subcommand is not None:
        return
    with _parked_messages() as messages:
        found = [replace(one, body=None) for one in messages.look(most_bytes=0)]
    screen = Screen()
    if as_json:
        print_json([_as_row(one) for one in found])
    elif not found and screen.is_terminal:
        screen.say("No messages are parked.")
    else:
        screen.table(_COLUMNS, [_line(one) for one in found])


@parked.command("return")
def put_back() -> None:
    """Requeue all parked messages.

    A worker that still can't read one parks it again.
    """
    count = 0
    with _parked_messages() as messages:
        for one in messages.look(most_bytes=0):
            messages.take_back([one])
            count += 1
    typer.echo(f"{_messages(count)} put back into the queue.")


@parked.command("save")
def save(
    file: Annotated[Path, typer.Argument(help="A file that does not exist yet.", show_default=False)],
    remove: Annotated[bool, typer.Option("--remove", help="Delete them from the queue once they are on disk.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Write all parked messages to a file, one JSON object per line; `message` is base64.

    Only its owner can read the file: messages contain the vendor's bodies.
    """
    saved: list[Parked] = []
    with _parked_messages() as messages:
        with _new_file(file) as lines:
            for one in messages.look():
                body = base64.b64encode(one.body or b"").decode()
                lines.write(json.dumps({**_as_row(one), "message": body}, default=str) + "\n")
                saved.append(replace(one, body=None))
        if remove:
            messages.remove(saved)
    typer.echo(f"{_messages(len(saved))} saved{' and deleted from the queue' if remove else ''}.")


@contextmanager
def _parked_messages() -> Iterator[ParkedMessages]:
    messages = open_broker(broker_url(read_environment())).parked(QUEUE_NAME)
    try:
        yield messages
    except QueueAwayError as error:
        raise CommandFailedError(f"{error} `rollcall doctor` shows more.") from None
    finally:
        messages.close()


@contextmanager
def _new_file(path: Path) -> Iterator[IO[str]]:
    """Open a file readable by its owner only; synced to disk at the end, removed on failure."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise CommandFailedError(f"{path} already exists: name another file.") from None
    except OSError as error:
        raise CommandFailedError(f"{path} can't be created: {error.strerror}. Name another file.") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        _sync(path.absolute().parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise CommandFailedError(f"{path} can't be written: {error.strerror}. Nothing was deleted.") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    # A new file's name is on disk only once its folder is synced.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _as_row(one: Parked) -> dict[str, object]:
    return {
        "id": one.id,
        "parked_at": one.parked_at,
        "actor": one.actor,
        "bytes": one.size,
        "reason": one.reason,
    }


def _line(one: Parked) -> tuple[str, ...]:
    return moment(one.parked_at), one.reason, shown(one.actor), str(one.size), shown(one.id)


def _messages(count: int) -> str:
    return f"{count} {'message' if count == 1 else 'messages'}"
