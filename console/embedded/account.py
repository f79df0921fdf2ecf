"""The account that the embedded Postgres runs as: this user, or a system account if this is root."""

import fcntl
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.failure import CommandFailedError

SYSTEM_ACCOUNT = "rollcall"

_NOWHERE = "/nonexistent"
_ENTER = 'cd -- "$1" && test -w .'
_READ = 'test -r "$1"'


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine: its ids, and its name for messages."""

    name: str
    user: int
    group: int

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a short command as this account and return its result, captured and unchecked."""
        return subprocess.run(  # noqa: S603 - commands of this package, no shell text from outside
            [str(part) for part in command],
            check=False,
            capture_output=True,
            text=True,
            start_new_session=True,  # a terminal's Ctrl-C is handled by us
            **self.process_options(),
        )

    def can_write_into(self, folder: Path) -> bool:
        """Test whether this account can enter and write to a folder, taking access lists into account."""
        return self.run(["/bin/sh", "-c", _ENTER, "sh", folder]).returncode == 0

    def can_enter(self, folder: Path) -> bool:
        """Test whether this account can traverse a folder and its parents."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]).returncode == 0

    def can_read(self, file: Path) -> bool:
        """Test whether this account can read a file."""
        return self.run(["/bin/sh", "-c", _READ, "sh", file]).returncode == 0

    def can_execute(self, program: Path) -> bool:
        """Test whether this account can run a program, by calling it with `--version`."""
        try:
            return self.run([program, "--version"]).returncode == 0
        except PermissionError:
            return False

    def process_options(self) -> Mapping[str, Any]:
        """Return the `subprocess` options for this account: its ids and a minimal environment."""
        options: dict[str, Any] = {"env": _bare_environment(), "cwd": "/"}
        if os.geteuid() == 0:
            options |= {"user": self.user, "group": self.group, "extra_groups": []}
        return options

    def own(self, path: Path) -> None:
        """Make this account the owner of a new file or folder."""
        if os.geteuid() == 0:
            os.chown(path, self.user, self.group, follow_symlinks=False)


def own_account() -> Account:
    """Return the account of this process."""
    return Account(name=f"user {os.geteuid()}", user=os.geteuid(), group=os.getegid())


def account_of(user: int) -> Account:
    """Return the account of a user id; an unknown one gets a group with the same id."""
    try:
        entry = pwd.getpwuid(user)
    except KeyError:
        return Account(name=f"user {user}", user=user, group=user)
    return Account(name=entry.pw_name, user=user, group=entry.pw_gid)


def system_account() -> Account:
    """Return the system account for the server, created on first use; requires root.

    Raises:
        CommandFailedError: it can't be created, or root can't act as it.
    """
    account = find_or_make(SYSTEM_ACCOUNT)
    try:
        account.run(["/bin/sh", "-c", "true"])
    except OSError as error:
        raise CommandFailedError(
            f"Postgres does not run as root, and this root can't act as the account {SYSTEM_ACCOUNT} "
            f"({error.strerror}): run Rollcall as an ordinary user, or set DATABASE_URL."
        ) from error
    return account


def find_or_make(name: str) -> Account:
    """Return the system account with a name, creating it if necessary; requires root.

    Raises:
        CommandFailedError: it can't be created.
    """
    account = _find(name)
    if account is None:
        with accounts_held():
            account = _find(name) or _make(name)
    return account


@contextmanager
def accounts_held() -> Iterator[None]:
    """Serialize account changes between our processes; the system tools' own lock is not reliable.

    Two concurrent `useradd` have been seen to assign two ids to one name, of which the later is kept.
    """
    folder = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    if entry.pw_uid == 0:
        raise CommandFailedError(f"The account {name} is root under another name; Postgres needs one that is not.")
    return Account(name=name, user=entry.pw_uid, group=entry.pw_gid)


def _make(name: str) -> Account:
    for command in _making_commands(name):
        # A failure (the group may already exist) shows in the lookup afterwards.
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - fixed words only
    account = _find(name)
    if account is None:
        raise CommandFailedError(
            f"Postgres does not run as root, and the system account {name} could not be created: "
            "create it yourself, run Rollcall as an ordinary user, or set DATABASE_URL."
        )
    return account


def _making_commands(name: str) -> list[list[str]]:
    shell = shutil.which("nologin", path="/usr/sbin:/sbin:/usr/bin") or "/bin/false"
    if useradd := shutil.which("useradd", path=_SYSTEM_PATH):
        flags = ["--system", "--no-create-home", "--home-dir", _NOWHERE, "--shell", shell]
        return [[useradd, *flags, "--user-group", name], [useradd, *flags, "--gid", name, name]]
    addgroup, adduser = shutil.which("addgroup", path=_SYSTEM_PATH), shutil.which("adduser", path=_SYSTEM_PATH)
    if addgroup and adduser:  # busybox
        return [[addgroup, "-S", name], [adduser, "-S", "-D", "-H", "-h", _NOWHERE, "-s", shell, "-G", name, name]]
    return []


_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def _bare_environment() -> dict[str, str]:
    """Return an environment without variables that affect Postgres, such as `PGDATA` and `PGPORT`."""
    kept = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
    return {"PATH": _SYSTEM_PATH, "LC_ALL": "C", "TZ": "UTC", **kept}
