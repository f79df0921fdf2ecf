"""What all models share: the schema, and how Python types are stored. The statements that fill the tables are SQL.

A row of a derived table is a merge of what deliveries state, in any order. Where several deliveries state one
thing and the last one received wins, the column `<name>_by` holds the id of the delivery that won (ids sort by
`received_at`). `stated_…` times come from a payload, `noticed_…` times are the `received_at` of an event that
states none. People rely on the columns without such names; the others are the merge's own.

There are no foreign keys: deliveries arrive in any order, and a row must not wait for the row it references.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase

SCHEMA = "rollcall"


class Base(DeclarativeBase):
    """Shared by all tables: the schema, the names of constraints, and how Python types are stored."""

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        },
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this name from the class
        str: Text(),
        datetime: TIMESTAMP(timezone=True),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
        Decimal: Numeric(),
        int: BigInteger(),
    }


def one_of(column: str, values: Iterable[str]) -> str:
    """Return the SQL condition that a column holds one of the given texts."""
    texts = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({texts})"
