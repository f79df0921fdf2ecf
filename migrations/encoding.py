"""The database's encoding: names can be in any script, and bodies are UTF-8."""

from typing import Any

import psycopg


def encoding_fault(connection: psycopg.Connection[Any]) -> str | None:
    """Return what is wrong with the encoding of the connection's database and what to do; None if it is right."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding == "UTF8":
        return None
    return (
        f"The database {connection.info.dbname} is encoded in {encoding}, which can't hold every name or does not "
        "check what it holds: make one with `CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'` and let "
        "DATABASE_URL name it."
    )
