"""docs/messages.md has a message of each type as it is made."""

import psycopg

from tests.automations.announcing.examples import page
from tests.processes import ROOT


def test_the_page_has_each_type_as_it_is_made(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        made = page(connection)
    assert (ROOT / "docs" / "messages.md").read_text(encoding="utf-8") == made
