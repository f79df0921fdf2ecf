"""The list of a session's tables leaves none out."""

import re

from tests.processes import ROOT
from workers.tables.models.schema import Base
from workers.tables.session_tables import SESSION_TABLES, SUBJECT_TABLES, TOLD_TABLES

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_each_table_with_a_session_is_merged_from_its_deliveries_or_settled_by_subject_or_the_ledger() -> None:
    with_session = {table.name for table in Base.metadata.tables.values() if "session_id" in table.columns}
    assert {*SESSION_TABLES} == {"sessions", *with_session} - {*SUBJECT_TABLES} - {*TOLD_TABLES} - {*KEPT_TABLES}


# What the tables are made of, and what was asked.
KEPT_TABLES = {"deliveries", "observations", "lookups"}


def test_the_columns_are_there() -> None:
    for name, key in (SESSION_TABLES | SUBJECT_TABLES | TOLD_TABLES).items():
        assert key in Base.metadata.tables[f"rollcall.{name}"].columns


def test_the_page_deletes_all_of_a_session() -> None:
    [statements] = re.findall(r"```sql\n(BEGIN;.*?COMMIT;)\n```", PAGE, re.DOTALL)
    deleted = dict(re.findall(r"DELETE FROM rollcall\.(\w+) WHERE (\w+) IN", statements))
    kept = dict.fromkeys(KEPT_TABLES, "session_id")
    assert deleted == {**SESSION_TABLES, **TOLD_TABLES, **kept, "recordings": "session_id"}
