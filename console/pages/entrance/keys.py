"""Keys derived from `SECRETS_KEY`: for cookies, and to stand for people in the audit without naming them."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_BYTES = 32
_PERSON_DIGITS = 32


@dataclass(frozen=True, slots=True, repr=False)
class ConsoleKeys:
    """The derived keys.

    Attributes:
        cookies: signs and opens cookies.
        people: names people in the audit.
    """

    cookies: MultiFernet
    people: bytes

    @classmethod
    def of(cls, keys: Sequence[bytes], login: bytes) -> "ConsoleKeys":
        """Derive the keys.

        Args:
            keys: of `SECRETS_KEY`; the first signs, all open.
            login: changes with the way to log in: a changed password ends all sessions.
        """
        cookies = [Fernet(urlsafe_b64encode(_derived(key, b"console cookie " + login))) for key in keys]
        return cls(MultiFernet(cookies), _derived(keys[0], b"console audit"))

    def person(self, person: str) -> str:
        """Return what stands for a person in the audit: the same for the same person, and nobody's name."""
        return hmac.new(self.people, person.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:_PERSON_DIGITS]


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _BYTES, salt=None, info=b"rollcall " + purpose).derive(key)
