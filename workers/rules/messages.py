"""The states and options of endpoints, and of the deliveries of messages to them."""

from enum import StrEnum


class EndpointStatus(StrEnum):
    """Whether an endpoint is sent to. What is meant for a disabled one is held."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class Order(StrEnum):
    """Whether messages of one session wait for each other."""

    NONE = "none"
    SESSION = "session"


class BodyKind(StrEnum):
    """How much of a message an endpoint gets."""

    FULL = "full"
    THIN = "thin"
    """Ids and times only: no names, custom ids, titles or links."""


class DeliveryStatus(StrEnum):
    """What has become of a message for an endpoint."""

    PENDING = "pending"
    DELIVERED = "delivered"
    HELD = "held"
    GIVEN_UP = "given_up"
