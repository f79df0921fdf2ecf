"""`/sessions/ID`: one session: its chart, who was there, what happened, and the deliveries that say so."""

from enum import StrEnum
from typing import Any
from urllib.parse import quote

from console.charts.session import draw
from console.charts.telling import Told, place_of, tell
from console.pages.asking import Asking
from console.pages.listing import FILE_ROWS, Column, Kind, Listing, following, to
from console.pages.refusals import NotThereError
from console.pages.site import Shown, with_files
from console.queries.deliveries import DeliveryFilter, find_deliveries
from console.queries.message_lists import Chosen, MessagePlace, find_messages
from console.queries.observations import observations_of_session
from console.queries.session import (
    artifacts_of,
    attendance_of,
    connections_of,
    entries_of,
)
from console.queries.sessions import session_with, summary_of
from console.queries.tables import HiddenFilterError, Row

# Of entries and deliveries, and of what is as long as there were people: the chart shows all of them already.
_ROWS, _FEWER_ROWS = 100, 50
_MOST_SKIPPED = 1_000_000

_PEOPLE = (
    Column("display_name", "Name", link=to("/people", "person")),
    Column("person", "Person", Kind.ID, to("/people", "person")),
    Column("first_joined_at", "Joined", Kind.TIME),
    Column("last_left_at", "Left", Kind.TIME),
    Column("connections", "Connections", Kind.NUMBER),
    Column("attended_seconds", "Attended", Kind.LENGTH),
    Column("share", "Share", Kind.SHARE),
)
_CONNECTIONS = (
    Column("display_name", "Name"),
    Column("peer_id", "Connection", Kind.ID),
    Column("joined_at", "Joined", Kind.TIME, lambda row: row["joined_place"]),
    Column("left_at", "Left", Kind.TIME, lambda row: row["left_place"]),
    Column("joined_source", "Joined according to"),
    Column("left_source", "Left according to"),
)
_RECORDINGS = (
    Column("id", "Recording", Kind.ID),
    Column("status", "Status", Kind.STATUS),
    Column("started_at", "Started", Kind.TIME),
    Column("stopped_at", "Stopped", Kind.TIME),
    Column("duration_seconds", "Length", Kind.LENGTH),
    Column("file_size", "Size", Kind.BYTES),
    Column("stop_reason", "Stopped because"),
    Column("download_url_expires_at", "Link ends", Kind.TIME),
    Column("file_name", "File"),
)
_ENTRIES = (
    Column("occurred_at", "Time", Kind.TIME, place_of),
    Column("since_start", "In", Kind.LENGTH),
    Column("kind", "What"),
    Column("who", "Who or which"),
    Column("delivery_id", "Delivery", Kind.ID, to("/deliveries", "delivery_id")),
    Column("observation_id", "Observation", Kind.ID, to("/observations", "observation_id")),
)
_DELIVERIES = (
    Column("received_at", "Received", Kind.TIME, to("/deliveries", "id")),
    Column("status", "Status", Kind.STATUS),
    Column("event", "Event"),
    Column("error", "Error"),
    Column("id", "Delivery", Kind.ID, to("/deliveries", "id")),
)
_OBSERVATIONS = (
    Column("observed_at", "Asked", Kind.TIME, to("/observations", "id")),
    Column("kind", "About"),
    Column("subject_id", "Which", Kind.ID),
    Column("confirmed_at", "Last said", Kind.TIME),
    Column("error", "Error"),
    Column("id", "Observation", Kind.ID, to("/observations", "id")),
)
_MESSAGES = (
    Column("occurred_at", "About", Kind.TIME),
    Column("type", "Type"),
    Column("status", "Status", Kind.STATUS),
    Column("endpoint_id", "Endpoint"),
    Column("attempts", "Attempts", Kind.NUMBER),
    Column("delivered_at", "Delivered", Kind.TIME),
)


class Order(StrEnum):
    """How people are listed."""

    JOIN = "join"
    """By their first joins."""
    SHARE = "share"
    """Those who attended least first."""


_WORTH_A_LINE = ("reason", "stop_reason")


def session(asking: Asking) -> Shown:
    """Return the page."""
    tables, session_id = asking.tables, asking.part("id")
    found = session_with(tables, session_id)
    if found is None:
        raise NotThereError("session")
    summary = summary_of(tables, session_id) or {}
    connections = _wanted(asking, connections_of(tables, session_id))
    told = tell(tables, found, asking.now, connections)
    recordings = list(told.recordings)
    listings = (
        _people(asking, session_id, summary),
        _connections(asking, connections, told),
        Listing("recordings", "Recordings", _RECORDINGS, recordings, "Nothing was recorded."),
        _entries(asking, found, connections, recordings),
        _deliveries(asking, session_id),
        _observations(asking, session_id),
        _messages(asking, session_id),
    )  # fmt: skip
    values = {
        "session": found,
        "summary": summary,
        "chart": draw(told, asking.zone.info, folds=asking.text("gaps") is None),
        "unfolded": asking.text("gaps") is not None,
        "without_folds": asking.link(gaps="shown"),
        "with_folds": asking.link(gaps=None),
        "artifacts": artifacts_of(tables, session_id),
        "recordings": recordings,
        "person": asking.text("person"),
        "by_share": None if asking.one_of("order", Order) is Order.SHARE else _ordered(asking, Order.SHARE),
        "by_join": _ordered(asking, None),
        "sees_people": _sees_people(asking),
        "standalone": False,
    }
    title = str(found["title"] or f"Session {session_id[:8]}")[:120]
    return Shown(
        "session.html", title, values, tuple(with_files(asking, one) for one in listings),
        is_live=found["status"] == "live",
    )  # fmt: skip


def _ordered(asking: Asking, order: Order | None) -> str:
    return asking.link(order=order, people=None) + "#people"


def _sees_people(asking: Asking) -> bool:
    return asking.tables.shows("participants", "display_name")


def _wanted(asking: Asking, connections: list[Row]) -> list[Row]:
    """Return the connections of those who are looked for: by the start of their name or id."""
    person = asking.text("person")
    if person is None:
        return connections
    if not _sees_people(asking):
        raise HiddenFilterError("display_name")
    start = person.casefold()
    return [row for row in connections if _starts(row["display_name"], row["custom_participant_id"], start)]


def _starts(name: Any, person: Any, start: str) -> bool:
    return any(str(value).casefold().startswith(start) for value in (name, person) if value)


def _people(asking: Asking, session_id: str, summary: Row) -> Listing:
    length = float(summary.get("duration_seconds") or 0)
    rows = attendance_of(asking.tables, session_id)
    if asking.text("person") is not None:
        start = str(asking.text("person")).casefold()
        rows = [row for row in rows if _starts(row["display_name"], row["person"], start)]
    rows = [{**row, "share": float(row["attended_seconds"]) / length if length else None} for row in rows]
    is_by_share = asking.one_of("order", Order) is Order.SHARE
    if is_by_share:
        rows.sort(key=lambda row: row["attended_seconds"])
    skip = asking.number("people", _MOST_SKIPPED)
    order = "those who attended least first" if is_by_share else "in the order of their first joins"
    return Listing(
        "people", f"People, {order}", _PEOPLE, _part(asking, rows, skip),
        "Nobody was there, as far as is known.", _more(asking, "people", skip, len(rows)),
    )  # fmt: skip


def _connections(asking: Asking, connections: list[Row], told: Told) -> Listing:
    rows = [
        {**row, "joined_place": told.place_of_join(row), "left_place": told.place_of_leave(row)} for row in connections
    ]
    skip = asking.number("connections", _MOST_SKIPPED)
    return Listing(
        "connections", "Connections, each with what reports it", _CONNECTIONS,
        _part(asking, rows, skip), "There was no connection.", _more(asking, "connections", skip, len(rows)),
    )  # fmt: skip


def _entries(asking: Asking, found: Row, connections: list[Row], recordings: list[Row]) -> Listing:
    skip = asking.number("entries", _MOST_SKIPPED)
    is_file = asking.text("csv") is not None
    rows = entries_of(asking.tables, found["id"], None if is_file else _ROWS + 1, skip)
    names = {row["id"]: row["file_name"] or row["id"] for row in recordings}
    names |= {row["peer_id"]: row["display_name"] or row["peer_id"] for row in connections}
    started = found["started_at"]
    shown = [
        {**row, "since_start": row["occurred_at"] - started if started else None, "who": _who(row, names)}
        for row in (rows if is_file else rows[:_ROWS])
    ]
    # Where the vendor's API was not asked there is no such column.
    columns = _ENTRIES if any(row["observation_id"] for row in shown) else _ENTRIES[:-1]
    return Listing(
        "timeline", "Timeline", columns, shown, "Nothing is known to have happened.",
        asking.link(entries=skip + _ROWS) + "#timeline" if len(rows) > len(shown) else None,
    )  # fmt: skip


def _who(entry: Row, names: dict[str, str]) -> str:
    parts = []
    if entry["kind"].startswith(("participant.", "recording.", "livestream.")):
        parts.append(str(names.get(entry["subject_id"], entry["subject_id"])))
    detail = entry["detail"] or {}
    parts += [str(detail[name]) for name in _WORTH_A_LINE if detail.get(name)]
    return ", ".join(parts)


def _deliveries(asking: Asking, session_id: str) -> Listing:
    limit = FILE_ROWS if asking.text("csv") is not None else _ROWS
    chosen = DeliveryFilter(session=session_id)
    rows = find_deliveries(asking.tables, chosen, limit + 1, asking.uuid("before"))
    return Listing(
        "deliveries", "Deliveries that name this session, latest first", _DELIVERIES, rows[:limit],
        "There is no such delivery.",
        asking.link(before=rows[limit - 1]["id"]) + "#deliveries" if len(rows) > limit else None,
        following(rows[:limit], limit, lambda last: find_deliveries(asking.tables, chosen, limit, last["id"])),
    )  # fmt: skip


def _messages(asking: Asking, session_id: str) -> Listing:
    limit = FILE_ROWS if asking.text("csv") is not None else _FEWER_ROWS
    chosen = Chosen(session=session_id)
    rows = find_messages(asking.tables, chosen, limit + 1, None)
    return Listing(
        "messages", "Messages to your systems about this session, latest first", _MESSAGES, rows[:limit],
        "No message was made about this session.",
        f"/automations?session={quote(session_id, safe='')}" if len(rows) > limit else None,
        following(
            rows[:limit], limit, lambda last: find_messages(asking.tables, chosen, limit, MessagePlace.of(last))
        ),
    )  # fmt: skip


def _observations(asking: Asking, session_id: str) -> Listing:
    limit = FILE_ROWS if asking.text("csv") is not None else _ROWS
    rows = observations_of_session(asking.tables, session_id, limit + 1, asking.uuid("observed_before"))
    return Listing(
        "observations", "What the vendor\u2019s API said about this session, latest first", _OBSERVATIONS, rows[:limit],
        "The vendor\u2019s API has said nothing about this session.",
        asking.link(observed_before=rows[limit - 1]["id"]) + "#observations" if len(rows) > limit else None,
        following(
            rows[:limit], limit, lambda last: observations_of_session(asking.tables, session_id, limit, last["id"])
        ),
    )  # fmt: skip


def _part(asking: Asking, rows: list[Row], skip: int) -> list[Row]:
    return rows if asking.text("csv") is not None else rows[skip : skip + _FEWER_ROWS]


def _more(asking: Asking, name: str, skip: int, rows: int) -> str | None:
    return asking.link(**{name: skip + _FEWER_ROWS}) + f"#{name}" if rows > skip + _FEWER_ROWS else None
