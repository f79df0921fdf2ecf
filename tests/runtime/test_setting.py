"""Lengths of time and networks, as settings take them."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network

import pytest

from runtime.setting import read_length_of_time
from runtime.setting_error import SettingError
from runtime.settings import ANNOUNCE_WITHIN, AUTOMATIONS_ALLOW, AUTOMATIONS_PROXY, MESSAGES_KEEP, SETTLE_AFTER


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90", timedelta(seconds=90)),
        ("90s", timedelta(seconds=90)),
        ("0.25", timedelta(milliseconds=250)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(hours=24)),
        ("30d", timedelta(days=30)),
        ("0", timedelta(0)),
    ],
)
def test_a_length_of_time_is_a_number_of_seconds_or_has_a_unit(text: str, length: timedelta) -> None:
    assert read_length_of_time(text) == length


@pytest.mark.parametrize("text", ["", "s", "-1", "1w", "1 h", "1h30m", "1e3", "nan", "٣", "999999999999d"])
def test_anything_else_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        read_length_of_time(text)


def test_lengths_of_time_have_their_defaults_and_their_limits() -> None:
    assert ANNOUNCE_WITHIN.of({}) == timedelta(hours=24)
    assert SETTLE_AFTER.of({"SETTLE_AFTER": "1.5"}) == timedelta(seconds=1.5)
    assert MESSAGES_KEEP.of({"MESSAGES_KEEP": "7d"}) == timedelta(days=7)


@pytest.mark.parametrize(
    "environment",
    [
        {"ANNOUNCE_WITHIN": "0"},
        {"SETTLE_AFTER": "25h"},
        {"MESSAGES_KEEP": "1s"},
        {"AUTOMATIONS_ALLOW": "10.0.0.1/8"},
        {"AUTOMATIONS_ALLOW": "localhost"},
        {"AUTOMATIONS_ALLOW": ","},
        {"AUTOMATIONS_PROXY": "proxy.example.com"},
        {"AUTOMATIONS_PROXY": "ftp://proxy.example.com"},
        {"AUTOMATIONS_PROXY": "http://proxy.example.com:x"},
    ],
)
def test_a_wrong_value_is_named_and_not_shown(environment: Mapping[str, str]) -> None:
    [(name, value)] = environment.items()
    settings = {
        one.name: one for one in (ANNOUNCE_WITHIN, SETTLE_AFTER, MESSAGES_KEEP, AUTOMATIONS_ALLOW, AUTOMATIONS_PROXY)
    }
    with pytest.raises(SettingError) as raised:
        settings[name].of(environment)
    assert str(raised.value).startswith(f"{name} takes ")
    assert len(value) < 4 or value not in str(raised.value)


def test_networks_are_read_of_either_family_and_single_addresses() -> None:
    assert AUTOMATIONS_ALLOW.of({"AUTOMATIONS_ALLOW": "10.0.0.0/8, 127.0.0.1,::1/128"}) == (
        ip_network("10.0.0.0/8"),
        ip_network("127.0.0.1/32"),
        ip_network("::1/128"),
    )
