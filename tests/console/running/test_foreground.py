import io
import sys

from console.running.foreground import Foreground, readable


def test_a_log_line_is_made_readable_and_anything_else_left_as_it_is() -> None:
    line = '{"threads": 2, "event": "worker_started", "level": "info", "at": "2026-11-22T21:38:28.228888Z"}'
    assert readable(line) == "21:38:28 worker_started threads=2"
    assert readable('{"event": "e", "level": "warning", "at": "2026-11-22T21:38:28Z"}') == "21:38:28 warning e"
    for other in ("Traceback", "", "{}", "[1]", '{"at": 3}', "12"):
        assert readable(other) == other


def test_what_a_child_says_last_is_shown_under_its_name_before_its_end_is_told() -> None:
    output = io.StringIO()
    foreground = Foreground(output)
    foreground.start("child", [sys.executable, "-c", "print('one'); print('two'); raise SystemExit(3)"], {})

    assert foreground.wait_for_end() == "child ended with exit code 3"
    foreground.stop(hurry=lambda: False)

    assert output.getvalue().splitlines() == ["child       | one", "child       | two"]


def test_a_child_that_ignores_the_asking_is_killed_when_there_is_hurry() -> None:
    output = io.StringIO()
    foreground = Foreground(output)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
    foreground.start("deaf", [sys.executable, "-c", deaf], {})
    assert foreground.wait_for_end(until=lambda: "ready" in output.getvalue()) is None

    foreground.stop(hurry=lambda: True)

    assert foreground.wait_for_end() == "deaf was killed by SIGKILL"


def test_a_screen_that_has_gone_does_not_stop_anything() -> None:
    output = io.StringIO()
    foreground = Foreground(output)
    output.close()

    foreground.say("to nobody")
