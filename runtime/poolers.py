"""Telling a pooler that lends a server's session for one transaction from one that lends it for a connection's life."""

from runtime.connections import connect

# A pooler that lends for a transaction gives two connections in turn the same session, unless others are quicker.
_TRIES = 10


def lends_for_a_transaction(url: str, *, name: str, connect_timeout: int = 2) -> bool:
    """Tell whether a URL leads through a pooler in transaction mode: there nobody can listen (`LISTEN`).

    Args:
        url: of Postgres.
        name: shown as `application_name`.
        connect_timeout: seconds, at least 2.

    Raises:
        psycopg.OperationalError: the server is away, or a pooler has no second connection to give.
    """
    with connect(url, name=name, connect_timeout=connect_timeout) as first:
        if not first.is_shared:
            return False
        with connect(url, name=name, connect_timeout=connect_timeout) as second:
            sessions: tuple[set[int], set[int]] = set(), set()
            for _ in range(_TRIES):
                for connection, seen in zip((first, second), sessions, strict=True):
                    [(pid,)] = connection.execute("SELECT pg_backend_pid()").fetchall()
                    seen.add(pid)
            return any(len(seen) > 1 for seen in sessions) or not sessions[0].isdisjoint(sessions[1])
