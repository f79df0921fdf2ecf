"""Detects a stall: messages wait in the queue, the worker is idle, and none arrive.

A consumer may look alive but receive nothing: its broker has forgotten it, or waits for acknowledgements that were
lost. Nothing raises an error, so it has to be checked.
"""

# Seconds without a message while some wait. A healthy consumer gets the next one in a fraction of a second.
PATIENCE = 15.0


class Stall:
    """Distinguishes a stuck consumer from an idle one."""

    def __init__(self, now: float) -> None:
        """Start at `now`, in seconds of a monotonic clock."""
        self._received = 0
        self._well_at = now

    def is_on(self, now: float, *, waiting: int, received: int, is_processing: bool) -> bool:
        """Return whether the consumer should reconnect; if True, it gets the same time again to receive a message.

        Args:
            now: seconds of the same clock.
            waiting: messages in the queue that no worker holds.
            received: total messages received.
            is_processing: whether some are being processed, so the worker may not want more.
        """
        if not waiting or is_processing or received != self._received:
            self._received, self._well_at = received, now
            return False
        if now - self._well_at < PATIENCE:
            return False
        self._well_at = now
        return True
