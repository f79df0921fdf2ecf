"""The names of organizations and meetings, and a meeting's organization: the delivery received last wins."""

from workers.reading.facts import MeetingFact, OrganizationFact
from workers.rules.columns import Columns
from workers.rules.rule import Earliest, Key, ReceivedLast

ORGANIZATIONS = Columns(OrganizationFact, {"id": Key(), "name": ReceivedLast("name_by")})

MEETINGS = Columns(
    MeetingFact,
    {
        "id": Key(),
        "organization_id": ReceivedLast("organization_by"),
        "title": ReceivedLast("title_by"),
        "room_name": ReceivedLast("room_name_by"),
        "created_at": Earliest(),
    },
)
