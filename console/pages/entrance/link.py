"""The link that logs in once, with the embedded Postgres: the first use removes its digest from `VAR_DIR`."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from runtime.own_files import make_folder, read_own

_BYTES = 32
_MOST_TOKEN = 200


def make_link(path: Path, address: str) -> str:
    """Make a link, in place of one that was not used.

    Args:
        path: of the digest.
        address: the console's.

    Raises:
        OSError: the file can't be written.
    """
    token = secrets.token_urlsafe(_BYTES)
    make_folder(path.parent)
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(_digest(token))
    unfinished.replace(path)
    return f"{address}/login?link={token}"


def use_link(path: Path | None, token: str) -> bool:
    """Return whether a token is the link's; it is then used up.

    Args:
        path: of the digest; None where there are no links.
        token: as it stands in the link.
    """
    if path is None or len(token) > _MOST_TOKEN:
        return False
    try:
        kept = read_own(path).decode("ascii", "replace").strip()
        if not hmac.compare_digest(kept, _digest(token)):
            return False
        path.unlink()  # only one of two who come at once gets further
    except OSError:
        return False
    return True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
