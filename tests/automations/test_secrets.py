"""Endpoint secrets at rest, and the keys that they are encrypted under."""

import os
import stat
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from automations.secrets import Keyring, NoKeyError, UnfitSecretError, WrongKeyError, new_secret, read_secret
from automations.secrets_key import ensure_key_file, new_key
from runtime.setting_error import SettingError


def ring(*keys: str) -> Keyring:
    return Keyring.from_environment({"SECRETS_KEY": ",".join(keys), "DATABASE_URL": "postgresql:///any"})


def test_a_new_secret_is_of_32_bytes_and_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(b64decode(secret.removeprefix("whsec_"))) == 32 for secret in made)


@pytest.mark.parametrize("count", [24, 32, 64])
def test_a_secret_of_ones_own_is_taken_with_and_without_its_prefix(count: int) -> None:
    encoded = b64encode(b"s" * count).decode()
    assert read_secret(f" whsec_{encoded}\n") == read_secret(encoded) == f"whsec_{encoded}"


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "hunter2hunter2hunter2hunter2hunter2", "ü" * 40, *(b64encode(b"s" * n).decode() for n in (23, 65))],
)
def test_a_secret_that_is_no_base64_or_of_another_length_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UnfitSecretError) as caught:
        read_secret(text)
    assert len(text) < 10 or text not in str(caught.value)


def test_what_rests_does_not_show_the_secret_and_opens_with_the_key_alone() -> None:
    key, secret = new_key(), new_secret()
    token = ring(key).encrypt(secret)
    assert secret.removeprefix("whsec_") not in token
    assert ring(key).decrypt(token) == secret
    with pytest.raises(WrongKeyError):
        ring(new_key()).decrypt(token)


@pytest.mark.parametrize("token", ["", "no token", "ü", "gAAAAAB"])
def test_what_is_no_token_is_opened_by_no_key(token: str) -> None:
    with pytest.raises(WrongKeyError):
        ring(new_key()).decrypt(token)


def test_of_several_keys_the_first_encrypts_and_all_decrypt() -> None:
    old, new, secret = new_key(), new_key(), new_secret()
    before = ring(old).encrypt(secret)
    both = ring(new, old)
    assert both.decrypt(before) == secret
    assert not both.is_current(before)
    after = both.encrypt(secret)
    assert both.is_current(after)
    assert ring(new).decrypt(after) == secret


def test_without_a_key_nothing_is_encrypted_and_nothing_opens() -> None:
    token = ring(new_key()).encrypt(new_secret())
    keyless = Keyring.from_environment({"DATABASE_URL": "postgresql:///any"})
    with pytest.raises(NoKeyError):
        keyless.encrypt(new_secret())
    with pytest.raises(WrongKeyError):
        keyless.decrypt(token)


_KEY = "A" * 43 + "="


@pytest.mark.parametrize("value", ["short", "ü", _KEY[:-2], f"{_KEY},x", f"!{_KEY}", ",", f"{_KEY}="])
def test_a_key_that_is_none_stops_the_start_and_is_not_shown(value: str) -> None:
    with pytest.raises(SettingError) as caught:
        ring(value)
    assert caught.value.name == "SECRETS_KEY"
    assert value == "," or value not in str(caught.value)


def test_no_key_shows_when_a_keyring_is_printed() -> None:
    key = new_key()
    assert key not in repr(ring(key))


def test_the_embedded_postgres_has_its_key_in_a_file_that_others_can_not_read(tmp_path: Path) -> None:
    here = {"VAR_DIR": str(tmp_path / "var")}
    path = tmp_path / "var" / "secrets-key"
    assert Keyring.from_environment(here).keys == ()
    assert not path.exists()
    ensure_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = Keyring.from_environment(here).encrypt("whsec_x")
    ensure_key_file(path)
    assert Keyring.from_environment(here).decrypt(token) == "whsec_x"
    child = {"DATABASE_URL": "postgresql:///embedded", "ROLLCALL_SECRETS_KEY_FILE": str(path)}
    assert Keyring.from_environment(child).decrypt(token) == "whsec_x"


def test_with_a_database_of_ones_own_no_file_is_read(tmp_path: Path) -> None:
    ensure_key_file(tmp_path / "secrets-key")
    there = {"VAR_DIR": str(tmp_path), "DATABASE_URL": "postgresql:///any"}
    assert Keyring.from_environment(there).keys == ()


def test_a_key_file_that_is_a_link_or_holds_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets-key"
    os.symlink(tmp_path / "elsewhere", path)  # noqa: PTH211 - as someone else would
    (tmp_path / "elsewhere").write_text(new_key())
    with pytest.raises(SettingError, match="secrets-key"):
        Keyring.from_environment({"VAR_DIR": str(tmp_path)})
    path.unlink()
    path.write_text("no key")
    with pytest.raises(SettingError, match="no key"):
        Keyring.from_environment({"VAR_DIR": str(tmp_path)})
