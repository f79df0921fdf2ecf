"""Which endpoints this process sends to: each is served by one process at a time, by a lease in its row.

The lease is longer than an attempt, and no attempt is begun that could outlast it. So a process that was frozen and
wakes up sends nothing that another has sent in the meantime, and one that is killed is replaced within `LEASE_SECONDS`.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from automations.endpoints import Endpoint, read_endpoints
from workers.rules.messages import EndpointStatus

LEASE_SECONDS = 25.0
RENEW_SECONDS = 3.0

_ADD: LiteralString = """
INSERT INTO rollcall.endpoint_states (endpoint_id) SELECT unnest(%b::text[]) ON CONFLICT DO NOTHING
"""
# In the order of ids, and past those that another process is about to take. The first number says whether it was ours
# without a gap, so that what we have in hand of it is still to be sent.
_TAKE: LiteralString = """
WITH mine AS (
    SELECT endpoint_id, served_by IS NOT DISTINCT FROM %(me)s AS is_kept
    FROM rollcall.endpoint_states
    WHERE endpoint_id = ANY(%(ids)s)
        AND (served_by IS NULL OR served_by = %(me)s OR served_until < clock_timestamp())
    ORDER BY endpoint_id
    FOR UPDATE SKIP LOCKED
)
UPDATE rollcall.endpoint_states AS state
SET served_by = %(me)s, served_until = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM mine WHERE state.endpoint_id = mine.endpoint_id
RETURNING state.endpoint_id, mine.is_kept
"""
_RELEASE: LiteralString = """
UPDATE rollcall.endpoint_states SET served_by = NULL, served_until = NULL
WHERE served_by = %(me)s AND (%(only)s::text IS NULL OR endpoint_id = %(only)s)
"""
_STATES: LiteralString = """
SELECT endpoint_id, served_by = %(me)s, served_by IS NULL OR served_until < clock_timestamp(),
    extract(epoch FROM slowed_until - clock_timestamp() - %(ahead)s::interval)::double precision
FROM rollcall.endpoint_states
"""
_SECRETS: LiteralString = """
SELECT endpoint_id, array_agg(secret ORDER BY created_at DESC)
FROM rollcall.endpoint_secrets WHERE expires_at IS NULL OR expires_at > clock_timestamp()
GROUP BY endpoint_id
"""


@dataclass(frozen=True, slots=True)
class Served:
    """An endpoint that this process may send to.

    Attributes:
        endpoint: its row.
        secrets: its valid secrets, encrypted, the newest first.
        slowed_for: seconds for which it is to be left alone.
    """

    endpoint: Endpoint
    secrets: Sequence[str] = field(repr=False)
    slowed_for: float


@dataclass(frozen=True, slots=True)
class Round:
    """What one look at the endpoints gave.

    Attributes:
        served: what this process may send to.
        taken: ids of those among them that it did not have without a gap.
        secrets: of all endpoints, encrypted.
        until: when the lease ends, if it was renewed.
    """

    served: Sequence[Served]
    taken: Collection[str]
    secrets: Mapping[str, Sequence[str]] = field(repr=False)
    until: "Until | None"


class Until:
    """The end of a lease, by this machine's clocks.

    Both must agree: one of them stands still while the machine sleeps, the other can be set.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._steady, self._wall = time.monotonic(), time.time()

    def left(self) -> float:
        """Return for how many seconds it lasts."""
        return self._seconds - max(time.monotonic() - self._steady, abs(time.time() - self._wall))


def look(  # noqa: PLR0913 - keyword-only
    connection: psycopg.Connection[Any],
    *,
    me: UUID,
    ahead: timedelta,
    renew: bool,
    owned: Collection[str],
    skip: Collection[str] = (),
    lease_seconds: float = LEASE_SECONDS,
) -> Round:
    """Read all endpoints, take those that nobody serves, and renew the lease where it is time.

    Args:
        connection: outside a transaction.
        me: this process.
        ahead: how far the clock is ahead of the database's.
        renew: whether it is time.
        owned: ids of those that this process has.
        skip: ids of those that it can't serve.
        lease_seconds: how long the lease is.
    """
    endpoints = {
        one.id: one for one in read_endpoints(connection) if one.status is EndpointStatus.ENABLED and one.id not in skip
    }
    states = {row[0]: row[1:] for row in connection.execute(_STATES, {"me": me, "ahead": ahead})}
    missing = [endpoint_id for endpoint_id in endpoints if endpoint_id not in states]
    free = [one for one, (_, is_free, _) in states.items() if is_free and one in endpoints]
    mine = {one for one, (is_mine, *_) in states.items() if is_mine and one in endpoints}
    taken: set[str] = set()
    until = None
    if missing or free or renew:
        until = Until(lease_seconds)
        if missing:
            connection.execute(_ADD, [sorted(missing)])
        wanted = list(endpoints) if renew else [*missing, *free]
        got = connection.execute(_TAKE, {"me": me, "ids": wanted, "seconds": lease_seconds}).fetchall()
        taken = {endpoint_id for endpoint_id, is_kept in got if not is_kept or endpoint_id not in owned}
        mine = {endpoint_id for endpoint_id, _ in got} | (set() if renew else mine)
    secrets = dict(connection.execute(_SECRETS).fetchall())
    served = [
        Served(endpoints[one], secrets.get(one, ()), max(0.0, (states[one][2] or 0.0) if one in states else 0.0))
        for one in sorted(mine)
    ]
    return Round(served, taken, secrets, until if renew else None)


def release(connection: psycopg.Connection[Any], me: UUID, only: str | None = None) -> None:
    """Let other processes serve what this one served, or one endpoint of that."""
    connection.execute(_RELEASE, {"me": me, "only": only})
