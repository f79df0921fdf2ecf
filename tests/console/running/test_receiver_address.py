"""The URL that is printed for the webhook, and that commands call."""

import pytest

from console.running.receiver_address import webhook_url
from runtime.environment import SettingError


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:8000/webhook"),
        ("0.0.0.0", "http://127.0.0.1:8000/webhook"),
        ("::", "http://127.0.0.1:8000/webhook"),
        ("[::]", "http://127.0.0.1:8000/webhook"),
        ("0::0", "http://127.0.0.1:8000/webhook"),
        ("::1", "http://[::1]:8000/webhook"),
        ("[::1]", "http://[::1]:8000/webhook"),
        ("fd00::1", "http://[fd00::1]:8000/webhook"),
        ("localhost", "http://localhost:8000/webhook"),
    ],
)
def test_it_can_be_called_from_this_machine(host: str, url: str) -> None:
    assert webhook_url({"HOST": host} if host else {}) == url


def test_a_host_that_is_none_is_named() -> None:
    with pytest.raises(SettingError, match=r"^HOST takes "):
        webhook_url({"HOST": "127.0.0.1:8000"})
