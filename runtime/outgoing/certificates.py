"""The certificate authorities that `SSL_CERT_FILE` and `SSL_CERT_DIR` name."""

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.outgoing.unusable import UnusableVariableError

FILE_VARIABLE = "SSL_CERT_FILE"
DIRECTORY_VARIABLE = "SSL_CERT_DIR"

# File names made by `openssl rehash`; OpenSSL ignores any other.
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+")


@dataclass(frozen=True, slots=True)
class Certificates:
    """Trusted certificate authorities that replace the system's.

    Attributes:
        file: path of a file of PEM certificates, or None.
        directories: paths of folders of hashed certificates, separated as in PATH, or None.
    """

    file: str | None = None
    directories: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Certificates":
        """Read the two variables. They are only checked when a context is made."""
        return cls(environment.get(FILE_VARIABLE), environment.get(DIRECTORY_VARIABLE))

    def context(self) -> ssl.SSLContext | None:
        """Return a client TLS context that trusts only these authorities; None if no variable is set.

        Raises:
            UnusableVariableError: a file or folder is missing, unreadable, or contains no certificates.
        """
        if self.file is None and self.directories is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.file is not None:
            _load_file(context, self.file)
        if self.directories is not None:
            _load_directories(context, self.directories)
        return context

    def problems(self) -> list[UnusableVariableError]:
        """Return the variable that can't be used now, if any."""
        try:
            self.context()
        except UnusableVariableError as error:
            return [error]
        return []


def _load_file(context: ssl.SSLContext, path: str) -> None:
    problem = "names a file that {}: set it to the path of a file of PEM certificates, or unset it."
    try:
        if not Path(path).is_file():
            raise UnusableVariableError(FILE_VARIABLE, problem.format("does not exist"))
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise UnusableVariableError(FILE_VARIABLE, problem.format("contains no PEM certificates")) from None
    except (OSError, ValueError):
        raise UnusableVariableError(FILE_VARIABLE, problem.format("can't be read")) from None


def _load_directories(context: ssl.SSLContext, paths: str) -> None:
    # OpenSSL reads the folders at each handshake and silently ignores a missing one.
    if not any(_holds_certificates(path) for path in paths.split(os.pathsep) if path):
        raise UnusableVariableError(
            DIRECTORY_VARIABLE,
            "names no folder with readable certificates named as `openssl rehash` names them: "
            "set it to the path of such a folder, or unset it.",
        )
    context.load_verify_locations(capath=paths)


def _holds_certificates(folder: str) -> bool:
    try:
        return any(_HASHED_NAME.fullmatch(file.name) and os.access(file, os.R_OK) for file in Path(folder).iterdir())
    except (OSError, ValueError):
        return False
