"""The errors of the workers and of their queue.

    WorkersError
    ├── workers.reading.fields.NotIdentifiedError     a body lacks what identifies its event
    ├── workers.queue.unreadable.UnreadableError      a queue message is none that this version can read
    ├── workers.queue.publisher.QueueAwayError        the queue did not do what it was asked for
    ├── workers.running.gathering.RefusedError        the database takes others and not all of a group
    └── workers.running.transactions.StoppingError    the worker stops while it waits for the database

Others that leave a function are psycopg's and Dramatiq's own, as its docstring says.
"""


class WorkersError(Exception):
    """Something did not go as it should; the message says what, with which thing, and what to do now."""
