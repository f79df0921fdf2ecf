"""What is stored of a body: jsonb where Postgres takes it, the bytes where it does not, and never a guess."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workers.reading.body import open_body
from workers.reading.reading import read
from workers.reading.scope import Scope

RECEIVED = datetime(2026, 3, 2, 10, tzinfo=UTC)
JSONB_HOLDS = [
    b'{"event":"x"}',
    b'  {"a" : [1, 2.50, -0.0, null, true]}\n',
    b'{"a":1,"a":2}',
    b'{"a":"\\u00e9\\ud83d\\ude00"}',
    '{"a":"שלום 🎸"}'.encode(),
    b'{"n":' + b"9" * 3_000 + b"}",
    b'{"n":1e300,"m":1E-300,"o":0.1234567890123456789}',
    b'{"a":' * 199 + b"1" + b"}" * 199,
    b"[" * 150 + b"]" * 150,
    b'"text"',
    b"null",
    b'{"":{"":""}}',
    b'{"a":"' + b"x" * 1_000_000 + b'"}',
]
JSONB_DOES_NOT_HOLD = [
    b'{"a":"nul \\u0000"}',
    b'{"nul \\u0000":1}',
    b'{"a":["half \\ud83d"]}',
    b'{"half \\udc00":1}',
    b'{"n":1e200000}',
    b'{"n":1e-20000}',
    b'{"n":-1e99999999999999999999}',
    b'{"n":' + b"9" * 140_000 + b"}",
    b'{"n":0.' + b"0" * 20_000 + b"1}",
]
NOT_JSON = {
    b"": "the body is empty",
    b" \r\n\t": "the body is empty",
    b"{": "the body is not JSON",
    b"event=meeting.started": "the body is not JSON",
    b'{"a":NaN}': "the body is not JSON",
    b'{"a":-Infinity}': "the body is not JSON",
    b'{"a":1,}': "the body is not JSON",
    b"{'a':1}": "the body is not JSON",
    b'{"a":01}': "the body is not JSON",
    b'{"a":"line\nbreak"}': "the body is not JSON",
    b'{"a":1}{"b":2}': "the body is not JSON",
    b"\xef\xbb\xbf{}": "the body is not JSON",
    b'{"a":"\xff"}': "the body is not UTF-8",
    b'{"a":"\xed\xa0\x80"}': "the body is not UTF-8",
    '{"a":1}'.encode("utf-16"): "the body is not UTF-8",
    b"[" * 201 + b"]" * 201: "the body is nested too deeply to be read (more than 200 levels)",
    b'{"a":' * 950 + b"1" + b"}" * 950: "the body is nested too deeply to be read (more than 200 levels)",
    b"[" * 500_000: "the body is nested too deeply to be read (more than 200 levels)",
}

Database = psycopg.Connection[tuple[Any, ...]]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("body", JSONB_HOLDS, ids=lambda body: body[:30].decode())
def test_what_jsonb_holds_is_its_payload_to_the_letter(database: Database, body: bytes) -> None:
    opened = open_body(body)
    assert opened.payload == body.decode()
    assert (opened.raw, opened.unreadable) == (None, None)
    assert can_be_jsonb(database, opened.payload)


@pytest.mark.parametrize("body", JSONB_DOES_NOT_HOLD, ids=lambda body: body[:30].decode())
def test_what_jsonb_does_not_hold_is_kept_as_bytes_and_read_all_the_same(database: Database, body: bytes) -> None:
    assert not can_be_jsonb(database, body.decode())
    opened = open_body(body)
    assert (opened.payload, opened.raw, opened.unreadable) == (None, body, None)
    assert isinstance(opened.value, dict)


@pytest.mark.parametrize(("body", "why"), NOT_JSON.items(), ids=[repr(body[:30]) for body in NOT_JSON])
def test_what_is_not_json_is_kept_as_bytes_with_the_reason(body: bytes, why: str) -> None:
    opened = open_body(body)
    assert (opened.value, opened.payload, opened.raw, opened.unreadable) == (None, None, body, why)


def test_of_two_members_of_one_name_the_last_counts_as_in_jsonb() -> None:
    for filler in ("", "\\u0041"):
        body = f'{{"event":"first","event":"last","filler":"{filler}"}}'.encode()
        assert open_body(body).value["event"] == "last"


@pytest.mark.parametrize("escape", [b"", b"\\u0041", b"\\u0000"])
@pytest.mark.parametrize("field", [b"id", b"status", b"fileSize", b"recordingDuration", b"stopReason", b"startedTime"])
def test_no_depth_of_nesting_in_no_field_is_too_much_for_reading(escape: bytes, field: bytes) -> None:
    for depth in [1, 190, 197, 198, 199, 200, 201, *range(300, 960, 55), *range(960, 1_000)]:
        body = (
            b'{"event":"recording.statusUpdate","e":"%b","recording":{"id":"r","status":"INVOKED","roomUUID":"s","%b":'
            % (escape, field)
            + b"[" * depth
            + b"]" * depth
            + b"}}"
        )
        read(body, RECEIVED, None, Scope())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=st.binary() | values.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_either_jsonb_or_kept_as_bytes(database: Database, body: bytes) -> None:
    opened = open_body(body)
    if opened.payload is None:
        assert opened.raw == body
    else:
        assert opened.payload == body.decode()
        assert can_be_jsonb(database, opened.payload)
        assert opened.value == json.loads(body)


def can_be_jsonb(database: Database, text: str) -> bool:
    """Ask Postgres itself."""
    try:
        database.execute("SELECT %s::text::jsonb", [text])
    except (psycopg.DataError, psycopg.OperationalError):
        return False
    return True
