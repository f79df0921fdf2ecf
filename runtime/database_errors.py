"""Classifies Postgres errors by SQLSTATE: wait, retry, isolate the row, or hold until an operator fixes it.

The codes are from PostgreSQL's appendix A. Any other code is a refusal: the server is up, understood the statement and
rejected it, and will reject it again until the server or the data changes.
"""

from collections.abc import Mapping
from enum import Enum, auto

import psycopg


class Cause(Enum):
    """Why a statement failed."""

    AWAY = auto()
    """The server is unreachable, refuses connections or is out of resources. Wait until that has passed."""
    CONTENTION = auto()
    """Another transaction was in the way, or the statement was canceled. Retry it unchanged."""
    DATA = auto()
    """A value does not fit: one row is at fault, found by trying smaller groups."""
    REFUSAL = auto()
    """Anything else: a table, a privilege or a constraint is not as expected. It may affect one row or all."""


# Looked up by the whole code, then by its class (the first two characters).
_CAUSES: Mapping[str, Cause] = {
    "08": Cause.AWAY,  # connection exception
    "25006": Cause.AWAY,  # a standby after a failover, or set to read only
    "25P03": Cause.AWAY,  # idle-in-transaction timeout
    "25P04": Cause.AWAY,  # transaction timeout
    "53": Cause.AWAY,  # disk full, out of memory, too many connections
    "57": Cause.AWAY,  # shutting down, starting up, session terminated
    "58": Cause.AWAY,  # I/O errors
    "F0": Cause.AWAY,  # configuration file errors
    "40": Cause.CONTENTION,  # deadlock, serialization failure
    "55006": Cause.CONTENTION,  # object in use
    "55P03": Cause.CONTENTION,  # lock not available
    "57014": Cause.CONTENTION,  # canceled by a user or by a timeout
    "72": Cause.CONTENTION,  # snapshot too old
    "22": Cause.DATA,  # data exception
    "23": Cause.DATA,  # constraint violation
    "54": Cause.DATA,  # a server limit, such as the size of an index entry
}


def cause_of(error: psycopg.Error) -> Cause:
    """Return the cause of an error.

    An error without a code comes from the driver: the connection failed or was lost, or a value can't be encoded.
    """
    code = error.sqlstate
    if code is not None:
        return _CAUSES.get(code) or _CAUSES.get(code[:2], Cause.REFUSAL)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Cause.AWAY
    return Cause.DATA if isinstance(error, psycopg.DataError) else Cause.REFUSAL
