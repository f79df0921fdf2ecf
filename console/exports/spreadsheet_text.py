"""Texts of other people in a spreadsheet: a cell that begins like a formula is run when the file is opened.

A participant chooses a display name, so `=HYPERLINK(…)` may be one. An apostrophe in front makes a spreadsheet show the
cell as text. One pattern says which cells need it, to Python and to Postgres alike.
"""

import re

from psycopg import sql

# What spreadsheets skip or strip before they look: quotes, blanks, what is not seen, byte order marks.
_SKIPPED = (
    r"[\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\"'`\u00b4\u00ab\u00bb\u2018-\u201f\u2039\u203a\uff02\uff07\uff40]"
)
# What begins a formula, full-width and small variants too, and what may cut a cell in two.
_RUN = r"[=+@\-\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20\t\r\n]"
_PATTERN = f"^{_SKIPPED}*{_RUN}"

_is_run = re.compile(_PATTERN).match


def spreadsheet_text(text: str) -> str:
    """Return a text as a spreadsheet shows it and does not run it."""
    return f"'{text}" if _is_run(text) else text


def spreadsheet_text_sql(column: str) -> sql.Composed:
    """Return the SQL that gives a text column as `spreadsheet_text` does, under its own name."""
    name = sql.Identifier(column)
    return sql.SQL("CASE WHEN {name} ~ {pattern} THEN '''' || {name} ELSE {name} END AS {name}").format(
        name=name, pattern=sql.Literal(_PATTERN)
    )
