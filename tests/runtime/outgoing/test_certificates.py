"""Unusable values of SSL_CERT_FILE and SSL_CERT_DIR."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.outgoing.certificates import Certificates
from runtime.outgoing.unusable import UnusableVariableError
from tests.authority import Authority


def test_without_a_variable_nothing_is_said() -> None:
    assert Certificates.from_environment({}).context() is None


def test_the_authorities_of_the_file_are_trusted_and_no_others(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = Certificates.from_environment({"SSL_CERT_FILE": str(authority.file)}).context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


def _gone(folder: Path) -> Path:
    return folder / "gone"


def _empty(folder: Path) -> Path:
    (folder / "empty").touch()
    return folder / "empty"


def _garbage(folder: Path) -> Path:
    (folder / "garbage").write_bytes(os.urandom(1000))
    return folder / "garbage"


def _broken_pem(folder: Path) -> Path:
    text = Authority(folder).file.read_text()
    (folder / "broken").write_text(text.replace(text[60:70], "!" * 10))
    return folder / "broken"


def _key_alone(folder: Path) -> Path:
    return Authority(folder).issue("x")[1]


def _folder(folder: Path) -> Path:
    return folder


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _endless(_folder: Path) -> Path:
    return Path("/dev/zero")


def _too_long(folder: Path) -> Path:
    return folder / ("x" * 5000)


@pytest.mark.parametrize(
    "make", [_gone, _empty, _garbage, _broken_pem, _key_alone, _folder, _pipe, _endless, _too_long]
)
def test_a_file_that_can_not_be_used_is_named(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    with pytest.raises(UnusableVariableError, match=r"^SSL_CERT_FILE ") as raised:
        Certificates.from_environment({"SSL_CERT_FILE": str(path)}).context()
    assert str(path) not in str(raised.value)


@pytest.mark.parametrize("make", [_gone, _empty, _folder, _too_long])
def test_a_folder_that_can_not_be_used_is_named(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(UnusableVariableError, match=r"^SSL_CERT_DIR "):
        Certificates.from_environment({"SSL_CERT_DIR": str(make(tmp_path))}).context()


def test_of_several_folders_one_is_enough(tmp_path: Path) -> None:
    hashed = Authority(tmp_path).hashed_folder(tmp_path / "hashed")
    assert Certificates.from_environment({"SSL_CERT_DIR": f"{tmp_path / 'gone'}:{hashed}"}).context() is not None
