"""A stall: the queue holds messages, the worker's hands are empty, and nothing comes.

A consumer may look alive and be none: its broker has forgotten it, or waits for acknowledgements that got lost on the
way. Nothing raises, so that somebody has to look.
"""

# Seconds without a message while some wait. An ordinary consumer has the next one within a fraction of one.
PATIENCE = 15.0


class Stall:
    """Tells a consumer that is stuck from one that has nothing to do."""

    def __init__(self, now: float) -> None:
        """Begin to look at `now`, in seconds of a clock that never jumps."""
        self._received = 0
        self._well_at = now

    def is_on(self, now: float, *, waiting: int, received: int, is_processing: bool) -> bool:
        """Return whether the consumer should connect again; after a yes it has as long again to show a message.

        Args:
            now: seconds, as at the beginning.
            waiting: messages that the queue holds and no worker has in hand.
            received: messages that have come in all.
            is_processing: some are being processed, so that the worker may not want more.
        """
        if not waiting or is_processing or received != self._received:
            self._received, self._well_at = received, now
            return False
        if now - self._well_at < PATIENCE:
            return False
        self._well_at = now
        return True
