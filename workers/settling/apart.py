"""Isolates the deliveries that the database refuses, by trying smaller groups.

A refusal may affect one row (a trigger objects to it) or all (a table is missing, a privilege was revoked). To tell
them apart: a delivery is at fault only if another one with the same kind of event is accepted.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog

from runtime.database_errors import Cause, cause_of
from runtime.error_message import message_without_values
from workers.queue.delivery import Delivery
from workers.reading.scope import Scope
from workers.settling.settle import quarantine, read_delivery
from workers.settling.settlement import NOTHING, Settle, Settlement
from workers.tables.ledger import check_at_once, kinds_of, known_ids

_Kind = tuple[str | None, str]

_log = structlog.get_logger(__name__)


class Apart(msgspec.Struct, frozen=True):
    """The result of trying smaller groups.

    Attributes:
        settlement: of the deliveries that were accepted or quarantined.
        refused: the others, by id, each with the error raised when it was tried alone. They are in no table.
    """

    settlement: Settlement
    refused: dict[UUID, Exception]


def settle_apart(
    connection: psycopg.Connection[Any], deliveries: Sequence[Delivery], scope: Scope, settle: Settle
) -> Apart:
    """Settle all deliveries that the database accepts, in the transaction that is open.

    A refused delivery is quarantined if another one with the same kind of event is accepted.

    Raises:
        psycopg.Error: the database is unreachable, another transaction is in the way, or it refuses everything.
    """
    return _Trial(connection, scope, settle).of(deliveries)


class _Trial:
    def __init__(self, connection: psycopg.Connection[Any], scope: Scope, settle: Settle) -> None:
        self._connection = connection
        self._scope = scope
        self._settle = settle
        self._refused: dict[UUID, tuple[Delivery, Exception]] = {}

    def of(self, deliveries: Sequence[Delivery]) -> Apart:
        ids = [delivery.id for delivery in deliveries]
        with self._connection.cursor() as cursor:
            check_at_once(cursor)
            # What was accepted earlier does not show what would be accepted now.
            known = known_ids(cursor, ids)
        settlement = self._halve(deliveries)
        if self._refused and len(self._refused) < len(deliveries):
            with self._connection.cursor() as cursor:
                kinds = kinds_of(cursor, [id_ for id_ in ids if id_ not in self._refused and id_ not in known])
            for delivery, error in list(self._refused.values()):
                if self._kind(delivery) in kinds:
                    settlement += self._quarantine(delivery, error)
        return Apart(settlement, {id_: error for id_, (_, error) in self._refused.items()})

    def _halve(self, part: Sequence[Delivery]) -> Settlement:
        error = self._try(part)
        if isinstance(error, Settlement):
            return error
        if len(part) > 1:
            half = len(part) // 2
            return self._halve(part[:half]) + self._halve(part[half:])
        for delivery in part:
            self._refused[delivery.id] = delivery, error
        return NOTHING

    def _try(self, part: Sequence[Delivery]) -> Settlement | Exception:
        """Settle a part, or change nothing and return why it can't be."""
        try:
            with self._connection.transaction():
                return self._settle(self._connection, part, self._scope)
        except Exception as error:
            if passes_by_itself(error):
                raise
            return error

    def _quarantine(self, delivery: Delivery, error: Exception) -> Settlement:
        # Retry: the cause may have been fixed before the other delivery was accepted.
        again = self._try([delivery])
        if isinstance(again, psycopg.Error):
            try:
                with self._connection.transaction():
                    again = quarantine(self._connection, delivery, self._scope, again)
            except psycopg.Error as of_the_ledger:
                if passes_by_itself(of_the_ledger):
                    raise
        if not isinstance(again, Settlement):
            return NOTHING
        del self._refused[delivery.id]
        if again.quarantined and isinstance(error, psycopg.Error):
            says = message_without_values(error, [delivery.body])
            _log.warning("delivery_refused", delivery_id=str(delivery.id), sqlstate=error.sqlstate, says=says)
        return again

    def _kind(self, delivery: Delivery) -> _Kind:
        reading = read_delivery(delivery, self._scope).reading
        return reading.event, reading.status.value


def passes_by_itself(error: Exception) -> bool:
    """Return whether the error is transient, so that the same can be retried unchanged."""
    return isinstance(error, psycopg.Error) and cause_of(error) in {Cause.AWAY, Cause.CONTENTION}
