"""The console starts only where nobody can look in who may not."""

from pathlib import Path

import pytest

from automations.secrets_key import new_key
from console.pages.entrance.password import hash_of
from console.pages.settings import ConsoleCantStartError, ConsoleSettings
from runtime.setting_error import SettingError

HASH = str(hash_of("a long password"))
BASE = {"DATABASE_URL": "postgresql://127.0.0.1/x", "SECRETS_KEY": new_key(), "CONSOLE_PASSWORD_HASH": HASH}


def settings(**variables: str) -> ConsoleSettings:
    merged = {**BASE, **variables}
    return ConsoleSettings.from_environment({name: value for name, value in merged.items() if value})


def test_on_this_machine_a_password_is_enough() -> None:
    assert settings().url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    "variables",
    [
        {"CONSOLE_PASSWORD_HASH": ""},
        {"SECRETS_KEY": ""},
        {"CONSOLE_HOST": "0.0.0.0"},
        {"CONSOLE_HOST": "0.0.0.0", "CONSOLE_URL": "http://rollcall.example.com"},
        {"CONSOLE_HOST": "10.0.0.1", "CONSOLE_URL": "https://rollcall.example.com", "CONSOLE_PASSWORD_HASH": ""},
    ],
)
def test_it_refuses_to_start_open_to_others(variables: dict[str, str]) -> None:
    with pytest.raises(ConsoleCantStartError):
        settings(**variables)


def test_beyond_this_machine_it_starts_with_a_login_and_an_https_address() -> None:
    assert settings(CONSOLE_HOST="0.0.0.0", CONSOLE_URL="https://rollcall.example.com/").url.startswith("https://")


def test_a_header_is_trusted_from_named_networks_alone() -> None:
    with pytest.raises(SettingError):
        settings(CONSOLE_TRUST_HEADER="x-user")


@pytest.mark.parametrize(
    "variables",
    [
        {"CONSOLE_URL": "https://user:secret@x.example"},
        {"CONSOLE_URL": "https://x.example/path"},
        {"CONSOLE_URL": "ftp://x.example"},
        {"CONSOLE_ROLES": "ada=owner"},
        {"CONSOLE_ROLES": "ada@example.com"},
        {"CONSOLE_ROLES": "ada=read,ada=operate"},
        {"CONSOLE_TRUST_HEADER": "x user", "CONSOLE_TRUST_NETWORKS": "10.0.0.0/8"},
        {"CONSOLE_PASSWORD_HASH": "secret"},
        {"CONSOLE_PASSWORD_HASH": HASH[:-1]},
        {"CONSOLE_PORT": "0"},
    ],
)
def test_a_wrong_value_is_named_and_not_shown(variables: dict[str, str]) -> None:
    with pytest.raises(SettingError) as caught:
        settings(**variables)
    assert next(iter(variables)) in str(caught.value)
    assert next(iter(variables.values())) not in str(caught.value)


def test_no_secret_is_in_what_is_printed_of_the_settings(tmp_path: Path) -> None:
    shown = repr(settings(CONSOLE_ROLES="ada@example.com=read"))
    assert HASH not in shown
    assert "ada@" not in shown
    assert repr(settings().keys[0]) not in shown
