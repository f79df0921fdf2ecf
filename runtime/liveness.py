"""When a silent worker counts as dead and its messages go to another worker."""

# Seconds. Long enough for a worker that swaps or waits for its disk, and within the promised minute for a takeover.
# Each queue checks periodically, so detection may take half as long again.
DEAD_AFTER = 20.0
# RabbitMQ counts heartbeats in whole seconds, and two must be missed.
LEAST_DEAD_AFTER = 2.0

# A frozen worker's transaction holds locks that its successor needs; the database ends it this much later.
_LET_GO_LATER = 5.0


def let_go_after(dead_after: float) -> float:
    """Return how long a transaction may idle, in seconds, if its worker counts as dead after `dead_after`."""
    return dead_after + _LET_GO_LATER
