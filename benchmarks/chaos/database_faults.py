"""Faults of the database's server, of its disk, its roles, and of what stands in front of it."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import psutil
import psycopg

from benchmarks.chaos.fault import Fault, SparedError
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.waiting import NeverCameError, wait_until

SERVER = "postgres"

# What an administrator sets for people's queries, only shorter. A client's own options come before a role's.
_LIMITS = {
    "statement_timeout": "10ms",
    "lock_timeout": "10ms",
    "idle_in_transaction_session_timeout": "100ms",
    "idle_session_timeout": "100ms",
    "transaction_timeout": "100ms",
}
_NO_LIMITS = " ".join(f"-c {name}=0" for name in _LIMITS)
_BACK_WITHIN = 10.0
_RESET_WITHIN = 60.0


def of_postgres(stage: Stage) -> Iterator[Fault]:
    """The server is killed, ended in disorder, frozen."""

    def restart() -> None:
        _restart(stage)

    yield Fault("postgres killed", SERVER, lambda: os.kill(stage.postgres.pid, signal.SIGKILL), restart, 5.0)
    yield Fault("postgres aborted", SERVER, lambda: os.kill(stage.postgres.pid, signal.SIGQUIT), restart, 5.0)
    yield Fault(
        "postgres frozen",
        SERVER,
        lambda: _signal_all(stage.postgres.pid, signal.SIGSTOP),
        lambda: _signal_all(stage.postgres.pid, signal.SIGCONT),
        10.0,
    )


def of_pooler(stage: Stage) -> Iterator[Fault]:
    """The pooler is killed, frozen."""
    # Not restarted: to pgbouncer a SIGTERM is as bad as a SIGKILL, and its status says so.
    if stage.pooler is not None:
        part = stage.pooler.part
        yield Fault("pooler killed", part.name, part.kill, part.start, 5.0)
        yield Fault("pooler frozen", part.name, part.freeze, part.thaw, 10.0)


def of_full_data_disk(stage: Stage) -> Iterator[Fault]:
    """No room is left for the database's data, log and write-ahead log; a server that ended by it is started again."""
    kind = "data disk full"
    if not stage.disks:
        stage.left_out[kind] = stage.why_no_disks
        return

    def make_room() -> None:
        stage.disks[stage.postgres_folder].make_room()
        try:
            wait_until(lambda: _answers(stage), "Postgres answers", _BACK_WITHIN)
        except NeverCameError:
            _restart(stage)

    def fill() -> None:
        stage.disks[stage.postgres_folder].fill()  # of the server that is the primary now

    yield Fault(kind, SERVER, fill, make_room, 10.0)


def of_role_limits(stage: Stage) -> Iterator[Fault]:
    """The role gets time limits as they are meant for people's queries, and all connections are new."""
    proxies = [*stage.to_database, *([] if stage.nodes else (*stage.to_queue, *stage.from_queue))]

    def set_limits() -> None:
        try:
            with psycopg.connect(stage.database_url, options=_NO_LIMITS, autocommit=True) as connection:
                for name, value in _LIMITS.items():
                    connection.execute(f"ALTER ROLE CURRENT_USER SET {name} = '{value}'".encode())
        except psycopg.Error as error:
            raise SparedError from error
        for proxy in proxies:
            proxy.cut()

    def reset() -> bool:
        with (
            suppress(psycopg.Error),
            psycopg.connect(stage.database_url, options=_NO_LIMITS, autocommit=True) as connection,
        ):
            connection.execute("ALTER ROLE CURRENT_USER RESET ALL")
            return True
        return False

    def reset_limits() -> None:
        wait_until(reset, "the role has no time limits", _RESET_WITHIN)
        # Sessions that came with the limits have lifted them; new ones are to come without.
        for proxy in proxies:
            proxy.cut()

    yield Fault("role with time limits", SERVER, set_limits, reset_limits, 15.0)


def of_failover(stage: Stage) -> Iterator[Fault]:
    """The primary dies, its standby is promoted after a while, and the dead one becomes the new primary's standby."""
    kind = "postgres failover"
    if stage.standby is None:
        stage.left_out[kind] = "pgbouncer stands in front of one server"
        return
    yield Fault(kind, SERVER, lambda: os.kill(stage.postgres.pid, signal.SIGKILL), stage.fail_over, 5.0)


def _restart(stage: Stage) -> None:
    stage.postgres.stop()
    stage.postgres.start()


def _answers(stage: Stage) -> bool:
    with suppress(psycopg.Error), psycopg.connect(stage.database_url, connect_timeout=5) as connection:
        return connection.execute("SELECT NOT pg_is_in_recovery()").fetchone() == (True,)
    return False


def _signal_all(pid: int, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
