"""No call is made before the vendor allows it, in any process."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import psycopg
import pytest

from tests.vendor_api.conftest import OpenClient, settings_of
from tests.vendor_api.fake_vendor import FakeVendor
from tests.vendor_api.switches import Fault
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials
from vendor_api.errors import RefusedCallError, StoppedError

_PAUSE = """
SELECT extract(epoch FROM paused_until - clock_timestamp()) FROM rollcall.vendor_pace
WHERE paused_until > clock_timestamp()
"""


def pause_of(database_url: str) -> float:
    """Return for how many seconds all processes rest; 0 if they do not."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_PAUSE).fetchone()
    return float(row[0]) if row else 0.0


def of(vendor: FakeVendor) -> Credentials:
    return settings_of(vendor.environment(realtimekit=False)).credentials[0]


def too_many(retry_after: str | timedelta | None) -> Fault:
    """A 429 as Dyte publishes it, without a body; a length of time is said as the date at its end."""
    if isinstance(retry_after, timedelta):
        retry_after = format_datetime(datetime.now(UTC) + retry_after, usegmt=True)
    headers = () if retry_after is None else (("retry-after", retry_after), ("x-envoy-ratelimited", "true"))
    return Fault(429, headers)


def wait_for_pause(database_url: str) -> float:
    stop = threading.Event()
    for _ in range(2000):
        if seconds := pause_of(database_url):
            return seconds
        stop.wait(0.005)
    raise AssertionError("no process rests")


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        ("300", 280, 300),
        (timedelta(seconds=290), 200, 290),
        ("100000", 280, 300),
        (timedelta(days=1), 280, 300),
        ("12.5", 5, 12.5),
        (None, 0, 4),
        ("soon", 0, 4),
    ],
    ids=["seconds", "a date", "longer than any block", "a date tomorrow", "a fraction", "nothing", "nonsense"],
)
def test_a_429_lets_every_process_rest_for_as_long_as_it_says(
    vendor: FakeVendor,
    open_client: OpenClient,
    stopping: threading.Event,
    database_url: str,
    retry_after: str | timedelta | None,
    least: float,
    most: float,
) -> None:
    vendor.faults = [too_many(retry_after)] * 2
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(open_client().get, of(vendor), "/sessions")
        rests = wait_for_pause(database_url)
        assert least < rests <= most
        calls = len(vendor.calls)
        other = pool.submit(open_client().get, of(vendor), "/sessions")
        stopping.set()
        for one in (first, other):
            with pytest.raises(StoppedError):
                one.result()
    assert len(vendor.calls) == calls == 1


@pytest.mark.parametrize(
    "retry_after", ["0.2", "0", timedelta(minutes=-1)], ids=["a fraction", "none", "a date that is over"]
)
def test_after_the_pause_the_call_is_made_and_none_before(
    vendor: FakeVendor, client: VendorClient, database_url: str, retry_after: str | timedelta
) -> None:
    vendor.faults = [too_many(retry_after)] * 3
    early: list[float] = []
    vendor.on_call = lambda _: early.append(pause_of(database_url))
    assert client.get(of(vendor), "/sessions").answer["success"] is True
    assert [call.status for call in vendor.calls] == [429, 429, 429, 200]
    assert early == [0.0] * 4


def test_a_change_that_is_refused_with_429_is_not_made_again_and_says_when_to_repeat_it(
    vendor: FakeVendor, client: VendorClient, database_url: str
) -> None:
    vendor.faults = [too_many("120")]
    body = {"name": "n", "url": "https://example.com/webhook", "events": [], "enabled": True}
    with pytest.raises(RefusedCallError, match=r"for 120 s.*nothing was changed"):
        client.send("POST", of(vendor), "/webhooks", body)
    assert [call.status for call in vendor.calls] == [429]
    assert pause_of(database_url) > 60


@pytest.mark.parametrize(
    ("ratelimit", "most"), [((49, 120, 100), 120), ((0, 30, 1200), 30), ((50, 120, 100), 0), (None, 0)]
)
def test_less_than_half_left_lets_every_process_rest_until_it_starts_again(
    vendor: FakeVendor,
    client: VendorClient,
    database_url: str,
    ratelimit: tuple[int, int, int] | None,
    most: float,
) -> None:
    vendor.switches.ratelimit = ratelimit
    client.get(of(vendor), "/sessions")
    assert most * 0.3 <= pause_of(database_url) <= most


_CALLS = 20
_A_SECOND = 100
_PROCESS = """
import sys, threading
from vendor_api.pace import Pace
with Pace(sys.argv[1], float(sys.argv[2]), threading.Event()) as pace:
    for _ in range(int(sys.argv[3])):
        pace.wait("dyte:o1")
"""


def test_processes_share_one_pace(database_url: str) -> None:
    command = [sys.executable, "-c", _PROCESS, database_url, str(_A_SECOND), str(_CALLS)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        [(before,)] = connection.execute("SELECT clock_timestamp()").fetchall()
        processes = [subprocess.Popen(command) for _ in range(2)]
        assert [one.wait() for one in processes] == [0, 0]
        rows = connection.execute("SELECT account, next_at, clock_timestamp() FROM rollcall.vendor_pace").fetchall()
    [(account, next_at, after)] = rows
    assert account == "dyte:o1"
    step = timedelta(seconds=1 / _A_SECOND)
    assert next_at - before >= 2 * _CALLS * step
    assert after >= before + (2 * _CALLS - 1) * step
