"""Wrong passwords: each address waits longer and longer, and all together get about a try a second."""

from collections import Counter
from contextlib import closing
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from urllib.parse import urlencode

from console.pages.app import create_app
from console.pages.entrance.slowing import Slowing
from console.pages.metrics import ConsoleMetrics
from tests.console.pages.running import PASSWORD, RunningConsole, environment_for, serving


def test_an_address_waits_longer_after_each() -> None:
    slowing, now, waits = Slowing(), 1000.0, []
    for _ in range(14):
        wait = slowing.take_turn("192.0.2.1", now)
        if wait:
            waits.append(wait)
            now += wait
            assert slowing.take_turn("192.0.2.1", now) == 0
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == 300


def test_another_address_does_not_wait_for_it_and_a_right_password_forgets() -> None:
    slowing = Slowing()
    for _ in range(4):
        slowing.take_turn("192.0.2.1", 1000.0)
    assert slowing.take_turn("192.0.2.1", 1000.0) > 0
    assert slowing.take_turn("192.0.2.2", 1000.0) == 0
    slowing.was_right("192.0.2.1")
    assert slowing.take_turn("192.0.2.1", 1000.0) == 0


def test_an_ipv6_network_is_one_address() -> None:
    slowing = Slowing()
    tries = [slowing.take_turn(f"2001:db8::{number:x}", 1000.0) for number in range(10)]
    assert sum(wait == 0 for wait in tries) == 3


def test_many_addresses_together_are_no_faster() -> None:
    slowing, seconds = Slowing(), 60
    granted = sum(
        slowing.take_turn(f"192.0.{number % 250}.{number // 250 % 250}", 1000 + seconds * number / 10_000) == 0
        for number in range(10_000)
    )
    assert granted <= 20 + seconds + 1
    # Who comes a second later, from an address that has not tried, is not shut out.
    assert slowing.take_turn("198.51.100.1", 1001.0 + seconds) == 0


class Clock:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def log_in(console: RunningConsole, address: str, password: str) -> tuple[int, HTTPMessage]:
    """Send the form from an address of this machine; return the answer's status and headers."""
    place = ("127.0.0.1", console.settings.port)
    with closing(HTTPConnection(*place, timeout=30, source_address=(address, 0))) as connection:
        connection.request("POST", "/login", urlencode({"password": password}), {"origin": console.url})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers


def test_a_thousand_wrong_passwords_are_slowed_down_and_the_right_one_still_gets_in(
    database_url: str, tmp_path: Path
) -> None:
    """Somebody tries each tenth of a second, from two addresses; somebody else, from a third, has the password."""
    clock = Clock()
    settings, environment = environment_for(database_url, tmp_path)
    with serving(create_app(settings, ConsoleMetrics(), environment, clock), settings, tmp_path) as console:
        looked_at: Counter[str] = Counter()
        for number in range(1000):
            address = f"127.0.0.{2 + number % 2}"
            status, _ = log_in(console, address, f"wrong {number}")
            assert status in {403, 429}
            looked_at[address] += status == 403
            clock.now += 0.1
        # In a hundred seconds: three at once, and after 1, 2, 4 … 32 s.
        assert 3 < max(looked_at.values()) <= 10
        # Another address does not wait for theirs.
        assert log_in(console, "127.0.0.4", PASSWORD)[0] == 303
        # Theirs has to, whatever the password; and is let in once it has waited.
        refused, headers = log_in(console, "127.0.0.2", PASSWORD)
        assert refused == 429
        clock.now += int(headers["retry-after"])
        status, headers = log_in(console, "127.0.0.2", PASSWORD)
        assert (status, headers["location"]) == (303, "/")
        assert headers["set-cookie"].startswith("rollcall=")
        # Being right counts as a fresh start.
        assert [log_in(console, "127.0.0.2", "wrong")[0] for _ in range(4)] == [403, 403, 403, 429]
