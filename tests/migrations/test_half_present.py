"""Parts of the schemas are gone, or are there without the others: migrate makes them whole, or says how."""

import psycopg
import pytest

from console.checks.broker import check_broker
from console.checks.database import check_database
from console.checks.finding import Health
from migrations.apply import MigrationError, migrate_database
from tests.migrations.test_up_and_down import columns_and_indexes


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def said_of(url: str) -> str:
    """What doctor says is wrong."""
    settings = {"DATABASE_URL": url}
    found = [*check_database(settings), *check_broker(settings)]
    return "\n".join(finding.says for finding in found if finding.health is Health.BAD)


MESSAGE = """
    INSERT INTO rollcall_queue.queue (message_id, queue_name, state, message)
    VALUES (gen_random_uuid(), 'rollcall', 'queued', '{}')"""


@pytest.mark.parametrize(
    "loss",
    [
        "DROP SCHEMA rollcall CASCADE",
        "DROP SCHEMA rollcall_queue CASCADE",
        "DROP SCHEMA rollcall, rollcall_queue CASCADE",
        "DROP TABLE rollcall_queue.worker",
        "DROP TABLE rollcall_queue.result",
        "DROP TABLE rollcall_queue.parked",
        "DROP TABLE rollcall_queue.queue",
        "DROP TYPE rollcall_queue.state CASCADE; DROP TABLE rollcall_queue.queue",
        "DROP VIEW rollcall.session_summary CASCADE",
        "DROP VIEW rollcall.connections CASCADE",
        "DROP FUNCTION rollcall.counted_until CASCADE",
    ],
)
def test_what_holds_nothing_is_made_again(database_url: str, loss: str) -> None:
    shape = columns_and_indexes(database_url)
    execute(database_url, loss)
    migrate_database(database_url)
    assert columns_and_indexes(database_url) == shape
    migrate_database(database_url)
    assert columns_and_indexes(database_url) == shape


def test_messages_of_a_queue_whose_tables_are_gone_stay(database_url: str) -> None:
    execute(database_url, MESSAGE, "DROP SCHEMA rollcall CASCADE")
    migrate_database(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM rollcall_queue.queue").fetchone() == (1,)


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        ("DROP TABLE rollcall.alembic_version", "alembic_version"),
        ("TRUNCATE rollcall.alembic_version", "alembic_version"),
        ("DROP TABLE rollcall.artifacts", "lacks tables of it: artifacts."),
        ("DROP TABLE rollcall.deliveries, rollcall.timeline CASCADE", "lacks tables of it: deliveries, timeline."),
    ],
)
def test_what_held_something_is_named_with_what_to_do_and_nothing_is_changed(
    database_url: str, loss: str, says: str
) -> None:
    execute(database_url, loss)
    shape = columns_and_indexes(database_url)
    with pytest.raises(MigrationError, match="Restore") as refused:
        migrate_database(database_url)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert columns_and_indexes(database_url) == shape
    assert "restore" in said_of(database_url).lower()


@pytest.mark.parametrize("loss", ["DROP SCHEMA rollcall_queue CASCADE", "DROP VIEW rollcall.attendance"])
def test_doctor_sees_what_migrate_makes_again(database_url: str, loss: str) -> None:
    execute(database_url, loss)
    assert "rollcall migrate" in said_of(database_url)
    migrate_database(database_url)
    assert not said_of(database_url)
