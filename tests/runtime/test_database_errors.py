"""How Postgres's errors are handled, and which parts of them may be logged; each error comes from a real server."""

import psycopg
import pytest
from psycopg import errors

from runtime.database_errors import Cause, cause_of
from runtime.error_message import message_without_values

BODY = b'{"name": "Ana Mar\\u00eda", "id": "meetings", "n": 31, "nested": [{"text": "a \\"quoted\\" word"}]}'


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        *((code, Cause.AWAY) for code in ("08000", "08006", "08P01", "25006", "25P03", "25P04")),
        *((code, Cause.AWAY) for code in ("53000", "53100", "53200", "53300", "53400", "58000", "58030", "58P01")),
        *((code, Cause.AWAY) for code in ("57000", "57P01", "57P02", "57P03", "57P04", "57P05", "F0000")),
        *((code, Cause.CONTENTION) for code in ("40001", "40P01", "40003", "55P03", "55006", "57014", "72000")),
        *((code, Cause.DATA) for code in ("22001", "22P02", "23502", "23505", "23514", "54000", "54001")),
        *((code, Cause.REFUSAL) for code in ("42501", "42P01", "42703", "55000", "0A000", "P0001", "25P02", "21000")),
        *((code, Cause.REFUSAL) for code in ("28000", "28P01", "3D000", "3F000", "26000", "XX000", "XX001", "ZZ999")),
    ],
)
def test_a_code_of_the_server_says_what_its_error_calls_for(database_url: str, code: str, cause: Cause) -> None:
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.Error) as raised:
        connection.execute(f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{code}'; END $$".encode())
    assert raised.value.sqlstate == code
    assert cause_of(raised.value) is cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (psycopg.OperationalError("the connection is lost"), Cause.AWAY),
        (psycopg.InterfaceError("the connection is closed"), Cause.AWAY),
        (psycopg.DataError("text fields cannot contain NUL"), Cause.DATA),
        (psycopg.ProgrammingError("cannot adapt type"), Cause.REFUSAL),
        (errors.IdleSessionTimeout("of the server, as it ended the session"), Cause.AWAY),
    ],
)
def test_an_error_of_the_driver_is_told_by_its_kind(error: psycopg.Error, cause: Cause) -> None:
    assert cause_of(error) is cause


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("SELECT 'Ana'::uuid", "invalid input syntax for type uuid: …"),
        ("""SELECT 'a "b" c'::uuid""", "invalid input syntax for type uuid: …"),
        ("SELECT '99999999999'::integer", "value … is out of range for type integer"),
        ("SELECT FROM rollcall.nothing", 'relation "rollcall.nothing" does not exist'),
        ("SELECT FROM rollcall.meetings WHERE no_such = 1", 'column "no_such" does not exist'),
        ("INSERT INTO rollcall.meetings (id) VALUES (NULL)", 'null value in column "id" of relation "meetings" …'),
        (
            "INSERT INTO rollcall.meetings (id) VALUES ('x'), ('x')",
            'duplicate key value violates unique constraint "meetings_pkey"',
        ),
        ("SELECT María", "column … does not exist"),
        ("DO $$ BEGIN RAISE 'no %', 'ana maría'; END $$", "no …"),
        ("DO $$ BEGIN RAISE 'no %', 'María'; END $$", "no …"),
        ("DO $$ BEGIN RAISE 'no % of %', 31, '2026-03-02'; END $$", "no … of …"),
        ("DO $$ BEGIN RAISE E'first\nsecond'; END $$", "first"),
        ("DO $$ BEGIN RAISE 'it isn''t Ana''s, don''t'; END $$", "it isn't …'s, don't"),
        ("DO $$ BEGIN RAISE 'no' USING DETAIL = 'Ana', HINT = 'Ana'; END $$", "no"),
        ("DO $$ BEGIN RAISE ''; END $$", "RaiseException"),
    ],
)
def test_of_what_the_server_says_names_stay_and_values_go(database_url: str, statement: str, says: str) -> None:
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.Error) as raised:
        connection.execute(statement.encode())
    said = message_without_values(raised.value, [BODY, b"unreadable", b"\xff", b"[" * 100_000])
    assert said == says or (says.endswith(" …") and said.startswith(says[:-2])), said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:se#cret@127.0.0.1:1/db",
        "postgresql://u:secret@:secret@nowhere.invalid/db",
        "postgresql://u:%zz-secret@127.0.0.1:1/db",
        "postgresql://u:x@127.0.0.1:1/db?secret=1",
        "postgresql://u:x@127.0.0.1:se-secret/db",
    ],
)
def test_of_a_connection_that_is_not_made_no_part_of_the_url_is_told(url: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        psycopg.connect(url, connect_timeout=2)
    assert "cret" not in message_without_values(raised.value)


def test_of_a_connection_that_is_refused_the_reason_is_told(database_url: str) -> None:
    with pytest.raises(psycopg.OperationalError) as raised:
        psycopg.connect(database_url, dbname="no_such_database")
    assert message_without_values(raised.value).endswith("FATAL:  database … does not exist")
