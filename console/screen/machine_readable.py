"""`--json`: rows for scripts."""

import base64
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from console.queries.tables import Row
from console.screen.plain_text import escaped_json


def print_json(rows: Sequence[Row]) -> None:
    """Print rows as a JSON array of objects.

    Times are ISO 8601 in UTC, ids text, numbers numbers, and bytes base64. What a terminal would
    act on is escaped.
    """
    # Where output can't hold every sign, JSON's own escapes lose nothing. What has no encoding holds text as it is.
    is_ascii = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    document = json.dumps(list(rows), ensure_ascii=is_ascii, indent=2, default=_as_json)
    print(escaped_json(document))  # noqa: T201 - the command's output


def _as_json(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case UUID():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form here: add one.")
