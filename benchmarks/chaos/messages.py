"""The verdict on outgoing webhooks: each told, delivered or given up, in order where asked for, and once.

One may come again where its answer may have been lost: while a fault was on that kills, freezes or cuts off who sent it
or where that is written down.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg

from benchmarks.chaos.endpoints import Arrival, Endpoints
from benchmarks.chaos.waiting import NeverCameError, wait_until

# Seconds without any message, while some wait, after which they wait in vain.
_STANDS_STILL = 60.0
# Seconds around a fault in which an answer may be lost to it.
_AROUND = 20.0

# What a receiver whose clock was days behind took is older than the endpoints by that clock, and those are told nothing
# of it.
_UNTOLD = """
SELECT coalesce(sum(greatest(entries - coalesce(told, 0), 0)), 0)
FROM (
    SELECT kind, count(*) AS entries
    FROM rollcall.timeline AS entry JOIN rollcall.deliveries AS delivery ON delivery.id = entry.delivery_id
    WHERE entry.session_id IS NOT NULL
        AND delivery.received_at >= (SELECT max(created_at) FROM rollcall.endpoints)
        AND (kind IN ('participant.left', 'session.started', 'session.ended') OR kind LIKE 'recording.%')
    GROUP BY kind
) AS entry
LEFT JOIN (SELECT type, count(*) AS told FROM rollcall.messages WHERE session_id IS NOT NULL GROUP BY type) AS message
    ON message.type = entry.kind
"""
_PENDING = "SELECT count(*) FROM rollcall.message_deliveries WHERE status = 'pending'"
# Sessions that changed, and those that are to be told of once they have settled: without an end, that takes a day.
_TO_COME = """
SELECT (SELECT count(*) FROM rollcall.marks)
    + (SELECT count(*) FROM rollcall.tellings WHERE due_at < clock_timestamp() + interval '1 hour')
"""
_DELIVERIES = """
SELECT endpoint_id, message_id, session_id, position, status FROM rollcall.message_deliveries ORDER BY position"""


@dataclass(frozen=True, slots=True)
class MessagesVerdict:
    """What was found.

    Attributes:
        messages: for an endpoint each.
        untold: entries of the timeline without a message.
        pending: neither delivered nor given up.
        held: not sent, as they are of a clock that was days off.
        given_up: tried as often as the schedule says.
        lost: called delivered, and no endpoint has accepted them.
        sent_again: accepted more than once.
        doubled: those of them whose answer nothing can have lost.
        out_of_order: came to the endpoint that wants order before an earlier one of their session was accepted.
    """

    messages: int
    untold: int
    pending: int
    held: int
    given_up: int
    lost: int
    sent_again: int
    doubled: int
    out_of_order: int

    @property
    def is_good(self) -> bool:
        """Whether the promise was kept."""
        return not any((self.untold, self.pending, self.lost, self.doubled, self.out_of_order))


def wait_until_sent(database_url: str, endpoints: Endpoints) -> float:
    """Return how many seconds it took until all was told and nothing waited to be sent.

    Raises:
        benchmarks.chaos.waiting.NeverCameError: it is not so, and nothing comes any more.
    """
    began = time.monotonic()

    def all_is_sent() -> bool:
        with psycopg.connect(database_url) as connection:
            return not any(_count(connection, query) for query in (_UNTOLD, _TO_COME, _PENDING))

    while True:
        came = len(endpoints.arrivals)
        try:
            wait_until(all_is_sent, "all messages are sent", _STANDS_STILL)
        except NeverCameError:
            if len(endpoints.arrivals) == came:
                raise
        else:
            return time.monotonic() - began


def judge_messages(database_url: str, endpoints: Endpoints, losing: Iterable[tuple[float, float]]) -> MessagesVerdict:
    """Compare what the tables say with what came.

    Args:
        database_url: of the tables.
        endpoints: where messages went.
        losing: when faults were on by which an answer may be lost, by the monotonic clock.
    """
    arrivals = sorted(endpoints.arrivals, key=lambda arrival: arrival.at)
    accepted: dict[tuple[str, str], list[float]] = {}
    for one in arrivals:
        if one.accepted_at is not None:
            accepted.setdefault((one.endpoint, one.message), []).append(one.accepted_at)
    periods = list(losing)
    again = {key: times for key, times in accepted.items() if len(times) > 1}
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(_DELIVERIES).fetchall()
        statuses = [row[4] for row in rows]
        return MessagesVerdict(
            messages=len(rows),
            untold=_count(connection, _UNTOLD),
            pending=statuses.count("pending"),
            held=statuses.count("held"),
            given_up=statuses.count("given_up"),
            lost=sum(row[4] == "delivered" and (row[0], row[1]) not in accepted for row in rows),
            sent_again=len(again),
            doubled=sum(not _may_be_lost(min(times), periods) for times in again.values()),
            out_of_order=_out_of_order(
                [row[1:4] for row in rows if row[0] == endpoints.ordered and row[4] == "delivered"],
                [one for one in arrivals if one.endpoint == endpoints.ordered],
            ),
        )


def _may_be_lost(accepted_at: float, periods: Sequence[tuple[float, float]]) -> bool:
    return any(begin - _AROUND <= accepted_at <= end + _AROUND for begin, end in periods)


def _out_of_order(delivered: Sequence[tuple[str, str | None, int]], arrivals: Sequence[Arrival]) -> int:
    """Count messages that came first before an earlier one of their session had been accepted."""
    came: dict[str, float] = {}
    accepted: dict[str, float] = {}
    for one in arrivals:
        came.setdefault(one.message, one.at)
        if one.accepted_at is not None:
            accepted.setdefault(one.message, one.accepted_at)
    # By session, until when an earlier one was not accepted; the rows are in the order of their positions.
    until: dict[str, float] = {}
    broken = 0
    for message, session, _ in delivered:
        if session is None or message not in accepted:
            continue
        broken += came[message] < until.get(session, 0.0)
        until[session] = max(until.get(session, 0.0), accepted[message])
    return broken


def _count(connection: "psycopg.Connection[tuple[int, ...]]", query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
