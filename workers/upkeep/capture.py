"""How much of the last day came by webhooks, and how many sessions differ from what the vendor counts."""

from typing import LiteralString

import msgspec

from workers.tables.arrays import Cursor

_CAPTURE: LiteralString = """
SELECT sum(starts_by_webhook + ends_by_webhook + joins_by_webhook + leaves_by_webhook + recordings_by_webhook),
    sum(2 * sessions + joins + leaves + recordings)
FROM rollcall.capture WHERE day >= (clock_timestamp() AT TIME ZONE 'UTC')::date - 1
"""
_DRIFTING: LiteralString = """
SELECT count(*) FROM rollcall.sessions AS session
JOIN rollcall.session_drift AS drift ON drift.session_id = session.id
WHERE session.started_at > clock_timestamp() - interval '1 day' AND drift.verdict = 'differs'
"""


class Captured(msgspec.Struct, frozen=True):
    """Of sessions since yesterday that the API was asked about.

    Attributes:
        completeness: what came by webhooks, of all; None if there was nothing.
        drifting: sessions of the last 24 hours whose minutes differ by more than one from the vendor's.
    """

    completeness: float | None
    drifting: int


def captured(cursor: Cursor) -> Captured:
    """Return how much came by webhooks."""
    [(came, of)] = cursor.execute(_CAPTURE).fetchall()
    [(drifting,)] = cursor.execute(_DRIFTING).fetchall()
    return Captured(float(came / of) if of else None, int(drifting))
