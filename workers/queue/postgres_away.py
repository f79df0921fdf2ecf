"""What an error of the queue's server comes to, in words that may be logged."""

import psycopg

from runtime.error_message import message_without_values
from workers.queue.publisher import QueueAwayError


def queue_away(error: psycopg.Error) -> QueueAwayError:
    """Return that the queue in Postgres does not answer, with the server's words.

    Without their values: the server may quote a statement's, and these contain bodies.
    """
    says = message_without_values(error)
    return QueueAwayError(f"The queue in Postgres does not answer: {says if says.endswith('.') else f'{says}.'}")
