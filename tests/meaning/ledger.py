"""Which of the kept deliveries count, and as what: the second part of the reference model.

Meaning 2 (identity by body, the 60-second rule) and 8 (foreign), as one fold over the deliveries in order of their ids.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from tests.meaning.reading import PROCESSED, Report, read
from workers.queue.delivery import Delivery

FOREIGN, REPEAT = "foreign", "repeat"
A_RETRY_COMES_WITHIN = timedelta(seconds=60)


class Scope(Protocol):
    """Whose deliveries count; None is everybody's."""

    @property
    def webhook_ids(self) -> frozenset[str] | None: ...
    @property
    def organization_ids(self) -> frozenset[str] | None: ...


@dataclass(frozen=True)
class Entry:
    """A delivery, its content, and its status.

    `copy` is true of a later copy of a body that counts as a transition of its own.
    """

    delivery: Delivery
    report: Report
    status: str
    repeat_of: UUID | None = None
    copy: bool = False

    @property
    def id(self) -> UUID:
        return self.delivery.id

    @property
    def received_at(self) -> datetime:
        return self.delivery.received_at


@dataclass
class _Copies:
    """The copies of one body that were seen so far."""

    first: Entry
    previous: Delivery
    uuids: set[str] = field(default_factory=set)


def ledger(deliveries: Iterable[Delivery], scope: Scope) -> list[Entry]:
    """Return an entry per kept delivery, ordered by id."""
    kept = sorted({delivery.id: delivery for delivery in deliveries}.values(), key=lambda delivery: delivery.id)
    bodies: dict[bytes, _Copies] = {}
    transitions: dict[tuple[str, str], list[tuple[UUID, str | None]]] = defaultdict(list)
    entries = []
    for delivery in kept:
        report = read(delivery.body, delivery.received_at)
        copies = bodies.get(body_sha256(delivery))
        if _is_foreign(delivery, report, scope):
            entries.append(Entry(delivery, report, FOREIGN))
            continue
        if _names_nobody(report, scope) and report.verdict == PROCESSED:
            report = report.of_stream_alone()
        if copies is None:
            entry = Entry(delivery, report, report.verdict)
            bodies[body_sha256(delivery)] = _Copies(entry, delivery, _uuids(delivery))
        else:
            if _is_new_transition(delivery, copies, transitions):
                entry = Entry(delivery, report, PROCESSED, copy=True)
            else:
                entry = Entry(delivery, report, REPEAT, repeat_of=copies.first.id)
            copies.uuids |= _uuids(delivery)
            copies.previous = delivery
        if entry.status == PROCESSED and report.subject is not None:
            transitions[report.subject].append((entry.id, report.status))
        entries.append(entry)
    return entries


def body_sha256(delivery: Delivery) -> bytes:
    return hashlib.sha256(delivery.body).digest()


def _uuids(delivery: Delivery) -> set[str]:
    return set() if delivery.delivery_uuid is None else {delivery.delivery_uuid}


def _is_foreign(delivery: Delivery, report: Report, scope: Scope) -> bool:
    if scope.webhook_ids is not None and delivery.webhook_id not in scope.webhook_ids:
        return True
    if scope.organization_ids is None or not report.is_object:
        return False
    if _names_nobody(report, scope):
        return report.event != "livestreaming.statusUpdate"
    return not report.organizations_named <= scope.organization_ids


def _names_nobody(report: Report, scope: Scope) -> bool:
    return scope.organization_ids is not None and not report.organizations_named


def _is_new_transition(
    delivery: Delivery, copies: _Copies, transitions: dict[tuple[str, str], list[tuple[UUID, str | None]]]
) -> bool:
    report = copies.first.report
    if copies.first.status != PROCESSED or report.subject is None:
        return False
    moved_on = any(
        copies.previous.id < other_id < delivery.id and status != report.status
        for other_id, status in transitions[report.subject]
    )
    return (
        moved_on
        and bool(_uuids(delivery) - copies.uuids)
        and delivery.received_at - copies.previous.received_at > A_RETRY_COMES_WITHIN
    )
