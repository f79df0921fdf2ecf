"""Which sessions a reader chooses."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from console.queries.conditions import Range
from workers.rules.sessions import SessionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions are meant; what is None or false chooses none out.

    Attributes:
        started: when they started.
        status: live or ended.
        meeting: their meeting's id.
        organization: their organization's id.
        start_of_id: how their ids start.
        title: words in their titles.
        person: how the id or the name of somebody in them starts.
        whole_person: the whole id of somebody in them, in the user's own app.
        has_inferred: only those in which an end was inferred.
        has_set_aside: only those with deliveries that were set aside.
        among: their ids are among these, which an index gave: see `console.queries.persons`.
    """

    started: Range = field(default_factory=Range)
    status: SessionStatus | None = None
    meeting: str | None = None
    organization: str | None = None
    start_of_id: str | None = None
    title: str | None = None
    person: str | None = None
    whole_person: str | None = None
    has_inferred: bool = False
    has_set_aside: bool = False
    among: Sequence[str] | None = None

    @property
    def looks_back(self) -> bool:
        """Whether it has no index of its own, so that without a range it looks at the last 31 days."""
        has_index = self.whole_person or self.meeting or self.start_of_id or self.among is not None
        return bool(self.status or self.title or self.person or self.has_inferred or self.has_set_aside) and not (
            self.started.since or self.started.until or has_index
        )
