"""The embedded Postgres's data directory: created once, refused if another major version wrote it."""

import os
import secrets
import shutil

from console.embedded.place import Place
from console.failure import CommandFailedError

MAJOR_VERSION = "18"
ROLE = "rollcall"


def require_version(place: Place) -> None:
    """Refuse data of another major version of Postgres; no data yet is fine.

    Raises:
        CommandFailedError: it is of another version; the message says how to migrate it.
    """
    version_file = place.data / "PG_VERSION"
    if not version_file.exists():
        return
    found = version_file.read_text(encoding="ascii", errors="replace").strip()
    if found != MAJOR_VERSION:
        raise CommandFailedError(
            f"The data in {place.data} is of Postgres {found}, but this version of Rollcall has {MAJOR_VERSION}. "
            'Start the version of Rollcall that made it, dump it with rollcall psql -c "\\! pg_dump -f rollcall.sql", '
            f"move {place.folder} away, start this version, and load it with rollcall psql -f rollcall.sql."
        )


def make_data(place: Place, *, synced: bool) -> None:
    """Create the data directory atomically: it is renamed into place when it is complete.

    Args:
        place: where to create it.
        synced: whether to sync it to disk before returning; False only in tests.

    Raises:
        CommandFailedError: it can't be created; the message gives the reason.
    """
    unfinished = place.folder / "data.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    place.account.own(unfinished)
    _make_password(place)
    made = place.account.run(
        [
            *(place.programs / "initdb", "--pgdata", unfinished, "--username", ROLE, "--pwfile", place.password),
            *("--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8"),
            # The same collation on every machine, and after every upgrade of its C library.
            *(() if synced else ("--no-sync",)),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ]
    )
    if made.returncode != 0:
        complaint = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CommandFailedError(f"The embedded Postgres can't create its data directory {place.data}: {complaint}")
    unfinished.rename(place.data)


def _make_password(place: Place) -> None:
    place.password.unlink(missing_ok=True)
    descriptor = os.open(place.password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
    place.account.own(place.password)
