"""What nobody publishes of the vendor's API: each is a switch, so that a test can have it either way."""

from dataclasses import dataclass
from typing import Literal


@dataclass
class Switches:
    """How the fake vendor answers.

    Attributes:
        details: a session's own answer: in `data.session`, or `data` itself.
        paging: where the numbers of a page stand: beside `data`, inside it, or nowhere.
        most_per_page: rows of a page at most, whatever is asked for.
        first_page: the number of the first page.
        order: of a list that nobody asked to sort.
        ended_at: what a session that goes on says of its end.
        left_at: likewise, of somebody who is there.
        has_stray_quotes: a quote stands inside the value of times.
        rows: a row of participants is a connection, or a person with all connections.
        has_peer_events: they are told where they are asked for.
        organization_id: a session says the organization of the webhooks, of the credentials, or none.
        total_off: is added to the true number of rows.
        ratelimit: what `Ratelimit` says on every answer: calls left, seconds until it starts again, the quota.
        has_link_lists: a recording's link is a list, as that of a track recording.
        event_list: what `/webhooks/all` answers: a list, an object with it, or that it does not know it.
        has_enabled: answers about webhooks say whether they are enabled.
        repeats_participant: the first participant stands on the first page as still there, and on the last as left.
        shifts: each further page begins with the last row of the one before.
        ignores_page: each page is the first.
    """

    details: Literal["nested", "flat"] = "nested"
    paging: Literal["beside", "inside", "nowhere"] = "beside"
    most_per_page: int = 200
    first_page: int = 1
    order: Literal["ASC", "DESC"] = "DESC"
    ended_at: Literal["absent", "null", "text", "empty"] = "absent"
    left_at: Literal["absent", "null", "text", "empty"] = "absent"
    has_stray_quotes: bool = False
    rows: Literal["connections", "persons"] = "connections"
    has_peer_events: bool = True
    organization_id: Literal["webhooks", "credentials", "absent"] = "webhooks"
    total_off: int = 0
    ratelimit: tuple[int, int, int] | None = None
    has_link_lists: bool = False
    event_list: Literal["list", "object", "unknown"] = "list"
    has_enabled: bool = True
    repeats_participant: bool = False
    shifts: bool = False
    ignores_page: bool = False


@dataclass(frozen=True)
class Fault:
    """What the vendor answers instead, once.

    Attributes:
        status: of the answer.
        headers: of the answer.
        body: of the answer.
        is_cut: the connection ends in the middle of the body.
        path: only a call whose path, from the base on, begins so.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    is_cut: bool = False
    path: str = ""
