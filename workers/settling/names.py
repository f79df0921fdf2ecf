"""Meetings and organizations: writes what a batch states, and takes back what deliveries that no longer count stated.

Too many sessions share them to rebuild them from the ledger. Instead, if a delivery turns out to repeat an earlier one,
its values are attributed to the first copy, and the deliveries received between the two, which had lost to the later
one, are merged again.
"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from workers.reading.facts import Facts, MeetingFact, OrganizationFact
from workers.reading.stored import Stored
from workers.rules.merge import Merge
from workers.rules.names import rank_below_deliveries
from workers.rules.observing import ObservedMerge
from workers.settling.repeats import Withdrawn
from workers.settling.write import write_meetings, write_organizations
from workers.tables.arrays import Cursor
from workers.tables.names import delete_meeting, delete_organization, redate_meeting, redate_organization
from workers.tables.observations import naming_organization, of_meeting
from workers.tables.stored import counting_before, counting_between, counting_for_meeting

_LAST_ID = UUID(int=2**128 - 1)
_READ_AT_ONCE = 500


def write_names(cursor: Cursor, merge: Merge, withdrawn: Sequence[Withdrawn] = ()) -> None:
    """Write what a batch states about meetings and organizations, and take back what withdrawn deliveries stated.

    The rows of withdrawn deliveries are usually among those that the batch has just written and so locked.
    """
    write_meetings(cursor, merge)
    if withdrawn:
        write_meetings(cursor, _meetings_again(cursor, withdrawn))
    write_organizations(cursor, merge)
    if withdrawn:
        write_organizations(cursor, _organizations_again(cursor, withdrawn))


def _meetings_again(cursor: Cursor, withdrawn: Iterable[Withdrawn]) -> Merge:
    """Take back what deliveries stated about meetings; return the values that may win now."""
    named = [named for one in withdrawn for named in _take_back_meeting(cursor, one)]
    again = Merge()
    for delivery_id, meeting in sorted(named, key=lambda one: one[0]):
        again.name_meeting(delivery_id, meeting)
    return again


def _organizations_again(cursor: Cursor, withdrawn: Iterable[Withdrawn]) -> Merge:
    """Take back what deliveries stated about organizations; return the values that may win now."""
    named = [named for one in withdrawn for named in _take_back_organization(cursor, one)]
    again = Merge()
    for delivery_id, organization in sorted(named, key=lambda one: one[0]):
        again.name_organization(delivery_id, organization)
    return again


def _take_back_meeting(cursor: Cursor, one: Withdrawn) -> list[tuple[UUID, MeetingFact]]:
    """Put the first copy in the place of the later one, or in none; return what may win now."""
    stated = one.facts.meeting
    if stated is None:
        return []
    if one.first_facts is None or one.first_facts.meeting != stated:
        delete_meeting(cursor, stated.id)
        return [*_observed_meeting(cursor, stated.id), *_meetings(_said(counting_for_meeting(cursor, stated.id)))]
    if redate_meeting(cursor, stated.id, one.former, one.first):
        return _meetings(_said(counting_between(cursor, one.first, one.former, stated.id)))
    return []


def _meetings(said: Iterable[tuple[UUID, Facts]]) -> list[tuple[UUID, MeetingFact]]:
    return [(delivery_id, facts.meeting) for delivery_id, facts in said if facts.meeting is not None]


def _observed_meeting(cursor: Cursor, meeting_id: str) -> list[tuple[UUID, MeetingFact]]:
    """Return what observations state about a meeting."""
    merge = ObservedMerge()
    for one in of_meeting(cursor, meeting_id):
        merge.see(one.id, one.observed_at, one.observed_at, one.subject_id, one.organization_id, one.facts())
    return list(merge.meetings())


def _take_back_organization(cursor: Cursor, one: Withdrawn) -> list[tuple[UUID, OrganizationFact]]:
    """Put the first copy in the place of the later one, or in none; return what may win now."""
    stated = one.facts.organization
    if stated is None:
        return []
    if one.first_facts is None or one.first_facts.organization != stated:
        delete_organization(cursor, stated.id)
        observation_id = naming_organization(cursor, stated.id)
        observed = (
            []
            if observation_id is None
            else [(rank_below_deliveries(observation_id), OrganizationFact(stated.id, None))]
        )
        return observed + _last_words(_said(_from_the_last(cursor)), stated.id)
    if redate_organization(cursor, stated.id, one.former, one.first):
        return _last_words(_said(counting_between(cursor, one.first, one.former)), stated.id)
    return []


def _last_words(said: Iterable[tuple[UUID, Facts]], organization_id: str) -> list[tuple[UUID, OrganizationFact]]:
    """Return what deliveries state about an organization, latest first, back to one that states its name."""
    words: list[tuple[UUID, OrganizationFact]] = []
    for delivery_id, facts in said:
        stated = facts.organization
        if stated is not None and stated.id == organization_id:
            words.append((delivery_id, stated))
            if stated.name is not None:
                break
    return words


def _from_the_last(cursor: Cursor) -> Iterator[Stored]:
    """Yield the deliveries that count, latest first."""
    before = _LAST_ID
    while rows := counting_before(cursor, before, _READ_AT_ONCE):
        yield from rows
        before = rows[-1].id


def _said(rows: Iterable[Stored]) -> Iterator[tuple[UUID, Facts]]:
    for row in rows:
        facts = row.facts()
        if facts is not None:
            yield row.id, facts
