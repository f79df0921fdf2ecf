"""Meetings and organizations: changes which delivery a name is attributed to, when a delivery no longer counts."""

from typing import LiteralString
from uuid import UUID

from workers.tables.arrays import Cursor

_REDATE_ORGANIZATION = """
UPDATE rollcall.organizations SET name_by = %(first)s WHERE id = %(id)s AND name_by = %(former)s RETURNING id
"""
_REDATE_MEETING = """
UPDATE rollcall.meetings SET
    organization_by = CASE WHEN organization_by = %(former)s THEN %(first)s ELSE organization_by END,
    title_by = CASE WHEN title_by = %(former)s THEN %(first)s ELSE title_by END,
    room_name_by = CASE WHEN room_name_by = %(former)s THEN %(first)s ELSE room_name_by END
WHERE id = %(id)s AND %(former)s IN (organization_by, title_by, room_name_by) RETURNING id
"""
_DELETE_ORGANIZATION = "DELETE FROM rollcall.organizations WHERE id = %s"
_DELETE_MEETING = "DELETE FROM rollcall.meetings WHERE id = %s"

# The last delivery that states a name decides it. A replay of everything resets who stated it, while the name itself
# stays readable; names that no delivery has stated by the end are deleted.
_REOPEN: tuple[LiteralString, ...] = (
    "UPDATE rollcall.organizations SET name_by = NULL",
    "UPDATE rollcall.meetings SET organization_by = NULL, title_by = NULL, room_name_by = NULL, created_at = NULL",
)
_SWEEP: tuple[LiteralString, ...] = (
    "UPDATE rollcall.organizations SET name = NULL WHERE name_by IS NULL AND name IS NOT NULL",
    """
    UPDATE rollcall.meetings SET
        organization_id = CASE WHEN organization_by IS NOT NULL THEN organization_id END,
        title = CASE WHEN title_by IS NOT NULL THEN title END,
        room_name = CASE WHEN room_name_by IS NOT NULL THEN room_name END
    WHERE organization_by IS NULL OR title_by IS NULL OR room_name_by IS NULL
    """,
    """
    DELETE FROM rollcall.meetings AS meeting
    WHERE organization_by IS NULL AND title_by IS NULL AND room_name_by IS NULL AND created_at IS NULL
        AND NOT EXISTS (SELECT FROM rollcall.sessions WHERE meeting_id = meeting.id)
        AND NOT EXISTS (SELECT FROM rollcall.livestreams WHERE meeting_id = meeting.id)
    """,
    """
    DELETE FROM rollcall.organizations AS organization
    WHERE name_by IS NULL
        AND NOT EXISTS (SELECT FROM rollcall.sessions WHERE organization_id = organization.id)
        AND NOT EXISTS (SELECT FROM rollcall.meetings WHERE organization_id = organization.id)
        AND NOT EXISTS (SELECT FROM rollcall.observations WHERE organization_id = organization.id)
    """,
)


def redate_meeting(cursor: Cursor, meeting_id: str, former: UUID, first: UUID) -> bool:
    """Attribute a delivery's values of a meeting to an earlier one; return whether the row held any of them."""
    names = {"id": meeting_id, "former": former, "first": first}
    return bool(cursor.execute(_REDATE_MEETING, names).fetchall())


def redate_organization(cursor: Cursor, organization_id: str, former: UUID, first: UUID) -> bool:
    """Attribute a delivery's name of an organization to an earlier one; return whether the row held it."""
    names = {"id": organization_id, "former": former, "first": first}
    return bool(cursor.execute(_REDATE_ORGANIZATION, names).fetchall())


def delete_meeting(cursor: Cursor, meeting_id: str) -> None:
    """Delete the row of a meeting."""
    cursor.execute(_DELETE_MEETING, [meeting_id])


def delete_organization(cursor: Cursor, organization_id: str) -> None:
    """Delete the row of an organization."""
    cursor.execute(_DELETE_ORGANIZATION, [organization_id])


def reopen_names(cursor: Cursor) -> None:
    """Reset which deliveries named meetings and organizations, so that any may again; the names are kept."""
    for statement in _REOPEN:
        cursor.execute(statement)


def sweep_names(cursor: Cursor) -> None:
    """Delete the names of meetings and organizations that no delivery has stated since `reopen_names`."""
    for statement in _SWEEP:
        cursor.execute(statement)
