"""All of Rollcall on a file system that is read-only except for `VAR_DIR`."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.other_user import needs_root
from tests.processes import System, free_port
from tests.receiver.running import wait_until

# In a mount namespace: the one folder stays as it is, the rest of the disk becomes read-only.
READ_ONLY = (
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-c",
    'mount --bind "$0" "$0" && mount -o remount,bind,ro / && ! touch "$0/../elsewhere" 2>/dev/null && exec "$@"',
)
BODY = json.dumps({"event": "meeting.started", "meeting": {"id": "m1", "sessionId": "s1"}}).encode()


@pytest.fixture
def read_only(tmp_path: Path, database_url: str) -> Iterator[System]:
    var = tmp_path / "var"
    var.mkdir()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    settings = {"VAR_DIR": str(var), "METRICS_PORT": str(free_port())}
    system = System(tmp_path, database_url, key, settings, prefix=(*READ_ONLY, str(var)))
    with ExitStack() as ending:
        for module in ("receiver", "workers"):
            process = system.start(module, "--processes", "2")
            ending.callback(process.wait, 60)
            ending.callback(process.terminate)
        wait_until(system.is_ready, "the receiver is ready", seconds=120)
        yield system


@needs_root
def test_nothing_but_var_dir_is_written_to(read_only: System) -> None:
    assert read_only.post(BODY, "realtimekit", "delivery-1").status == 200
    read_only.wait_for(1)
    assert "s1" in read_only.rollcall("sessions")
    assert "s1" in read_only.rollcall("export", "sessions")
    assert "Replayed 1 delivery: 1 processed." in read_only.rollcall("replay", "--all")
    assert "is writable" in read_only.rollcall("doctor")
    assert {path.name for path in read_only.folder.iterdir()} == {"var", "receiver.log", "workers.log"}
    assert (read_only.folder / "var" / "spool").stat().st_mode & 0o077 == 0
    logs = "".join(read_only.log(module).read_text() for module in ("receiver", "workers"))
    assert os.strerror(30) not in logs
    assert "_failed" not in logs
