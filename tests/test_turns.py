import subprocess
import sys
import uuid
from contextlib import ExitStack

from tests.processes import ROOT
from tests.turns import turn_at

OTHER = "import sys; from tests.turns import turn_at\nwith turn_at(sys.argv[1]): print('mine')"


def test_two_processes_take_turns_and_one_may_ask_twice() -> None:
    name = uuid.uuid4().hex
    with ExitStack() as turn:
        turn.enter_context(turn_at(name))
        with turn_at(name):
            other = subprocess.Popen([sys.executable, "-c", OTHER, name], cwd=ROOT, stdout=subprocess.PIPE)
        done = subprocess.run(
            [sys.executable, "-c", OTHER, f"{name}-else"], cwd=ROOT, check=True, capture_output=True, timeout=60
        )
        assert done.stdout == b"mine\n"
        assert other.poll() is None, "it waits, though it was started before the one that is done"
        turn.close()
        assert other.communicate(timeout=60)[0] == b"mine\n"
