"""`GET /healthz` and `GET /readyz`."""

import asyncio
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from receiver.keeping.keeper import Check, Keeper
from receiver.keys.ring import KeyRing

# The checks are public and may access queue and disk: they run at most this often, in seconds.
_AT_MOST_EVERY = 1.0

_KEYS_THERE = Check(ok=True, detail="Keys for checking signatures are loaded.")
_NO_KEYS = Check(ok=False, detail="No key yet: deliveries get 503 until a key document answers.")


async def healthz(_request: Request) -> Response:
    """Answer 200: the process is alive."""
    return _json(HTTPStatus.OK, {"status": "alive"})


class Readiness:
    """Checks whether a delivery arriving now could be answered with 200."""

    def __init__(self, keys: KeyRing, keeper: Keeper) -> None:
        self._keys = keys
        self._keeper = keeper
        self._turn = asyncio.Lock()
        self._checked_at = float("-inf")
        self._checks: dict[str, Check] = {}

    async def readyz(self, _request: Request) -> Response:
        """Answer 200 if there are keys and the queue or the spool works, else 503; with the checks' results."""
        checks = await self._current()
        is_ready = checks["keys"].ok and (checks["queue"].ok or checks["spool"].ok)
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(status, {"status": "ready" if is_ready else "not ready", "checks": checks})

    async def _current(self) -> dict[str, Check]:
        async with self._turn:
            now = asyncio.get_running_loop().time()
            if now - self._checked_at >= _AT_MOST_EVERY:
                keeper = await self._keeper.readiness()
                keys = _KEYS_THERE if self._keys.has_keys() else _NO_KEYS
                self._checks = {"keys": keys, "queue": keeper.queue, "spool": keeper.spool}
                self._checked_at = now
            return self._checks


def _json(status: HTTPStatus, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
