"""The console as it runs, over real HTTP: its application in a server of its own, in a thread."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import uvicorn
from starlette.types import ASGIApp

from automations.secrets_key import new_key
from console.pages.app import create_app
from console.pages.entrance.password import hash_of
from console.pages.metrics import ConsoleMetrics
from console.pages.settings import ConsoleSettings
from runtime.listening import listen
from tests.processes import free_port
from tests.workers.queue.deliveries import wait_until

PASSWORD = "correct horse battery staple"
# Made once: each takes a tenth of a second.
_HASH = str(hash_of(PASSWORD))
# Unused over http, but creating one for each client would take longer than all its requests.
_TLS = ssl.create_default_context()
READER, PERSON, OPERATOR = "reader@example.com", "people@example.com", "operator@example.com"
HEADER = "x-forwarded-user"
BEHIND_PROXY = {
    "CONSOLE_TRUST_HEADER": HEADER,
    "CONSOLE_TRUST_NETWORKS": "127.0.0.0/8",
    "CONSOLE_ROLES": f"{READER}=read,{PERSON}=people,{OPERATOR}=operate",
}


class RunningConsole:
    """A console and its address."""

    def __init__(self, settings: ConsoleSettings, folder: Path) -> None:
        self.settings = settings
        self.url = f"http://127.0.0.1:{settings.port}"
        self.folder = folder

    @contextmanager
    def client(self, user: str | None = None, headers: Mapping[str, str] | None = None) -> Iterator[httpx2.Client]:
        """A browser that follows no redirects; with a user, one behind the proxy."""
        sent = {**({HEADER: user} if user else {}), **(headers or {})}
        with httpx2.Client(base_url=self.url, headers=sent, trust_env=False, timeout=30, verify=_TLS) as client:
            yield client

    def get(self, path: str, user: str = OPERATOR, status: int = 200) -> str:
        """Return a page as a user gets it."""
        with self.client(user) as client:
            answer = client.get(path)
            assert answer.status_code == status, answer.text
            return answer.text


def environment_for(database_url: str, folder: Path, **variables: str) -> tuple[ConsoleSettings, dict[str, str]]:
    """Return the settings of a console with a password and users behind a proxy, or as `variables` say."""
    environment = {
        "DATABASE_URL": database_url,
        "SECRETS_KEY": new_key(),
        "CONSOLE_PORT": str(free_port()),
        "CONSOLE_PASSWORD_HASH": _HASH,
        "VAR_DIR": str(folder / "var"),
        **BEHIND_PROXY,
        **variables,
    }
    environment = {name: value for name, value in environment.items() if value}
    return ConsoleSettings.from_environment(environment), environment


@contextmanager
def running_console(database_url: str, folder: Path, **variables: str) -> Iterator[RunningConsole]:
    """Run a console as `environment_for` has it."""
    settings, environment = environment_for(database_url, folder, **variables)
    with serving(create_app(settings, ConsoleMetrics(), environment), settings, folder) as console:
        yield console


@contextmanager
def serving(app: ASGIApp, settings: ConsoleSettings, folder: Path) -> Iterator[RunningConsole]:
    """Serve an application where its settings say."""
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", ws="none", log_config=None, access_log=False))
    listener = listen("127.0.0.1", settings.port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield RunningConsole(settings, folder)
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
