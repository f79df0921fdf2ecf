"""`.env` is read whole, or nothing starts: half of the settings is worse than none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.environment import EnvFileError, read_environment
from tests.processes import ROOT

SECRET = "hidden-value"
TEXT = f"ORGANIZATION_IDS={SECRET}\nPORT=8001\n"
PEM = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\nAQAB==\n-----END PUBLIC KEY-----\n"

# What is in the file, and the line that must be named.
UNREADABLE: dict[str, tuple[bytes, int]] = {
    "an open quote": (f'A=1\nORGANIZATION_IDS="{SECRET}\n'.encode(), 2),
    "an open single quote": (f"ORGANIZATION_IDS='{SECRET}\nPORT=8001\n".encode(), 1),
    "a quote that a later one closes": (f'TITLE="x\nORGANIZATION_IDS={SECRET}\nPORT="8001"\n'.encode(), 1),
    "a quote that swallows a line whole": (f'TITLE="x\nORGANIZATION_IDS={SECRET}\nEND=y"\nPORT=1\n'.encode(), 1),
    "a quote that swallows an exported line": (f"TITLE='x\n  export IDS = {SECRET}\n'\n".encode(), 1),
    "a backslash that keeps a quote open": (b'PATH_OF="C:\\"\nPORT=8001\n', 1),
    "something behind a quote": (f'\n\n# x\nORGANIZATION_IDS="{SECRET}" or so\n'.encode(), 4),
    "UTF-16": (TEXT.encode("utf-16"), 1),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), 1),
    "UTF-32": (TEXT.encode("utf-32"), 1),
    "Latin-1": (f"PORT=8001\r\n# café\r\n{TEXT}".encode("latin-1"), 2),
    "a half character at the end": (f"{TEXT}NAME=caf".encode() + b"\xc3", 3),
    "a NUL": (f"PORT=1\nORGANIZATION_IDS={SECRET}\0\n".encode(), 2),
    "a byte order mark in the middle": (f"PORT=1\n\ufeffORGANIZATION_IDS={SECRET}\n".encode(), 2),
    "no equals sign": (f"PORT=1\nORGANIZATION_IDS\n{SECRET}\n".encode(), 2),
    "the rest of a value that was broken": (f"ORGANIZATION_IDS=a,\n{SECRET}\n".encode(), 2),
    "an export without a value": (b"export ORGANIZATION_IDS\n", 1),
    "a colon": (f"ORGANIZATION_IDS: {SECRET}\n".encode(), 1),
    "another shell's way": (f"set ORGANIZATION_IDS={SECRET}\n".encode(), 1),
    "no name": (f"\n={SECRET}\n".encode(), 2),
    "a name in double quotes": (f'"ORGANIZATION_IDS"={SECRET}\n'.encode(), 1),
    "a name with other letters": (f"ОRGANIZATION_IDS={SECRET}\n".encode(), 1),  # noqa: RUF001 - Cyrillic
    "a name twice": (f"A=1\nORGANIZATION_IDS={SECRET}\nORGANIZATION_IDS=\n".encode(), 3),
}


@pytest.mark.parametrize(("content", "line"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_that_can_not_be_read_is_named_and_its_value_is_not(tmp_path: Path, content: bytes, line: int) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(EnvFileError) as raised:
        read_environment(tmp_path)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / '.env'}, line {line} can't be read: ")
    assert SECRET not in message
    assert "\n" not in message


READABLE: dict[str, tuple[bytes, dict[str, str]]] = {
    "plain": (TEXT.encode(), {"ORGANIZATION_IDS": SECRET, "PORT": "8001"}),
    "a byte order mark": (TEXT.encode("utf-8-sig"), {"ORGANIZATION_IDS": SECRET, "PORT": "8001"}),
    "CRLF": (TEXT.replace("\n", "\r\n").encode(), {"ORGANIZATION_IDS": SECRET, "PORT": "8001"}),
    "CR": (TEXT.replace("\n", "\r").encode(), {"ORGANIZATION_IDS": SECRET, "PORT": "8001"}),
    "no line break at the end": (b"A=1\nB=2", {"A": "1", "B": "2"}),
    "export": (b"export A=1\nexport  B = '2'\n", {"A": "1", "B": "2"}),
    "comments and blanks": (b"\n# x\n  A=1 # y\n\n\t# z\nB='2' # y\n ", {"A": "1", "B": "2"}),
    "quotes and escapes": (
        b'A="a\\n\\"b\\"\\q"\n' + b"B='it\\'s $A ${A}'\nC=it's\n",
        {"A": 'a\n"b"\\q', "B": "it's $A ${A}", "C": "it's"},
    ),
    "an equals sign in a value": (b"A=postgresql://h/x?a=b\n", {"A": "postgresql://h/x?a=b"}),
    "a value of several lines": (f'KEYS="{PEM}"\nB=2\n'.encode(), {"KEYS": PEM, "B": "2"}),
    "the same twice": (b"A=1\nA=1\n", {"A": "1"}),
    "nothing": (b"", {}),
    "an empty value": (b"A=\nB=\nC=3\n", {"C": "3"}),
}


@pytest.mark.parametrize(("content", "values"), READABLE.values(), ids=READABLE)
def test_a_good_file_means_what_it_always_meant(
    tmp_path: Path, content: bytes, values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_bytes(content)
    assert read_environment(tmp_path) == values


def test_the_example_can_be_read_with_every_line_taken_in(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    (tmp_path / ".env").write_text(example)
    read_environment(tmp_path)
    settings = [line[2:] for line in example.splitlines() if line.startswith("# ") and "=" in line.partition(" ")[2]]
    names = [line.partition("=")[0] for line in settings if line.partition("=")[0].replace("_", "").isupper()]
    assert "DATABASE_URL" in names
    (tmp_path / ".env").write_text("\n".join(line for line in settings if line.partition("=")[0] in names))
    assert set(names) <= set(read_environment(tmp_path))


def test_without_the_file_the_environment_counts_alone(tmp_path: Path) -> None:
    assert read_environment(tmp_path) == {name: value for name, value in os.environ.items() if value}


def test_a_folder_and_a_link_to_nothing_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "gone")
    with pytest.raises(EnvFileError, match="is a link to a missing file"):
        read_environment(tmp_path)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    with pytest.raises(EnvFileError, match=r"can't be read \(Is a directory\)"):
        read_environment(tmp_path)


COMMANDS = [
    *(("-m", module) for module in ("receiver", "workers")),
    *(
        ("-c", "from console.main import main; main()", *command)
        for command in (
            ("run",),
            ("migrate",),
            ("url",),
            ("psql",),
            ("sample",),
            ("sample", "--to", "http://127.0.0.1:1/webhook"),
            ("sessions",),
            ("timeline", "x"),
            ("deliveries",),
            ("replay", "--all"),
            ("export", "sessions"),
            ("doctor",),
        )
    ),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command).rpartition(";")[2])
def test_every_process_and_command_stops_at_a_line_that_can_not_be_read(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / ".env").write_text(f'PORT=8001\nORGANIZATION_IDS="{SECRET}\n')
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": "postgresql://u@127.0.0.1:1/x"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"{tmp_path / '.env'}, line 2 can't be read: ")
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stderr
