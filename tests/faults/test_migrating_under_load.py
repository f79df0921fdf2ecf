"""`rollcall migrate` while receivers and workers of the version before still run."""

from alembic import command

from migrations.apply import migrate_database, migrations_config
from tests.faults.conftest import theatre_of


def test_a_migration_under_load_loses_nothing() -> None:
    with theatre_of("postgres") as theatre, theatre.under_load() as load:
        url = theatre.stage.database_url
        command.downgrade(migrations_config(url), "0002")
        load.goes_on()
        migrate_database(url)
    assert not load.account.refused
    assert not load.account.unanswered
