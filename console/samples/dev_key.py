"""The development key: signs samples on a machine without vendor traffic; only trusted with an embedded Postgres."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from console.failure import CommandFailedError
from runtime.own_files import is_foreign, make_folder

# The vendor's keys are 2048-bit RSA too.
_BITS = 2048


def ensure_dev_key(path: Path) -> None:
    """Create a development key at `path` if there is none; only its owner can read it.

    Raises:
        CommandFailedError: another user has put one there.
    """
    if is_foreign(path):
        raise CommandFailedError(
            f"{path} is a link, or belongs to another user, and would be trusted: remove it and start again."
        )
    if path.exists():
        return
    make_folder(path.parent)
    pem = rsa.generate_private_key(public_exponent=65537, key_size=_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Atomic: otherwise a key truncated by a kill would be used at the next start.
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_dev_key(path: Path) -> rsa.RSAPrivateKey:
    """Return the development key.

    Raises:
        CommandFailedError: there is none, or the file is not an RSA key.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise CommandFailedError(
            f"There is no development key at {path}: start Rollcall here with `make run`, without a DATABASE_URL."
        ) from None
    except (ValueError, TypeError) as error:
        raise CommandFailedError(f"{path} is not a private key: delete it and start Rollcall again.") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CommandFailedError(f"{path} is not an RSA key: delete it and start Rollcall again.")
    return key
