"""One round of announcing, in one transaction: what is told and what is remembered are written together, or neither."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import psycopg

from automations.announcing.outbox import announce
from automations.announcing.settled import due, settled_messages
from automations.announcing.taking import MOST_MARKS, take
from automations.announcing.telling import messages_of
from automations.announcing.verdicts import verdict_messages
from automations.endpoints import read_endpoints

_MOST_DUE = 50
_MOST_EXPECTED = 5_000


class Done(msgspec.Struct, frozen=True):
    """What a round did.

    Attributes:
        messages: how many it made.
        is_more: whether there may be more to do at once.
        meetings: those whose sessions have settled or changed.
    """

    messages: int
    is_more: bool
    meetings: tuple[str, ...] = ()


def tell_changes(connection: psycopg.Connection[Any], announce_within: timedelta, settle_after: timedelta) -> Done:
    """Take marks and make messages of what they lead to.

    Raises:
        psycopg.Error: nothing was taken and nothing was made.
    """
    with connection.transaction(), connection.cursor() as cursor:
        taken = take(cursor, settle_after)
        if not taken:
            return Done(0, is_more=False)
        made = announce(cursor, messages_of(cursor, taken, announce_within), read_endpoints(connection))
        looked = len(taken.sessions) + len(taken.livestreams) + len(taken.deliveries)
        return Done(made, is_more=looked * 2 > MOST_MARKS)


def tell_outcomes(connection: psycopg.Connection[Any], announce_within: timedelta, settle_after: timedelta) -> Done:
    """Make messages of what sessions came to that have settled, and of who of the roster was not there.

    Raises:
        psycopg.Error: nothing was made.
    """
    with connection.transaction(), connection.cursor() as cursor:
        sessions = due(cursor, _MOST_DUE)
        messages = settled_messages(cursor, sessions, announce_within, settle_after)
        made = announce(cursor, messages, read_endpoints(connection))
        meetings = {one.meeting_id for one in messages if one.meeting_id is not None}
        return Done(made, len(sessions) == _MOST_DUE, tuple(sorted(meetings)))


def tell_verdicts(connection: psycopg.Connection[Any], announce_within: timedelta, meetings: Sequence[str]) -> Done:
    """Make messages of who of the roster was not there.

    Raises:
        psycopg.Error: nothing was made.
    """
    with connection.transaction(), connection.cursor() as cursor:
        messages = verdict_messages(cursor, meetings, announce_within, _MOST_EXPECTED)
        return Done(announce(cursor, messages, read_endpoints(connection)), is_more=False)
