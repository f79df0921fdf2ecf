"""A wrong setting stops the start with one line that names the variable and never the value."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from receiver.keys.public_key import PublicKey
from receiver.keys.trusted import VENDOR_KEY_URLS
from receiver.settings import ReceiverSettings
from runtime.environment import SettingError
from tests.receiver.running import public_pem

BROKER = {"BROKER_URL": "postgresql://host/name"}


def read(**variables: str) -> ReceiverSettings:
    return ReceiverSettings.from_environment(BROKER | variables)


def test_the_documented_defaults() -> None:
    settings = read()
    assert (settings.host, settings.port, settings.metrics_port) == ("127.0.0.1", 8000, 9464)
    assert settings.max_body_bytes == 1_048_576
    assert settings.key_urls == VENDOR_KEY_URLS
    assert (settings.public_keys, settings.dev_key) == ((), None)
    assert (settings.var_folder.keys, settings.var_folder.spool) == (Path("var/keys"), Path("var/spool"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKER_URL", "mysql://secret@host/name"),
        ("HOST", "no host/secret"),
        ("PORT", "secret"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("METRICS_PORT", "65535"),
        ("MAX_BODY_BYTES", "1 MiB"),
        ("MAX_BODY_BYTES", "0"),
        ("METRICS_HOST", "a b"),
        ("MAX_BODIES_BYTES", "64 MiB"),
        ("MAX_BODIES_BYTES", "65535"),
        ("MAX_BODY_BYTES", "100000000"),
        ("WEBHOOK_KEY_URLS", ","),
        ("WEBHOOK_KEY_URLS", "ftp://secret.example/keys"),
        ("WEBHOOK_KEY_URLS", "http://secret.example/keys"),
        ("WEBHOOK_KEY_URLS", "https://secret.example:nonsense/keys"),
        ("WEBHOOK_PUBLIC_KEYS", "no/such/secret.pem"),
        ("WEBHOOK_PUBLIC_KEYS", "-----BEGIN PUBLIC KEY-----\nsecret\n-----END PUBLIC KEY-----"),
        ("WEBHOOK_PUBLIC_KEYS", "x\0secret"),
        ("ROLLCALL_DEV_KEY", "no/such/secret.pem"),
    ],
)
def test_a_wrong_value_names_the_variable_and_not_the_value(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name) as raised:
        read(**{name: value})
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_keys_are_pinned_as_text_or_as_files(tmp_path: Path, key: RSAPrivateKey, foreign_key: RSAPrivateKey) -> None:
    wanted = [PublicKey(one.public_key()).fingerprint for one in (key, foreign_key)]
    both = public_pem(key) + public_pem(foreign_key)
    (tmp_path / "both.pem").write_text(both)
    (tmp_path / "one.pem").write_text(public_pem(key))
    (tmp_path / "two.pem").write_text(public_pem(foreign_key))
    for value in (
        both,
        both.replace("\n", "\\n"),
        str(tmp_path / "both.pem"),
        f"{tmp_path / 'one.pem'}, {tmp_path / 'two.pem'}",
    ):
        assert [one.fingerprint for one in read(WEBHOOK_PUBLIC_KEYS=value).public_keys] == wanted


def test_key_documents_are_taken_from_this_host_without_tls_and_each_once() -> None:
    urls = "http://127.0.0.1:8080/a, http://localhost/b,https://vendor.example/c,http://localhost/b"
    assert read(WEBHOOK_KEY_URLS=urls).key_urls == (
        "http://127.0.0.1:8080/a",
        "http://localhost/b",
        "https://vendor.example/c",
    )
