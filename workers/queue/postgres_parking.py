"""Parked messages in Postgres: rows of a separate table."""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from runtime.connections import connect, cut_connection
from runtime.deadlines import deadlines
from workers.queue.parking import Parked
from workers.queue.postgres_statements import COUNT_PARKED, LOOK_AT_PARKED, REMOVE_PARKED, STATEMENT_DEADLINE, TAKE_BACK
from workers.queue.publisher import QueueAwayError

# Rows per fetch; each may be large.
_AT_ONCE = 20


class ParkedInPostgres:
    """See `workers.queue.parking.ParkedMessages`. Connects when it is first used."""

    def __init__(self, url: str, queue_name: str) -> None:
        self._url = url
        self._queue_name = queue_name
        self._connection: psycopg.Connection[Any] | None = None

    def count(self) -> int:
        """Return the number of parked messages."""
        return int(self._execute(COUNT_PARKED, (self._queue_name,))[0][0])

    def look(self, most_bytes: int | None = None) -> Iterator[Parked]:
        """Return the parked messages, oldest first."""
        last = 0
        while rows := self._execute(LOOK_AT_PARKED, (most_bytes, self._queue_name, last, _AT_ONCE)):
            for place, message_id, parked_at, actor, size, reason, text in rows:
                body = None if text is None else text.encode()
                yield Parked(message_id, parked_at, actor, size, reason, body, place)
                last = place

    def take_back(self, parked: Sequence[Parked]) -> None:
        """Requeue messages."""
        self._execute(TAKE_BACK, ([one.place for one in parked],))

    def remove(self, parked: Sequence[Parked]) -> None:
        """Delete messages."""
        self._execute(REMOVE_PARKED, ([one.place for one in parked],))

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _execute(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._url, name="rollcall (parked messages)")
            connection = self._connection
            with deadlines.within(STATEMENT_DEADLINE, lambda: cut_connection(connection)):
                cursor = connection.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            self.close()
            # Not the error's text: it may quote a message.
            raise QueueAwayError(
                f"The parked messages in Postgres can't be reached ({type(error).__name__}): "
                "is the server up, and has `rollcall migrate` run?"
            ) from None
