"""What an error of Postgres calls for, by its SQLSTATE: waiting, trying again, or another look at what was sent.

The codes are those of PostgreSQL's appendix A. What is not in the table is a refusal: the server is there, understood,
and says no, and will say so again until somebody changes it or the data.
"""

from collections.abc import Mapping
from enum import Enum, auto

import psycopg


class Cause(Enum):
    """Why the server did not do what it was asked for."""

    AWAY = auto()
    """It is not there, does not let us in, or lacks what it needs to work at all. Wait until that has passed."""
    CONTENTION = auto()
    """Somebody was in the way, or broke it off. Try the same again."""
    DATA = auto()
    """A value does not fit: one row is at fault, and is known by trying fewer."""
    REFUSAL = auto()
    """Anything else: a table, a right or a rule is not as it must be. It may concern one row or all."""


# By a whole code, else by its class (the first two characters).
_CAUSES: Mapping[str, Cause] = {
    "08": Cause.AWAY,  # connection exception
    "25006": Cause.AWAY,  # a standby after a failover, or set to read only
    "25P03": Cause.AWAY,  # the server has ended a session that idled in its transaction
    "25P04": Cause.AWAY,  # the same of a transaction that took too long
    "53": Cause.AWAY,  # disk full, out of memory, too many connections
    "57": Cause.AWAY,  # shutting down, starting, the session was ended from outside
    "58": Cause.AWAY,  # its disk or its files
    "F0": Cause.AWAY,  # its configuration
    "40": Cause.CONTENTION,  # deadlock, serialization failure
    "55006": Cause.CONTENTION,  # object in use
    "55P03": Cause.CONTENTION,  # lock not available
    "57014": Cause.CONTENTION,  # cancelled by somebody, or by a time limit
    "72": Cause.CONTENTION,  # snapshot too old
    "22": Cause.DATA,  # data exception
    "23": Cause.DATA,  # constraint violation
    "54": Cause.DATA,  # a limit of the server's, such as the size of an index entry
}


def cause_of(error: psycopg.Error) -> Cause:
    """Return what an error calls for.

    Without a code it is the driver's own: no connection could be made or it was lost, or a value that no column takes.
    """
    code = error.sqlstate
    if code is not None:
        return _CAUSES.get(code) or _CAUSES.get(code[:2], Cause.REFUSAL)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Cause.AWAY
    return Cause.DATA if isinstance(error, psycopg.DataError) else Cause.REFUSAL
