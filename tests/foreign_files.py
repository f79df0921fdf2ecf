"""Files that another user may create under a name we use. Each function takes the path and a link's target."""

import os
from pathlib import Path

import pytest

from tests.other_user import NOBODY, needs_root


def soft_link(path: Path, target: Path) -> None:
    path.symlink_to(target)


def hard_link(path: Path, target: Path) -> None:
    path.hardlink_to(target)


def named_pipe(path: Path, _target: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, _target: Path) -> None:
    path.mkdir()


def file_of_another(path: Path, _target: Path) -> None:
    path.write_bytes(b"theirs")
    os.chown(path, NOBODY, NOBODY)


FOREIGN = [soft_link, hard_link, named_pipe, folder, pytest.param(file_of_another, marks=needs_root)]
