"""Endpoint secrets: made, read, and kept encrypted under `SECRETS_KEY`.

A secret is what both sides sign and verify with: `whsec_` and base64, as Standard Webhooks has it. In the database it
rests as a Fernet token, so that a backup or a reader's account gives no one the means to forge a message.
"""

import binascii
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from automations.errors import AutomationsError
from automations.secrets_key import keys_of

PREFIX = "whsec_"
# Bytes of a secret: what we make, and what Standard Webhooks allows.
_BYTES = 32
LEAST_BYTES = 24
MOST_BYTES = 64


class WrongKeyError(AutomationsError):
    """No key in `SECRETS_KEY` opens a secret: it was encrypted under another one."""

    def __init__(self) -> None:
        super().__init__(
            "No key in SECRETS_KEY opens the endpoint's secret. Set SECRETS_KEY to the value that it has on the "
            "machine where the endpoint was added (several keys: separated by commas), and restart."
        )


class NoKeyError(AutomationsError):
    """There is no key to encrypt a secret with."""

    def __init__(self) -> None:
        super().__init__("SECRETS_KEY is not set, so an endpoint's secret can't be stored: set it on every machine.")


class UnfitSecretError(AutomationsError):
    """A secret that someone brings can't be used. The message does not show it."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The secret {problem}: it takes {PREFIX} and the base64 of {LEAST_BYTES} to {MOST_BYTES} bytes."
        )


def new_secret() -> str:
    """Return a fresh secret of an endpoint."""
    return PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()


def secret_bytes(secret: str) -> bytes:
    """Return the bytes that a secret signs with.

    Raises:
        UnfitSecretError: it is not base64, too short or too long.
    """
    try:
        content = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise UnfitSecretError("is not base64") from None
    if not LEAST_BYTES <= len(content) <= MOST_BYTES:
        raise UnfitSecretError(f"has {len(content)} bytes")
    return content


def read_secret(text: str) -> str:
    """Return a secret that someone brings, in the form that both sides use; `whsec_` may be missing.

    Raises:
        UnfitSecretError: it is not base64, too short or too long.
    """
    return PREFIX + b64encode(secret_bytes(text.strip())).decode()


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that endpoint secrets are encrypted under. Without any it opens nothing.

    Attributes:
        keys: the first encrypts, all decrypt.
    """

    keys: tuple[Fernet, ...] = field(default=(), repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Keyring":
        """Return the keys in `SECRETS_KEY`; with the embedded Postgres, if that is not set, the key in its file.

        Raises:
            SettingError: a key is invalid, or the file is not ours.
        """
        return cls(keys_of(environment))

    def encrypt(self, secret: str) -> str:
        """Return a secret as it may rest.

        Raises:
            NoKeyError: there is no key.
        """
        if not self.keys:
            raise NoKeyError
        return MultiFernet(self.keys).encrypt(secret.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Return the secret that `encrypt` was given.

        Raises:
            WrongKeyError: none of the keys opens it.
        """
        for key in self.keys:
            try:
                return key.decrypt(token.encode()).decode()
            except InvalidToken:
                continue
        raise WrongKeyError

    def is_current(self, token: str) -> bool:
        """Tell whether the first key opens `token`, so that the others are not needed for it."""
        try:
            Keyring(self.keys[:1]).decrypt(token)
        except WrongKeyError:
            return False
        return True
