"""`rollcall doctor` on parts that work, and on parts that do not."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pika
import psycopg
import pytest

from console.checks.rights import TABLES
from receiver.keeping.spool import Spool
from tests.console.commands.findings import findings
from tests.console.conftest import Rollcall
from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.tables.models import Base


def test_a_system_that_works_is_a_line_a_part_and_exit_code_0(rollcall: Rollcall, whole: dict[str, str]) -> None:
    code, parts = findings(rollcall, **whole)
    assert code == 0
    assert {part: health for part, (health, _) in parts.items()} == {
        "settings": "ok",
        "organizations": "ok",
        "keys": "ok",
        "database": "ok",
        "revision": "ok",
        "broker": "warning",  # no worker runs
        "spool": "ok",
        "receiver": "warning",  # nor does a receiver
        "automations": "ok",
        "vendor's API": "ok",
    }
    assert "no worker" in parts["broker"][1]


def test_a_published_table_without_a_replica_identity_is_named(rollcall: Rollcall, whole: dict[str, str]) -> None:
    with psycopg.connect(whole["DATABASE_URL"]) as connection:
        connection.execute("ALTER TABLE rollcall.timeline REPLICA IDENTITY NOTHING")
        connection.execute("ALTER TABLE rollcall.sessions REPLICA IDENTITY FULL")
        connection.execute("CREATE PUBLICATION news FOR ALL TABLES WITH (publish = 'insert, truncate')")
    assert "publication" not in findings(rollcall, **whole)[1]
    with psycopg.connect(whole["DATABASE_URL"]) as connection:
        connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    code, parts = findings(rollcall, **whole)
    health, says = parts["publication"]
    assert (code, health) == (1, "failed")
    assert "covers rollcall.timeline without" in says
    assert "REPLICA IDENTITY DEFAULT" in says


def test_without_organization_ids_it_warns_and_says_why(rollcall: Rollcall, whole: dict[str, str]) -> None:
    del whole["ORGANIZATION_IDS"]
    code, parts = findings(rollcall, **whole)
    assert code == 0
    assert parts["organizations"][0] == "warning"
    assert "one key" in parts["organizations"][1]


def test_a_stopped_database_fails_and_its_password_is_not_shown(
    rollcall: Rollcall, whole: dict[str, str], free_port: int
) -> None:
    whole["DATABASE_URL"] = f"postgresql://u:geheim@127.0.0.1:{free_port}/x"
    code, parts = findings(rollcall, **whole)
    assert code == 1
    assert parts["database"][0] == parts["broker"][0] == "failed"
    assert "revision" not in parts
    assert parts["keys"][0] == parts["spool"][0] == "ok"
    assert "geheim" not in str(parts)


def test_what_hangs_is_given_up(rollcall: Rollcall, whole: dict[str, str], silent_port: int) -> None:
    place = f"127.0.0.1:{silent_port}"
    settings = {
        **whole,
        "DATABASE_URL": f"postgresql://u:geheim@{place}/x",
        "BROKER_URL": f"amqp://u:geheim@{place}",
        "WEBHOOK_KEY_URLS": f"http://{place}/",
        "PORT": str(silent_port),
    }
    code, parts = findings(rollcall, **settings)
    assert code == 1
    assert {part for part, (health, _) in parts.items() if health == "failed"} == {
        "database",
        "broker",
        "keys",
        "receiver",
    }
    assert "geheim" not in str(parts)


def test_an_old_revision_fails_and_is_told_to_be_migrated(rollcall: Rollcall, whole: dict[str, str]) -> None:
    with psycopg.connect(whole["DATABASE_URL"]) as connection:
        connection.execute("UPDATE rollcall.alembic_version SET version_num = '0001'")
    code, parts = findings(rollcall, **whole)
    assert code == 1
    assert parts["revision"][0] == "failed"
    assert "rollcall migrate" in parts["revision"][1]


def test_a_revision_of_a_newer_version_fails(rollcall: Rollcall, whole: dict[str, str]) -> None:
    with psycopg.connect(whole["DATABASE_URL"]) as connection:
        connection.execute("UPDATE rollcall.alembic_version SET version_num = '9999'")
    assert "newer version" in findings(rollcall, **whole)[1]["revision"][1]


def test_a_table_that_is_missing_and_rights_that_a_worker_lacks_are_named(
    rollcall: Rollcall, whole: dict[str, str]
) -> None:
    url = whole["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("ALTER TABLE rollcall.recordings RENAME TO other")
        code, parts = findings(rollcall, **whole)
        assert code == 1
        assert parts["tables"][0] == "failed"
        assert "missing: rollcall.recordings." in parts["tables"][1]
        owner.execute("ALTER TABLE rollcall.other RENAME TO recordings")
        owner.execute("DROP ROLE IF EXISTS lacks_rights; CREATE ROLE lacks_rights")
        owner.execute("GRANT USAGE ON SCHEMA rollcall TO lacks_rights")
        owner.execute("GRANT ALL ON ALL TABLES IN SCHEMA rollcall TO lacks_rights")
        owner.execute("REVOKE INSERT, DELETE ON rollcall.sessions FROM lacks_rights")
        role = f"{url}{'&' if '?' in url else '?'}options=-crole%3Dlacks_rights"
        code, parts = findings(rollcall, **{**whole, "DATABASE_URL": role, "BROKER_URL": url})
        assert code == 1
        assert "INSERT, DELETE on rollcall.sessions." in parts["tables"][1]
        owner.execute("DROP OWNED BY lacks_rights")
        owner.execute("DROP ROLE lacks_rights")


def test_the_tables_that_are_looked_for_are_those_of_the_models() -> None:
    assert sorted(table.name for table in Base.metadata.sorted_tables) == list(TABLES)


def test_a_database_without_tables_fails(rollcall: Rollcall, whole: dict[str, str], empty_database_url: str) -> None:
    code, parts = findings(rollcall, **{**whole, "DATABASE_URL": empty_database_url})
    assert code == 1
    assert parts["database"][0] == "ok"
    assert parts["revision"][0] == parts["broker"][0] == "failed"


def test_deliveries_that_wait_in_the_spool_are_told(rollcall: Rollcall, whole: dict[str, str], folder: Path) -> None:
    now = datetime.now(UTC)
    spool = Spool(folder / "var" / "spool")
    spool.put([Delivery(new_delivery_id(now), now, Provider.DYTE, None, None, b"{}")])
    code, parts = findings(rollcall, **whole)
    spool.close()
    assert (code, parts["spool"][0]) == (0, "warning")
    assert parts["spool"][1].startswith("1 group of deliveries in var/spool ")


def test_a_spool_folder_that_is_a_file_fails(rollcall: Rollcall, whole: dict[str, str], folder: Path) -> None:
    (folder / "taken").touch()
    code, parts = findings(rollcall, **whole, SPOOL_DIR="taken/spool")
    assert (code, parts["spool"][0]) == (1, "failed")


def test_a_spool_file_that_is_no_database_fails(rollcall: Rollcall, whole: dict[str, str], folder: Path) -> None:
    (folder / "000.sqlite").write_bytes(b"garbage" * 1000)
    with pytest.raises(sqlite3.DatabaseError), closing(sqlite3.connect(folder / "000.sqlite")) as file:
        file.execute("SELECT 1 FROM sqlite_master")
    code, parts = findings(rollcall, **whole, SPOOL_DIR=".")
    assert (code, parts["spool"][0]) == (1, "failed")


def test_a_wrong_setting_fails_by_its_name(rollcall: Rollcall, whole: dict[str, str]) -> None:
    code, parts = findings(rollcall, **{**whole, "METRICS_PORT": "http"})
    assert (code, parts["settings"][0]) == (1, "failed")
    assert parts["settings"][1].startswith("METRICS_PORT takes ")
    assert parts["database"][0] == "ok"


@pytest.mark.rabbitmq
def test_rabbitmq_works_whether_or_not_its_queue_is_there_yet(
    rollcall: Rollcall, whole: dict[str, str], rabbitmq_url: str
) -> None:
    assert findings(rollcall, **whole, BROKER_URL=rabbitmq_url)[1]["broker"][0] == "ok"
    connection = pika.BlockingConnection(pika.URLParameters(rabbitmq_url))
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):  # the doctor has made none
        connection.channel().queue_declare("rollcall", passive=True)
    connection.channel().queue_declare("rollcall", durable=True, arguments={"x-queue-type": "classic"})
    code, parts = findings(rollcall, **whole, BROKER_URL=rabbitmq_url)
    assert (code, parts["broker"][0]) == (1, "failed")
    assert "quorum" in parts["broker"][1]
    connection.channel().queue_delete("rollcall")
    connection.close()


def test_a_damaged_spool_file_that_was_set_aside_counts_once(
    rollcall: Rollcall, whole: dict[str, str], folder: Path
) -> None:
    spool = folder / "var" / "spool"
    spool.mkdir(parents=True)
    for name in ("000.sqlite.damaged-1", "000.sqlite.damaged-1-wal", "000.sqlite.damaged-1-shm"):
        (spool / name).touch()
    code, parts = findings(rollcall, **whole)
    assert (code, parts["spool"][0]) == (0, "warning")
    assert " has 1 damaged files set aside" in parts["spool"][1]
