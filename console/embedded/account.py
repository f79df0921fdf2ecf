"""Who the embedded Postgres runs as: this user, or, as Postgres refuses root, a system account of its own."""

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
    """A user of this machine by its numbers, and the name for what is told to people."""

    name: str
    user: int
    group: int

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a short command as this account and return what came of it; neither shown nor checked."""
        return subprocess.run(  # noqa: S603 - commands of this package, no shell text from outside
            [str(part) for part in command],
            check=False,
            capture_output=True,
            text=True,
            start_new_session=True,  # a terminal's Ctrl-C is for us to act on
            **self.process_options(),
        )

    def can_write_into(self, folder: Path) -> bool:
        """Tell by trying whether this account can reach and fill a folder; that counts access lists in as well."""
        return self.run(["/bin/sh", "-c", _ENTER, "sh", folder]).returncode == 0

    def can_enter(self, folder: Path) -> bool:
        """Tell by trying whether this account can go through a folder and all above it."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]).returncode == 0

    def can_read(self, file: Path) -> bool:
        """Tell by trying whether this account can read a file."""
        return self.run(["/bin/sh", "-c", _READ, "sh", file]).returncode == 0

    def can_execute(self, program: Path) -> bool:
        """Tell by trying whether this account can run a program; it is called with `--version`."""
        try:
            return self.run([program, "--version"]).returncode == 0
        except PermissionError:
            return False

    def process_options(self) -> Mapping[str, Any]:
        """Return how `subprocess` starts a process of this account: its numbers, a bare environment, no folder."""
        options: dict[str, Any] = {"env": _bare_environment(), "cwd": "/"}
        if os.geteuid() == 0:
            options |= {"user": self.user, "group": self.group, "extra_groups": []}
        return options

    def own(self, path: Path) -> None:
        """Give a file or folder just made to this account."""
        if os.geteuid() == 0:
            os.chown(path, self.user, self.group, follow_symlinks=False)


def own_account() -> Account:
    """Return the account of this process."""
    return Account(name=f"user {os.geteuid()}", user=os.geteuid(), group=os.getegid())


def account_of(user: int) -> Account:
    """Return the account of a user id; one that the system does not list has a group of the same number."""
    try:
        entry = pwd.getpwuid(user)
    except KeyError:
        return Account(name=f"user {user}", user=user, group=user)
    return Account(name=entry.pw_name, user=user, group=entry.pw_gid)


def system_account() -> Account:
    """Return the system account for the server, made at the first call on a machine; only root can.

    Raises:
        CommandFailedError: it can't be made here, or root can't act as it.
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
    """Return the system account of a name, made by whichever process asks first; only root can.

    Raises:
        CommandFailedError: it can't be made here.
    """
    account = _find(name)
    if account is None:
        with accounts_held():
            account = _find(name) or _make(name)
    return account


@contextmanager
def accounts_held() -> Iterator[None]:
    """Keep our other processes from changing the accounts, which their own tools' lock does not always do.

    Two `useradd` at once have been seen to give one name a number each, of which the later stays.
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
        # A failure of one (the group is there already) shows in what is found at the end.
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - fixed words only
    account = _find(name)
    if account is None:
        raise CommandFailedError(
            f"Postgres does not run as root, and the system account {name} could not be made for it: "
            "make one by hand, run Rollcall as an ordinary user, or set DATABASE_URL."
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
    """Return an environment in which nothing redirects Postgres: `PGDATA`, `PGPORT` and their like stay out."""
    kept = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
    return {"PATH": _SYSTEM_PATH, "LC_ALL": "C", "TZ": "UTC", **kept}
