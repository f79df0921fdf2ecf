"""The tables as models: migrations are tested against them, and docs/tables.md is generated from them."""

from workers.tables.models import (
    announcements,
    audit,
    endpoints,
    ledger,
    meetings,
    observations,
    recordings,
    roster,
    sessions,
)
from workers.tables.models.holding import OF_VIEWS, Holding
from workers.tables.models.schema import SCHEMA, Base

__all__ = [
    "OF_VIEWS",
    "SCHEMA",
    "Base",
    "Holding",
    "announcements",
    "audit",
    "endpoints",
    "ledger",
    "meetings",
    "observations",
    "recordings",
    "roster",
    "sessions",
]
