"""`VAR_DIR`: the one folder that Rollcall writes to, and its layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.settings import SPOOL_DIR, VAR_DIR


@dataclass(frozen=True, slots=True)
class VarFolder:
    """The folder and its parts.

    Attributes:
        path: the folder.
        spool: where deliveries wait that the queue did not take; overridden by `SPOOL_DIR`.
    """

    path: Path = VAR_DIR.default
    spool: Path = VAR_DIR.default / "spool"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "VarFolder":
        """Return the folder set in `environment`.

        Raises:
            SettingError: `VAR_DIR` or `SPOOL_DIR` is not a path.
        """
        path = VAR_DIR.of(environment)
        return cls(path, SPOOL_DIR.of(environment) or path / "spool")

    @property
    def keys(self) -> Path:
        """Where the vendor's keys are kept across restarts."""
        return self.path / "keys"

    @property
    def postgres(self) -> Path:
        """The embedded Postgres's data directory."""
        return self.path / "postgres"

    @property
    def database_url(self) -> Path:
        """Where `rollcall run` writes the embedded Postgres's URL while it is running."""
        return self.path / "database-url"

    @property
    def development_key(self) -> Path:
        """The key that `rollcall sample` signs with."""
        return self.path / "dev-key.pem"

    @property
    def run_lock(self) -> Path:
        """Locked by a `rollcall run` while it is alive."""
        return self.path / "run.lock"
