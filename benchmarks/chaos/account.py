"""The result of a load: what was sent, and the answers."""

from collections import Counter
from dataclasses import dataclass, field

from workers.queue.delivery import Provider


@dataclass
class Account:
    """The result of a load.

    Attributes:
        sent: posts, including retries and duplicates.
        accepted: answers of 200, by the SHA-256 of the body.
        accepted_at: when each body was last accepted, by the monotonic clock.
        bodies: those posted, by SHA-256.
        refused: other answers, by status.
        unanswered: posts without an answer: refused, broken and timed out connections.
        given_up: deliveries for which no attempt got a 200.
        lost_to_refusals: good deliveries that got a 4xx, in a dialect that never retries one.
        slowest: answer, in seconds.
        late: answers after the vendor's patience.
    """

    sent: int = 0
    accepted: Counter[bytes] = field(default_factory=Counter)
    accepted_at: dict[bytes, float] = field(default_factory=dict)
    bodies: dict[bytes, tuple[Provider, bytes]] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    given_up: int = 0
    lost_to_refusals: int = 0
    slowest: float = 0.0
    late: int = 0

    def __add__(self, other: "Account") -> "Account":
        """Return the sum of two loads."""
        return Account(
            sent=self.sent + other.sent,
            accepted=self.accepted + other.accepted,
            accepted_at=self.accepted_at | other.accepted_at,
            bodies=self.bodies | other.bodies,
            refused=self.refused + other.refused,
            unanswered=self.unanswered + other.unanswered,
            given_up=self.given_up + other.given_up,
            lost_to_refusals=self.lost_to_refusals + other.lost_to_refusals,
            slowest=max(self.slowest, other.slowest),
            late=self.late + other.late,
        )
