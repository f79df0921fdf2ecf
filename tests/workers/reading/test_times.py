"""Which times can be, and that what is no time is looked at no longer than it takes to see that."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from workers.reading import times
from workers.reading.fields import Fields
from workers.reading.times import EARLIEST, LONGEST_TIME, fault_of, parse_time

RECEIVED = datetime(2026, 3, 2, 10, tzinfo=UTC)
TICK = timedelta(microseconds=1)
BEFORE_2015 = "field is before 2015"
A_DAY_AHEAD = "field is more than a day after the delivery was received"
TEN_YEARS_AHEAD = "field is more than ten years after the delivery was received"


@pytest.mark.parametrize(
    ("time", "happened", "expires"),
    [
        ("0001-01-01T00:00:00Z", BEFORE_2015, None),
        ("1970-01-01T00:00:00.000Z", BEFORE_2015, None),
        ("2014-12-31T23:59:59.999999Z", BEFORE_2015, None),
        ("2015-01-01T00:00:00+00:01", BEFORE_2015, None),
        ("2014-12-31 23:00:00-01:00", None, None),
        ("2015-01-01T00:00:00Z", None, None),
        ("2026-03-03T10:00:00Z", None, None),
        ("2026-03-03T15:30:00+05:30", None, None),
        ("2026-03-03T10:00:00.000001Z", A_DAY_AHEAD, None),
        ("2026-03-03T09:59:00-00:02", A_DAY_AHEAD, None),
        ("2036-03-02T10:00:00Z", A_DAY_AHEAD, None),
        ("2036-03-03T10:00:01Z", A_DAY_AHEAD, TEN_YEARS_AHEAD),
        ("9999-12-31T23:59:59Z", A_DAY_AHEAD, TEN_YEARS_AHEAD),
        ("9999-12-31T23:59:59-05:00", "field can't be read as a time", "field can't be read as a time"),
        ("0001-01-01T00:00:00+05:00", "field can't be read as a time", "field can't be read as a time"),
    ],
)
def test_a_time_that_cant_be_is_named_and_null(time: str, happened: str | None, expires: str | None) -> None:
    for read, fault in ((Fields.time, happened), (Fields.expiry, expires)):
        fields = Fields({"field": time}, "", [], RECEIVED)
        assert (read(fields, "field") is None) == (fault is not None)
        assert fields.problems == ([] if fault is None else [fault])


@pytest.mark.parametrize("received_at", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), RECEIVED])
def test_no_receipt_is_too_early_or_too_late_to_judge_by(received_at: datetime) -> None:
    for time in (EARLIEST, RECEIVED, datetime.max.replace(tzinfo=UTC)):
        for expiry in (False, True):
            ahead = time - received_at > timedelta(days=3653 if expiry else 1)
            assert (fault_of(time, received_at, expiry=expiry) is not None) == ahead


def test_a_receipt_in_another_zone_is_the_same_moment() -> None:
    east = RECEIVED.astimezone(timezone(timedelta(hours=14)))
    assert fault_of(RECEIVED + timedelta(days=1), east) is None
    assert fault_of(RECEIVED + timedelta(days=1) + TICK, east) is not None


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:00:04." + "5" * 1_000_000 + "Z",
        "2026-03-02T" + "0" * 1_000_000,
        "2026-03-02T09:00:04+" + "00:" * 300_000,
        "2026-03-02T09:00:04.5" + "0" * LONGEST_TIME + "Z",
    ],
    ids=["fraction", "hours", "offset", "just-too-long"],
)
def test_a_text_too_long_for_a_time_is_neither_parsed_nor_remembered(text: str) -> None:
    before = times.remembered_time.cache_info()
    with pytest.raises(ValueError, match=r"^$"):
        parse_time(text)
    assert times.remembered_time.cache_info() == before


def test_a_fraction_finer_than_a_microsecond_is_cut() -> None:
    assert parse_time("2026-03-02T09:00:04.123456789+05:30").microsecond == 123456
