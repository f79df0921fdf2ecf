"""How single fields are read: times, numbers, ids and texts, in tables."""

from datetime import UTC, datetime
from typing import Any

import pytest

from workers.reading.fields import LONGEST_ID, Fields
from workers.reading.stop_reason import bare_stop_reason

NINE = datetime(2026, 3, 2, 9, 0, 4, 512_000, tzinfo=UTC)


def fields(value: Any) -> Fields:
    return Fields({"field": value}, "holder.", [], NINE)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:00:04.512Z",
        "2026-03-02 09:00:04.512000Z",
        "2026-03-02T09:00:04.512+00:00",
        "2026-03-02T14:30:04.512+05:30",
        "2026-03-02T14:30:04.512+0530",
        "2026-03-01 23:00:04.512-10:00",
        "2026-03-02T09:00:04.512",
    ],
)
def test_a_time_is_read_in_either_format_with_any_offset(text: str) -> None:
    assert fields(text).time("field") == NINE


@pytest.mark.parametrize(
    "value",
    [
        *("", "yesterday", "2026-03-02", "2026-13-02T09:00:00Z", "2026-03-02T25:00:00Z", '2026-03-02T09:00:04.512Z"'),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T09:00:00\0Z", "x" * 5_000),
        *(1772442004512, True, [], {"at": "noon"}, "2026-03-02\ud83d09:00:00Z"),
    ],
)
def test_what_is_no_time_is_named_and_null(value: Any) -> None:
    one = fields(value)
    assert one.time("field") is None
    assert one.problems == ["holder.field can't be read as a time"]


@pytest.mark.parametrize(
    ("value", "number"),
    [(0, 0), (183500800, 183500800), ("183500800", 183500800), (" 7 ", 7), (2**63 - 1, 2**63 - 1), (1.5, 1), ("0", 0)],
)
def test_a_number_is_read_from_a_number_or_a_text(value: Any, number: int) -> None:
    assert fields(value).whole_number("field") == number


@pytest.mark.parametrize(
    "value", [-1, 2**63, 1e400, float("nan"), "", "many", "9" * 5_000, True, [], [[1]], {"n": 1}, "1e400", "nan"]
)
def test_what_is_no_number_is_named_and_null(value: Any) -> None:
    one = fields(value)
    assert one.whole_number("field") is None
    assert one.problems == ["holder.field can't be read as a number"]


@pytest.mark.parametrize("value", [7, True, ["a"], {"a": 1}, "nul\0", "half \ud83d", "x" * (LONGEST_ID + 1), "é" * 128])
def test_what_is_no_id_is_named_and_null(value: Any) -> None:
    one = fields(value)
    assert one.id("field") is None
    assert one.problems == ["holder.field can't be read as an id of at most 255 bytes"]


@pytest.mark.parametrize("value", [None, ""])
def test_an_id_that_is_null_or_empty_is_simply_not_there(value: Any) -> None:
    one = fields(value)
    assert (one.id("field"), one.problems) == (None, [])


@pytest.mark.parametrize("read", [Fields.text, Fields.id, Fields.time, Fields.number, Fields.whole_number])
def test_a_field_that_is_absent_or_null_is_no_problem(read: Any) -> None:
    for one in (Fields({}, "", [], NINE), fields(None)):
        assert (read(one, "field"), one.problems) == (None, [])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{'reason':'ALL_PEERS_LEFT','caller':{'type':'INTERNAL'}}", "ALL_PEERS_LEFT"),
        ('{"reason": "ALL_PEERS_LEFT"}', "ALL_PEERS_LEFT"),
        ({"reason": "ALL_PEERS_LEFT", "caller": {}}, "ALL_PEERS_LEFT"),
        ("ALL_PEERS_LEFT", "ALL_PEERS_LEFT"),
        ("{'caller':{}}", None),
        ("{'reason':''}", None),
        ({"reason": ["a"]}, None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_a_stop_reason_is_read_in_either_shape(value: Any, reason: str | None) -> None:
    assert bare_stop_reason(value) == reason
