"""`/automations`: endpoints and how they fare, messages, and each try."""

import json

from console.pages.asking import Asking
from console.pages.listing import FILE_ROWS, PAGE_ROWS, Column, Kind, Listing, following, to
from console.pages.refusals import NotThereError
from console.pages.site import Shown, with_files
from console.pages.views.sessions import what_hides
from console.queries.attempts import attempts_of
from console.queries.endpoints import all_endpoints, trouble_of
from console.queries.message_lists import Chosen, MessagePlace, find_messages
from console.queries.messages import deliveries_of, message_with
from console.queries.sight import HIDDEN
from console.queries.tables import Row
from console.screen.plain_text import plain_lines
from workers.rules.messages import DeliveryStatus

FILTERS = {"endpoint": "endpoint", "type": "type", "status": "status", "session": "session"}
_MOST_TROUBLE = 20
_NO_ENDPOINT = "No endpoint has been added yet: `rollcall endpoints add`."
_MOST_BODY = 100_000


def _of_endpoint(row: Row) -> str:
    return f"/automations?endpoint={row.get('endpoint_id') or row['id']}"


_ENDPOINTS = (
    Column("name", "Name", link=_of_endpoint),
    Column("state", "Status", Kind.STATUS),
    Column("types", "Types"),
    Column("pending", "Waiting", Kind.NUMBER),
    Column("held", "Held", Kind.NUMBER),
    Column("given_up", "Given up", Kind.NUMBER),
    Column("last_delivered_at", "Last success", Kind.TIME),
    Column("failing_since", "Failing since", Kind.TIME),
    Column("id", "Endpoint", link=_of_endpoint),
)
_MESSAGES = (
    Column("occurred_at", "About", Kind.TIME, to("/automations/messages", "id")),
    Column("type", "Type"),
    Column("status", "Status", Kind.STATUS),
    Column("reason", "Why"),
    Column("endpoint_id", "Endpoint"),
    Column("attempts", "Attempts", Kind.NUMBER),
    Column("next_attempt_at", "Next", Kind.TIME),
    Column("delivered_at", "Delivered", Kind.TIME),
    Column("session_id", "Session", Kind.ID, to("/sessions", "session_id")),
    Column("id", "Message", Kind.ID, to("/automations/messages", "id")),
)
_TROUBLE = (
    Column("at", "Last try", Kind.TIME, to("/automations/messages", "message_id")),
    Column("type", "Type"),
    Column("status", "Status", Kind.STATUS),
    Column("answered", "Answer", Kind.NUMBER),
    Column("error", "Error"),
    Column("next_attempt_at", "Next", Kind.TIME),
    Column("message_id", "Message", Kind.ID, to("/automations/messages", "message_id")),
)
_ATTEMPTS = (
    Column("at", "At", Kind.TIME),
    Column("endpoint_id", "Endpoint"),
    Column("number", "Try", Kind.NUMBER),
    Column("duration_ms", "Milliseconds", Kind.NUMBER),
    Column("status", "Answer", Kind.NUMBER),
    Column("error", "Error"),
    Column("answer", "What it said"),
)
_DELIVERIES = (
    Column("endpoint_name", "Endpoint", link=_of_endpoint),
    Column("status", "Status", Kind.STATUS),
    Column("reason", "Why"),
    Column("attempts", "Attempts", Kind.NUMBER),
    Column("next_attempt_at", "Next", Kind.TIME),
    Column("delivered_at", "Delivered", Kind.TIME),
)


def chosen_of(asking: Asking) -> Chosen:
    """Return which messages the query chooses."""
    return Chosen(
        endpoint=asking.text("endpoint"),
        status=asking.one_of("status", DeliveryStatus),
        type=asking.text("type"),
        session=asking.text("session"),
    )


def automations(asking: Asking) -> Shown:
    """Return the page."""
    tables = asking.tables
    endpoints = [{**row, "state": _state(row)} for row in all_endpoints(tables)]
    limit = FILE_ROWS if asking.text("csv") is not None else PAGE_ROWS
    after = asking.read("after", MessagePlace.read, "the end of a page")
    chosen = chosen_of(asking)
    rows = find_messages(tables, chosen, limit + 1, after)
    wanted = asking.text("endpoint")
    listings = [
        Listing("endpoints", "Endpoints", _ENDPOINTS, endpoints, _NO_ENDPOINT),
        Listing("messages", "Messages, latest first", _MESSAGES, rows[:limit], what_hides(asking, FILTERS, "messages"),
                next=asking.link(after=MessagePlace.of(rows[limit - 1])) if len(rows) > limit else None,
                rest=following(rows[:limit], limit,
                               lambda last: find_messages(tables, chosen, limit, MessagePlace.of(last)))),
    ]  # fmt: skip
    if wanted is not None:
        listings.append(
            Listing(
                "trouble", "What failed last", _TROUBLE, trouble_of(tables, wanted, _MOST_TROUBLE), "Nothing failed."
            )
        )
    values = {
        "endpoint": next((row for row in endpoints if row["id"] == wanted), None),
        "filters": {name: asking.text(name) for name in FILTERS},
        "statuses": list(DeliveryStatus),
        "has_filter": any(asking.text(name) for name in FILTERS),
        "redeliver": asking.link(after=None).replace("/automations", "/acts/redeliver", 1),
    }
    return Shown("automations.html", "Automations", values, tuple(with_files(asking, one) for one in listings))


def message(asking: Asking) -> Shown:
    """Return the page of one message."""
    found = message_with(asking.tables, asking.part("id"))
    if found is None:
        raise NotThereError("message")
    listings = (
        Listing("endpoints", "What became of it for each endpoint", _DELIVERIES,
                deliveries_of(asking.tables, found["id"]), "No endpoint wanted it."),
        Listing("attempts", "Each try", _ATTEMPTS, attempts_of(asking.tables, found["id"]), "It was not tried yet."),
    )  # fmt: skip
    body = None
    if found["body"] is not HIDDEN:
        body = plain_lines(json.dumps(found["body"], ensure_ascii=False, indent=2)[:_MOST_BODY])
    values = {"message": found, "body": body}
    return Shown("message.html", f"Message {found['type']}", values, tuple(with_files(asking, one) for one in listings))


def _state(row: Row) -> str:
    return "disabled" if row["status"] == "disabled" else "failing" if row["failing_since"] else "enabled"
