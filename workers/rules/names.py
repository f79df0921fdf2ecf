"""The names of organizations and meetings, and a meeting's organization: the delivery received last wins.

Observations name them too, but any delivery wins over them: theirs is a rank below all deliveries.
"""

from uuid import UUID

from workers.reading.facts import MeetingFact, OrganizationFact
from workers.rules.columns import Columns
from workers.rules.rule import Earliest, Key, ReceivedLast

# An id starts with its milliseconds since 1970. Without them it is lower than that of any delivery, and of two
# observations the later one's is still the higher.
_TIME_BITS = 48


def rank_below_deliveries(observation_id: UUID) -> UUID:
    """Return what stands for an observation where the ids of deliveries decide who named something last."""
    return UUID(int=observation_id.int >> _TIME_BITS)


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
