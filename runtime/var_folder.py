"""`VAR_DIR`: the one folder that Rollcall writes to, and its layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.safe_folders import check_folder, check_no_link, close_to_others
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

    def check(self) -> None:
        """Check that no other user can create files in the folder or among the keys.

        Raises:
            SettingError: another user can.
        """
        check_folder(self.path, VAR_DIR.name, f"The folder that {VAR_DIR.name} names (default {VAR_DIR.default})")
        what = f"The folder keys in {VAR_DIR.name}"
        check_no_link(self.keys, VAR_DIR.name, what, "put the folder itself there")
        check_folder(self.keys, VAR_DIR.name, what)

    def check_spool(self) -> None:
        """Check that no other user can put deliveries into the spool.

        Raises:
            SettingError: another user can.
        """
        what = f"The spool's folder, {SPOOL_DIR.name} (default: the folder spool in {VAR_DIR.name}),"
        if self.spool == self.path / "spool":
            check_no_link(self.spool, SPOOL_DIR.name, what, f"let {SPOOL_DIR.name} name the folder it points to")
        check_folder(self.spool, SPOOL_DIR.name, what)

    def secure(self) -> None:
        """Check that no other user can write to any of it, and make spool and keys unreadable for others.

        The folder itself stays passable: the embedded Postgres runs as another account where we are root.

        Raises:
            SettingError: another user can.
        """
        self.check()
        self.check_spool()
        close_to_others(self.keys)
        close_to_others(self.spool)

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
    def secrets_key(self) -> Path:
        """The key that endpoint secrets are encrypted under, with the embedded Postgres."""
        return self.path / "secrets-key"

    @property
    def console_link(self) -> Path:
        """The digest of the link that logs in to the console once, with the embedded Postgres."""
        return self.path / "console-link"

    @property
    def run_lock(self) -> Path:
        """Locked by a `rollcall run` while it is alive."""
        return self.path / "run.lock"
