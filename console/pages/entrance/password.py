"""The console's password, kept as a hash: `CONSOLE_PASSWORD_HASH`."""

import hashlib
import hmac
import os
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from runtime.setting import Setting

_SCHEME = "scrypt"
# 64 MiB and about a tenth of a second a try.
_COST = 2**16
_BLOCK_SIZE = 8
_MOST_MEMORY = 2 * 128 * _COST * _BLOCK_SIZE
_SALT_BYTES = 16
_HASH_BYTES = 32
LEAST_LENGTH = 12
MOST_LENGTH = 1024

# One at a time: many wrong passwords at once must cost neither memory nor all processors.
_turn = threading.Lock()


@dataclass(frozen=True, slots=True, repr=False)
class PasswordHash:
    """A password's hash.

    Attributes:
        salt: random bytes.
        digest: what scrypt makes of both.
    """

    salt: bytes
    digest: bytes

    def fits(self, password: str) -> bool:
        """Return whether this is the password. Takes about a tenth of a second."""
        if len(password) > MOST_LENGTH:
            return False
        return hmac.compare_digest(_digest(password, self.salt), self.digest)

    def __str__(self) -> str:
        return f"{_SCHEME}.{_text(self.salt)}.{_text(self.digest)}"


def hash_of(password: str) -> PasswordHash:
    """Return a password's hash, with a fresh salt."""
    salt = os.urandom(_SALT_BYTES)
    return PasswordHash(salt, _digest(password, salt))


def _digest(password: str, salt: bytes) -> bytes:
    with _turn:
        return hashlib.scrypt(
            password.encode("utf-8", "surrogatepass"),
            salt=salt, n=_COST, r=_BLOCK_SIZE, p=1, maxmem=_MOST_MEMORY, dklen=_HASH_BYTES,
        )  # fmt: skip


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    value = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(value) != text:  # what is no base64 is skipped
        raise ValueError
    return value


def _read(text: str) -> PasswordHash | None:
    scheme, salt, digest = text.split(".")
    found = PasswordHash(_bytes(salt), _bytes(digest))
    if scheme != _SCHEME or len(found.salt) != _SALT_BYTES or len(found.digest) != _HASH_BYTES:
        raise ValueError
    return found


CONSOLE_PASSWORD_HASH: Setting[PasswordHash | None] = Setting(
    "CONSOLE_PASSWORD_HASH", "what `rollcall console password` prints", None, _read
)
