"""`rollcall run`: all of Rollcall, in the foreground."""

import http.client
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

from automations.secrets import Keyring
from automations.secrets_key import ROLLCALL_SECRETS_KEY_FILE, ensure_key_file
from automations.settings import AutomationsSettings
from clock.settings import ClockSettings
from console.embedded.server import EmbeddedPostgres
from console.failure import CommandFailedError
from console.pages.entrance.link import make_link
from console.pages.settings import console_address
from console.running.exclusive import ExclusiveFile, HeldElsewhereError
from console.running.foreground import Foreground
from console.running.marked_processes import mark_of, stop_marked
from console.running.receiver_address import receiver_place, receiver_url, webhook_url
from console.running.stop_signals import StopRequestedError, StopSignals
from console.samples.dev_key import ensure_dev_key
from migrations.apply import migrate_database
from receiver.keys.trusted import ROLLCALL_DEV_KEY
from receiver.settings import ReceiverSettings
from runtime.environment import SettingError, read_environment
from runtime.listening import listen
from runtime.own_files import make_folder
from runtime.settings import CONSOLE_HOST, CONSOLE_PORT
from runtime.var_folder import VarFolder
from workers.settings import WorkerSettings

# Placeholder for the embedded server's URL while the settings are checked, before that server is up.
_URL_TO_COME = "postgresql://rollcall@/rollcall"
_HEALTH_SECONDS = 1.0
# In the order in which they are started and stopped, as the Procfile has them.
_PROCESSES = (("receiver", "receiver"), ("worker", "workers"), ("clock", "clock"), ("automations", "automations"))
_CONSOLE = "console"


def run() -> None:
    """Run all of Rollcall in the foreground: all processes, and a Postgres if DATABASE_URL is not set.

    Prints the webhook's URL once it accepts deliveries. Ctrl-C stops everything; the data is kept in VAR_DIR.
    """
    environment = read_environment()
    _check_settings(environment)
    with StopSignals() as signals, ExitStack() as stack:
        foreground = Foreground(sys.stdout)
        lock = _take_folder(VarFolder.of(environment))
        stack.callback(lock.release)
        try:
            _run(environment, foreground, signals, stack)
        except StopRequestedError:
            foreground.say("Stopping ...")
            stack.close()
            foreground.say("Stopped. The data is kept; run the same command to start again.")


def _run(environment: Mapping[str, str], foreground: Foreground, signals: StopSignals, stack: ExitStack) -> None:
    """Start the parts in order; each registers its cleanup with `stack`."""
    if stop_marked(Path.cwd()):
        foreground.say("Stopped the processes that a killed run had left behind.")
    _check_port(environment)
    added = {} if "DATABASE_URL" in environment else _start_postgres(VarFolder.of(environment), foreground, stack)
    with signals.interruptible():
        migrate_database(added.get("DATABASE_URL") or environment["DATABASE_URL"])

    child_environment = {**os.environ, **added, **mark_of(Path.cwd()), "PYTHONUNBUFFERED": "1"}
    stack.callback(stop_marked, Path.cwd())
    stack.callback(foreground.stop, lambda: signals.insisted)
    for name, module in _PROCESSES:
        foreground.start(name, [sys.executable, "-m", module], child_environment)
    foreground.start(_CONSOLE, [sys.executable, "-m", _CONSOLE], child_environment, is_optional=True)
    with signals.interruptible():
        ended = foreground.wait_for_end(until=lambda: _answers(receiver_url(environment)))
        if ended is None:
            foreground.say(_invitation(environment, bool(added)))
            ended = foreground.wait_for_end(until=lambda: _console_answers(foreground, environment))
        if ended is None:
            if foreground.has(_CONSOLE):
                foreground.say(_way_to_console(environment, has_link=bool(added)))
            ended = foreground.wait_for_end()
    raise CommandFailedError(f"The {ended}; everything else was stopped too. See its last log lines above.")


def _check_settings(environment: Mapping[str, str]) -> None:
    """Report an invalid setting before anything is started."""
    complete = {"DATABASE_URL": _URL_TO_COME, **environment}
    ReceiverSettings.from_environment(complete).var_folder.secure()
    WorkerSettings.from_environment(complete)
    ClockSettings.from_environment(complete)
    AutomationsSettings.from_environment(complete)
    Keyring.from_environment(complete)
    receiver_url(environment)


def _take_folder(folder: VarFolder) -> ExclusiveFile:
    try:
        make_folder(folder.path)
        return ExclusiveFile(folder.run_lock)
    except HeldElsewhereError as error:
        raise CommandFailedError(
            f"Rollcall is already running in this folder (process {error.holder}): "
            "use that one, or stop it first with Ctrl-C."
        ) from None
    except OSError as error:
        raise CommandFailedError(
            f"{folder.run_lock.absolute()} can't be created ({error.strerror}): start in a writable folder, "
            "or set VAR_DIR to one."
        ) from None


def _check_port(environment: Mapping[str, str]) -> None:
    host, port = receiver_place(environment)
    try:
        listen(host, port).close()
    except OSError as error:
        raise CommandFailedError(
            f"Port {port} on {host} is not available ({error.strerror}): "
            "stop the program that uses it, or set PORT (or HOST) to another one."
        ) from None


def _start_postgres(folder: VarFolder, foreground: Foreground, stack: ExitStack) -> dict[str, str]:
    """Start the embedded Postgres and create its keys; return the children's variables for them."""
    postgres = EmbeddedPostgres(folder.postgres)
    postgres.start()
    stack.callback(postgres.stop)
    if postgres.place is not None and postgres.place.outside:
        foreground.say(
            f"The data is in {postgres.place.folder}: this folder is not accessible to {postgres.place.account.name}, "
            "the account that Postgres runs as."
        )
    _write_url(folder.database_url, postgres.url())
    stack.callback(folder.database_url.unlink, missing_ok=True)
    ensure_dev_key(folder.development_key)
    ensure_key_file(folder.secrets_key)
    return {
        "DATABASE_URL": postgres.url(),
        ROLLCALL_DEV_KEY.name: str(folder.development_key),
        ROLLCALL_SECRETS_KEY_FILE.name: str(folder.secrets_key),
    }


def _write_url(path: Path, url: str) -> None:
    """Publish the database's URL to the other commands, atomically and for this user only."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{url}\n")
    unfinished.replace(path)


def _answers(url: str) -> bool:
    """Return whether the receiver is alive."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _console_answers(foreground: Foreground, environment: Mapping[str, str]) -> bool:
    """Return whether the console answers, or will not any more."""
    if not foreground.has(_CONSOLE):
        return True
    try:
        connection = http.client.HTTPConnection(
            CONSOLE_HOST.of(environment), CONSOLE_PORT.of(environment), timeout=_HEALTH_SECONDS
        )
        with closing(connection):
            # Something else may have the port.
            connection.request("GET", "/login", headers={"host": urlsplit(console_address(environment)).netloc})
            return b"Rollcall" in connection.getresponse().read()
    except (OSError, http.client.HTTPException, SettingError):
        return False


def _way_to_console(environment: Mapping[str, str], *, has_link: bool) -> str:
    address = console_address(environment)
    if not has_link:
        return f"The web console is at {address}."
    link = make_link(VarFolder.of(environment).console_link, address)
    return f"The web console is at {link} (the link works once; `rollcall console link` prints another)."


def _invitation(environment: Mapping[str, str], has_dev_key: bool) -> str:  # noqa: FBT001 - named where it is called
    next_step = "rollcall sample, then rollcall sessions" if has_dev_key else "rollcall doctor"
    return f"Rollcall takes webhooks at {webhook_url(environment)}. In another terminal, try: .venv/bin/{next_step}."
