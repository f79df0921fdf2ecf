"""Before any page: the host that is asked for, the origin of what changes something, and headers on every answer."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE = frozenset({"GET", "HEAD"})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_MISDIRECTED = 421
_FORBIDDEN = 403
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Guard:
    """Refuses hosts and origins that are not the console's.

    A page elsewhere can make a browser ask for us, under a name of theirs that leads to this machine: such requests
    have another `Host`. It can make a browser send a form here: such requests have another `Origin`.
    """

    def __init__(self, app: ASGIApp, url: str) -> None:
        """Guard an application.

        Args:
            app: what answers.
            url: the console's address, without a path.
        """
        self._app = app
        self._origins = _addresses(url)
        self._hosts = {urlsplit(origin).netloc for origin in self._origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return PlainTextResponse(
                "The console is not at this address: CONSOLE_URL says where it is. A proxy in front of it must pass on "
                "the Host header.\n",
                status_code=_MISDIRECTED,
            )
        if method in _SAFE or self._comes_from_here(headers):
            return None
        return PlainTextResponse("This was sent from another page: start from the console's.\n", status_code=_FORBIDDEN)

    def _comes_from_here(self, headers: Headers) -> bool:
        origins = headers.getlist("origin")
        # Under `no-referrer`, which our pages have, browsers say "null" and leave the rest to Sec-Fetch-Site.
        if origins in ([], ["null"]):
            return headers.getlist("sec-fetch-site") == ["same-origin"]
        return len(origins) == 1 and origins[0].lower() in self._origins


def _addresses(url: str) -> frozenset[str]:
    """Return the origins that are the console's: this machine has several names."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}[parts.scheme]
    port = parts.port or default
    hosts = _LOOPBACK if parts.hostname in _LOOPBACK else {parts.hostname or ""}
    found = set()
    for host in hosts:
        name = f"[{host}]" if ":" in host else host
        found.add(f"{parts.scheme}://{name}:{port}")
        if port == default:
            found.add(f"{parts.scheme}://{name}")
    return frozenset(found)
