"""The verdict: is every delivery that was answered with 200 in the ledger, and everything in the tables once?"""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pika
import psycopg
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from benchmarks.chaos.account import Account
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.waiting import wait_until
from runtime.addresses import is_postgres
from tests.meaning.oracle import expected_tables
from tests.meaning.tables import differences, tables
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery, Provider
from workers.queue.message import QUEUE_NAME
from workers.queue.publisher import QueueAwayError
from workers.reading.scope import Scope

# A dead worker's messages are taken over within a minute; the rest is processing.
SETTLE_SECONDS = 240.0

# No run lasts so long, and clocks jump by days.
_CLOCK_IS_WRONG = timedelta(hours=12)

_LEDGER = """
    SELECT id, received_at, provider, delivery_uuid, webhook_id, body_sha256, status FROM rollcall.deliveries"""
_FIRST = ("processed", "unknown", "quarantined", "foreign")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Attributes:
        deliveries: rows of the ledger.
        lost: answers of 200 without a row of the ledger.
        lost_to_refusals: good deliveries that a 4xx made the vendor drop.
        by_a_wrong_clock: rows of the ledger that a receiver took while its clock was days off. What status they and
            their copies have is for the reference model to say: what lies days ahead does not count as stated, and a
            copy that seems to have come days later may count as a transition.
        doubled: other bodies that count more than once, or not at all though they are in the ledger.
        wrong: what differs between the tables and those that a reference model makes of the ledger.
        unknown: rows of the ledger with a body that was never sent.
        quarantined: other rows of the ledger; none is sent that would have to be.
        in_queue: messages left.
        in_spool: groups left.
        parked: messages that no worker can read, as others have written them.
        thrown_away: messages of others that are not parked.
    """

    deliveries: int
    lost: int
    lost_to_refusals: int
    by_a_wrong_clock: int
    doubled: int
    wrong: list[str]
    unknown: int
    quarantined: int
    in_queue: int
    in_spool: int
    parked: int
    thrown_away: int

    @property
    def is_good(self) -> bool:
        """Whether the promise was kept."""
        counts = (
            self.lost,
            self.lost_to_refusals,
            self.doubled,
            self.unknown,
            self.quarantined,
            self.in_queue,
            self.in_spool,
            self.thrown_away,
        )
        return not any(counts) and not self.wrong


def wait_until_settled(stage: Stage, account: Account, seconds: float = SETTLE_SECONDS) -> float:
    """Return how long it took until queue and spool were empty and every 200 in the ledger.

    Raises:
        benchmarks.chaos.waiting.NeverCameError: they were not within `seconds`.
    """

    def is_settled() -> bool:
        return (
            not in_spool(stage.spool)
            and not in_queue(stage)
            and not _lost(stage, account)
            and in_parking(stage) >= stage.foreign
        )

    return wait_until(is_settled, "queue and spool are empty, and all that was accepted is in the ledger", seconds)


def judge(stage: Stage, account: Account) -> Verdict:
    """Count. What a worker still has in hand is in no queue's count: let them stop before."""
    with psycopg.connect(stage.database_url) as connection:
        connection.execute("SET timezone = 'UTC'")
        rows = connection.execute(_LEDGER).fetchall()
        known = [row for row in rows if row[5] in account.bodies]
        off = {row[0]: row[5] for row in rows if abs(datetime.now(UTC) - row[1]) > _CLOCK_IS_WRONG}
        bodies = {row[5] for row in known} - set(off.values())
        firsts = Counter(row[5] for row in known if row[6] in _FIRST)
        parked = in_parking(stage)
        return Verdict(
            deliveries=len(rows),
            lost=_missing(account, Counter(row[5] for row in rows)),
            lost_to_refusals=account.lost_to_refusals,
            by_a_wrong_clock=len(off),
            doubled=sum(firsts[identity] != 1 for identity in bodies),
            wrong=differences(expected_tables((_delivery(row, account) for row in known), Scope()), tables(connection)),
            unknown=len(rows) - len(known),
            quarantined=sum(row[6] == "quarantined" and row[0] not in off for row in rows),
            in_queue=in_queue(stage),
            in_spool=in_spool(stage.spool),
            parked=parked,
            # One that was cut off on its way may be parked twice.
            thrown_away=max(0, stage.foreign - parked),
        )


def in_queue(stage: Stage) -> int:
    """Return how many messages are in the queue (RabbitMQ: unacknowledged ones excluded), at least 1 if unknown."""
    if is_postgres(stage.broker_urls[0]):
        with psycopg.connect(stage.database_url) as connection:
            row = connection.execute("SELECT count(*) FROM rollcall_queue.queue").fetchone()
            return int(row[0]) if row else 0
    try:
        with pika.BlockingConnection([pika.URLParameters(url) for url in stage.broker_urls]) as rabbitmq:
            return int(rabbitmq.channel().queue_declare(QUEUE_NAME, passive=True).method.message_count)
    except (AMQPError, AMQPConnectorException, OSError):
        return 1


def in_parking(stage: Stage) -> int:
    """Return how many messages are parked; 0 if unknown."""
    parked = open_broker(";".join(stage.broker_urls)).parked(QUEUE_NAME)
    try:
        return parked.count()
    except QueueAwayError:
        return 0
    finally:
        parked.close()


def in_spool(folder: Path) -> int:
    """Return how many groups the spool's files hold; at least 1 if unknown."""
    groups = 0
    for path in folder.glob("*.sqlite"):
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as file:
                groups += int(file.execute("SELECT count(*) FROM groups").fetchone()[0])
        except sqlite3.Error:
            groups += path.exists()  # else another process has just emptied and removed it
    return groups


def _lost(stage: Stage, account: Account) -> int:
    with psycopg.connect(stage.database_url) as connection:
        counts = connection.execute("SELECT body_sha256, count(*) FROM rollcall.deliveries GROUP BY 1").fetchall()
    return _missing(account, Counter(dict(counts)))


def lost_at(stage: Stage, account: Account) -> list[float]:
    """Return when what is lost was accepted, by the monotonic clock, in order."""
    with psycopg.connect(stage.database_url) as connection:
        counts = connection.execute("SELECT body_sha256, count(*) FROM rollcall.deliveries GROUP BY 1").fetchall()
    missing = account.accepted - Counter(dict(counts))
    return sorted(account.accepted_at[identity] for identity in missing)


def _missing(account: Account, rows: Counter[bytes]) -> int:
    return (account.accepted - rows).total()


def _delivery(row: tuple[Any, ...], account: Account) -> Delivery:
    delivery_id, received_at, provider, delivery_uuid, webhook_id, identity, _ = row
    body = account.bodies[identity][1]
    return Delivery(delivery_id, received_at, Provider(provider), delivery_uuid, webhook_id, body)
