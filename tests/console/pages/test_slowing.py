"""Wrong passwords: each address waits longer and longer, and all together get about a try a second."""

from console.pages.entrance.slowing import Slowing


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
