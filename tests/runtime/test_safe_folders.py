"""What is written to, `VAR_DIR` and `SPOOL_DIR`: nobody else can put anything into it, and no link is followed."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.own_files import ForeignFileError, make_folder, open_own, read_own
from runtime.setting_error import SettingError
from runtime.var_folder import VarFolder
from tests.foreign_files import FOREIGN
from tests.other_user import NOBODY, as_nobody, needs_root


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def folders(tmp_path: Path) -> VarFolder:
    """Return a folder as today's versions leave it."""
    var = VarFolder(tmp_path / "var", tmp_path / "var" / "spool")
    for folder in (var.path, var.keys, var.spool):
        folder.mkdir()
        folder.chmod(0o755)
    return var


def test_a_folder_of_before_is_taken_and_what_others_may_not_read_is_closed(tmp_path: Path) -> None:
    var = folders(tmp_path)
    var.secure()
    assert (mode(var.path), mode(var.keys), mode(var.spool)) == (0o755, 0o700, 0o700)


def test_a_folder_that_is_still_to_come_is_taken(tmp_path: Path) -> None:
    VarFolder(tmp_path / "var", tmp_path / "spool").secure()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("open_to", [0o777, 0o1777, 0o770, 0o775, 0o757, 0o722])
@pytest.mark.parametrize(
    ("part", "name"), [("path", "VAR_DIR"), ("keys", "VAR_DIR"), ("spool", "SPOOL_DIR")], ids=["var", "keys", "spool"]
)
def test_a_folder_that_others_can_write_to_is_refused(part: str, name: str, open_to: int, tmp_path: Path) -> None:
    var = folders(tmp_path)
    folder: Path = getattr(var, part)
    folder.chmod(open_to)
    with pytest.raises(SettingError) as refused:
        var.secure()
    assert refused.value.name == name
    assert name in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert str(tmp_path) not in str(refused.value)
    assert mode(folder) == open_to


@needs_root
@pytest.mark.parametrize(
    ("part", "name"), [("path", "VAR_DIR"), ("keys", "VAR_DIR"), ("spool", "SPOOL_DIR")], ids=["var", "keys", "spool"]
)
def test_a_folder_of_another_user_is_refused(part: str, name: str, tmp_path: Path) -> None:
    var = folders(tmp_path)
    os.chown(getattr(var, part), NOBODY, NOBODY)
    with pytest.raises(SettingError, match=f"{name}.* belongs to another user"):
        var.secure()


@needs_root
def test_a_folder_that_root_gave_to_our_group_is_taken(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    mount = tmp_path / "mount"
    mount.mkdir()
    os.chown(mount, 0, NOBODY)
    mount.chmod(0o2775)

    def start() -> None:
        var = VarFolder(mount, mount / "spool")
        var.secure()
        make_folder(var.spool, 0o700)
        var.secure()

    assert as_nobody(tmp_path, start) == ""
    assert (mode(mount / "spool") & 0o777, (mount / "spool").stat().st_uid) == (0o700, NOBODY)


@needs_root
def test_a_folder_of_root_that_everybody_can_write_to_is_refused_where_it_is_no_mount(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    var = folders(tmp_path)
    var.path.chmod(0o777)
    assert "VAR_DIR" in as_nobody(tmp_path, VarFolder(var.path, tmp_path / "spool").secure)


@needs_root
def test_a_folder_of_an_ordinary_user_is_refused_to_another(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    var = folders(tmp_path)
    os.chown(var.spool, NOBODY + 1, NOBODY + 1)
    assert "SPOOL_DIR" in as_nobody(tmp_path, var.secure)


@pytest.mark.parametrize("part", ["spool", "keys"])
def test_a_link_in_place_of_spool_or_keys_is_refused(part: str, tmp_path: Path) -> None:
    var = folders(tmp_path)
    folder: Path = getattr(var, part)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingError, match="is a link"):
        var.secure()


def test_a_link_that_the_variable_itself_names_is_the_operators_choice(tmp_path: Path) -> None:
    var = folders(tmp_path)
    (tmp_path / "link").symlink_to(var.path)
    VarFolder(tmp_path / "link", tmp_path / "link" / "spool").secure()
    assert mode(var.spool) == 0o700


def test_what_is_made_is_closed_to_others_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_folder(tmp_path / "a" / "b" / "spool", 0o700)
    finally:
        os.umask(before)
    assert [mode(tmp_path / part) for part in ("a", "a/b", "a/b/spool")] == [0o755, 0o755, 0o700]


@pytest.mark.parametrize("put", FOREIGN)
def test_a_file_that_is_not_ours_is_neither_read_nor_written(put: Callable[[Path, Path], None], tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "path"
    target.write_bytes(b"before")
    put(path, target)
    with pytest.raises(ForeignFileError):
        read_own(path)
    with pytest.raises(ForeignFileError):
        open_own(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    assert target.read_bytes() == b"before"
