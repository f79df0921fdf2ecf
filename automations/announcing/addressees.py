"""Which endpoints a message is for, and whether it goes out or is held. Pure."""

from collections.abc import Iterable, Iterator

import msgspec

from automations.announcing.message import NewMessage
from automations.endpoints import Endpoint
from workers.rules.messages import DeliveryStatus, EndpointStatus

OLD = "old"
"""It happened too long ago: nobody wants a mail about last year's lesson unless they ask for it."""
DISABLED = "disabled"


class Addressee(msgspec.Struct, frozen=True):
    """An endpoint that a message is for.

    Attributes:
        endpoint: the endpoint.
        status: pending or held.
        reason: why it is held.
    """

    endpoint: Endpoint
    status: DeliveryStatus
    reason: str | None = None


def addressees(message: NewMessage, endpoints: Iterable[Endpoint]) -> Iterator[Addressee]:
    """Yield the endpoints that a new message is for."""
    for endpoint in endpoints:
        if not endpoint.wants(message.type, message.organization_id, message.meeting_id):
            continue
        if message.known_since is not None and message.known_since < endpoint.created_at:
            continue
        if message.is_old:
            yield Addressee(endpoint, DeliveryStatus.HELD, OLD)
        elif endpoint.status is EndpointStatus.DISABLED:
            yield Addressee(endpoint, DeliveryStatus.HELD, DISABLED)
        else:
            yield Addressee(endpoint, DeliveryStatus.PENDING)
