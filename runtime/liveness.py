"""When a worker that is silent counts as dead, and what it had in hand is another's."""

# Seconds. Long enough for a worker that swaps or waits for its disk, and within the minute that is promised for taking
# over. Each queue looks now and then: it may take half as long again.
DEAD_AFTER = 20.0
# RabbitMQ counts heartbeats in whole seconds, and two must be missed.
LEAST_DEAD_AFTER = 2.0

# A frozen worker's transaction holds locks that whoever takes over needs; the database ends it so long afterwards.
_LET_GO_LATER = 5.0


def let_go_after(dead_after: float) -> float:
    """Return how long a worker's transaction may idle, in seconds, where the worker is dead after `dead_after`."""
    return dead_after + _LET_GO_LATER
