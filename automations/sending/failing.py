"""When an endpoint that fails is warned of, and when it is disabled. Pure.

Endpoints fail for a night or a weekend and are repaired; disabling one loses nothing, since messages are held, but
someone has to notice. So it takes days, and other endpoints are told on the way.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

# An endpoint without a success for this long is disabled ...
PATIENCE = timedelta(days=5)
# ... if its failures span this much: one failure and then days without a message say little.
LEAST_SPAN = timedelta(hours=12)
# Percentages of the patience at which other endpoints are told.
WARNINGS = (50, 70, 90)


@dataclass(frozen=True, slots=True)
class Failing:
    """How an endpoint fares after its last attempts.

    Attributes:
        endpoint_id: the endpoint.
        since: its first failure since the last success; None if it does not fail.
        last: its last failure.
        warned: the highest percentage that was told of.
    """

    endpoint_id: str
    since: datetime | None
    last: datetime | None
    warned: int


def is_to_be_disabled(state: Failing, now: datetime) -> bool:
    """Return whether an endpoint has failed for long enough."""
    return (
        state.since is not None
        and state.last is not None
        and now - state.since >= PATIENCE
        and state.last - state.since >= LEAST_SPAN
    )


def warning_due(state: Failing, now: datetime) -> int | None:
    """Return the percentage of its time that a failing endpoint has used up, if that is to be told now."""
    if state.since is None:
        return None
    reached = [level for level in WARNINGS if (now - state.since) / PATIENCE * 100 >= level]
    return reached[-1] if reached and reached[-1] > state.warned else None
