"""`SECRETS_KEY`: the keys that endpoint secrets are encrypted under. The embedded Postgres has one in a file."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet

from runtime.addresses import DATABASE_URL
from runtime.own_files import make_folder, read_own
from runtime.safe_folders import UnsafeFolderError
from runtime.setting import Setting, comma_separated
from runtime.settings import VAR_DIR
from runtime.var_folder import VarFolder


def _keys(text: str) -> tuple[bytes, ...]:
    return tuple(map(_key, comma_separated(text)))


def _key(text: str) -> bytes:
    key = urlsafe_b64decode(text.encode())
    # What is no base64 is skipped, and so a mistyped key would be taken for another one.
    if urlsafe_b64encode(key).decode() != text:
        raise ValueError
    Fernet(text)
    return key


SECRETS_KEY: Setting[tuple[bytes, ...]] = Setting(
    "SECRETS_KEY",
    "a key of 32 bytes in URL-safe base64, or several with commas between (`rollcall endpoints add` prints one)",
    (),
    _keys,
)
ROLLCALL_SECRETS_KEY_FILE: Setting[Path | None] = Setting(
    "ROLLCALL_SECRETS_KEY_FILE", "the path of a file with a key", None, Path
)
"""The embedded Postgres's key. For `rollcall run` only."""


def new_key() -> str:
    """Return a fresh key for `SECRETS_KEY`."""
    return Fernet.generate_key().decode()


def keys_of(environment: Mapping[str, str]) -> tuple[Fernet, ...]:
    """Return the keys in `SECRETS_KEY` as what encrypts with them; see `key_bytes_of`.

    Raises:
        SettingError: a key is invalid, or the file is not ours.
    """
    return tuple(Fernet(urlsafe_b64encode(key)) for key in key_bytes_of(environment))


def key_bytes_of(environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the keys in `SECRETS_KEY`; with the embedded Postgres, if that is not set, the key in the file.

    Raises:
        SettingError: a key is invalid, or the file is not ours.
    """
    keys = SECRETS_KEY.of(environment)
    path = _file(environment)
    if keys or path is None:
        return keys
    try:
        return _keys(read_own(path).decode().strip())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError):
        raise UnsafeFolderError(
            VAR_DIR.name,
            f"The file {path.name} in {VAR_DIR.name} holds no key, can't be read by this user, or is a link or of "
            "another user: run Rollcall as the user that `rollcall run` runs as, or restore the file.",
        ) from None


def ensure_key_file(path: Path) -> None:
    """Make a key at `path` if there is none; only its owner can read it.

    Raises:
        OSError: it can't be made.
    """
    if path.exists() or path.is_symlink():
        return  # whether it is ours, and a key, is seen when it is read
    make_folder(path.parent)
    # Atomic: half a key after a kill would open nothing that a whole one has encrypted.
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{new_key()}\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _file(environment: Mapping[str, str]) -> Path | None:
    """Return where the key of the embedded Postgres is, if that is the database in use."""
    path = ROLLCALL_SECRETS_KEY_FILE.of(environment)
    if path is not None or DATABASE_URL.name in environment:
        return path
    return VarFolder.of(environment).secrets_key
