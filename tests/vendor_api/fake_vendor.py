"""A vendor on loopback that serves both dialects of the API over real HTTP, from a world.

with FakeVendor(world) as vendor:
    settings = VendorSettings.from_environment(vendor.environment())
"""

import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from tests.vendor_api.answering import Answering, Said, not_found, unauthorized
from tests.vendor_api.handler import Handler
from tests.vendor_api.hooks import Hooks
from tests.vendor_api.switches import Fault, Switches
from tests.vendor_api.world import ORGANIZATION, SessionHeld, World

ACCOUNT = "0123456789abcdef0123456789abcdef"
API_KEY = "dyte-key-that-nobody-may-see"
API_TOKEN = "realtimekit-token-that-nobody-may-see"
APP = "a1b7c3d9-5e2f-4a60-8b1c-0d9e8f7a6b5c"


@dataclass(frozen=True)
class Call:
    """A call that was made.

    Attributes:
        at: when it came, by `time.monotonic`.
        dialect: dyte, realtimekit, or empty for none.
        owner: the organization or app.
        method: of HTTP.
        path: from the base URL on.
        query: its parameters.
        body: what was sent.
        headers: in lower case.
        status: of the answer.
    """

    at: float
    dialect: str
    owner: str
    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]
    status: int


class FakeVendor:
    """The vendor. Its attributes may be changed between calls, and by `on_call` before one is answered.

    Attributes:
        world: what it tells of.
        switches: how it tells.
        faults: what it answers instead, each once, in this order.
        organizations: whose sessions an organization or app has: its id → the organization's in the world.
        as_of: the time at which it is asked; None: all is over.
        calls: what it was asked.
        hooks: the webhooks that are registered.
        on_call: is called with the path of a call before it is answered.
        refused: organizations and apps whose credentials it refuses: their ids → 401 or 403.
    """

    def __init__(
        self,
        world: World | None = None,
        switches: Switches | None = None,
        organizations: dict[str, str] | None = None,
        apps: dict[str, str] | None = None,
    ) -> None:
        """Bind a port.

        Args:
            world: what it tells of.
            switches: how it tells.
            organizations: those of Dyte; default: the world's.
            apps: those of RealtimeKit; default: one, with the world's sessions.
        """
        self.world = world or World()
        self.switches = switches or Switches()
        self.faults: list[Fault] = []
        self.dyte = {ORGANIZATION: ORGANIZATION} if organizations is None else organizations
        self.apps = {APP: ORGANIZATION} if apps is None else apps
        self.as_of: datetime | None = None
        self.calls: list[Call] = []
        self.hooks = Hooks(self.switches)
        self.on_call: Callable[[str], None] | None = None
        self.refused: dict[str, int] = {}
        self._lock = threading.Lock()
        self._known: tuple[list[SessionHeld], tuple[str, int], list[SessionHeld]] = ([], ("", 0), [])
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.vendor = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self, *, dyte: bool = True, realtimekit: bool = True) -> dict[str, str]:
        """Return the variables that lead to it, of the dialects that are wanted."""
        variables: dict[str, str] = {}
        if dyte:
            organization = next(iter(self.dyte))
            variables |= {"DYTE_ORGANIZATION_ID": organization, "DYTE_API_KEY": API_KEY}
            variables["DYTE_API_URL"] = f"{self.url}/v2"
        if realtimekit:
            variables |= {"REALTIMEKIT_ACCOUNT_ID": ACCOUNT, "REALTIMEKIT_APP_IDS": ",".join(self.apps)}
            variables |= {"REALTIMEKIT_API_TOKEN": API_TOKEN, "REALTIMEKIT_API_URL": f"{self.url}/client/v4"}
        return variables

    def called(self, path: str = "") -> list[Call]:
        """Return the calls whose path begins so."""
        return [call for call in self.calls if call.path.startswith(path)]

    def handle(self, method: str, whole_path: str, query: dict[str, str], headers: dict[str, str], body: Any) -> Said:
        """Return the answer to a call."""
        at = monotonic()
        dialect, owner, path = self._whose(whole_path, headers)
        if self.on_call is not None:
            self.on_call(path)
        with self._lock:
            said = self._said(method, dialect, owner, path, query, body)
            self.calls.append(Call(at, dialect, owner, method, path, query, body, headers, said.status))
        if self.switches.ratelimit is not None:
            left, seconds, quota = self.switches.ratelimit
            said.headers["Ratelimit"] = f'"default";r={left};t={seconds}'
            said.headers["Ratelimit-Policy"] = f'"default";q={quota};w=300'
        return said

    def _said(self, method: str, dialect: str, owner: str, path: str, query: dict[str, str], body: Any) -> Said:
        for fault in self.faults:
            if path.startswith(fault.path):
                self.faults.remove(fault)
                return Said(fault.status, fault.body, dict(fault.headers), is_cut=fault.is_cut)
        if not dialect or not path:
            return not_found(dialect, "Could not route to the path.")
        if not owner or self.refused.get(owner) == 401:
            return unauthorized(dialect)
        if owner in self.refused:
            return Said.json(403, {"success": False, "errors": [{"code": 10000, "message": "Not allowed"}]})
        world_id = (self.dyte if dialect == "dyte" else self.apps)[owner]
        answering = Answering(dialect, owner, self.switches, self.hooks, self.as_of or datetime.max.replace(tzinfo=UTC))
        sessions = self._sessions_of(world_id)
        return answering.answer(method, path, query, body, sessions, is_over=self.as_of is None)

    def _sessions_of(self, organization_id: str) -> list[SessionHeld]:
        """Return the sessions of an organization; looked for again only where the world's list is another one."""
        known, of, sessions = self._known
        if known is not self.world.sessions or of != (organization_id, len(known)):
            sessions = [one for one in self.world.sessions if one.organization_id == organization_id]
            self._known = self.world.sessions, (organization_id, len(self.world.sessions)), sessions
        return sessions

    def _whose(self, path: str, headers: dict[str, str]) -> tuple[str, str, str]:
        """Return the dialect, the organization or app whose credentials are right, and the path from the base on."""
        sent = headers.get("authorization", "")
        if path.startswith("/v2/"):
            for organization in self.dyte:
                if sent == "Basic " + b64encode(f"{organization}:{API_KEY}".encode()).decode():
                    return "dyte", organization, path.removeprefix("/v2")
            return "dyte", "", path.removeprefix("/v2")
        base = f"/client/v4/accounts/{ACCOUNT}/realtime/kit/"
        if path.startswith(base):
            app, slash, rest = path.removeprefix(base).partition("/")
            known = unquote(app) in self.apps and sent == f"Bearer {API_TOKEN}"
            return "realtimekit", unquote(app) if known else "", slash + rest
        return "", "", path
