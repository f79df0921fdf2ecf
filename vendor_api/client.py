"""One client for the vendor's API, in either dialect: every call at the pace, and GETs again where that can help."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx2
import structlog

from runtime.outgoing.client import WayOut, open_waiting_client
from runtime.outgoing.unusable import UnusableVariableError
from vendor_api.answers import NoAnswerError, message_of, read_answer
from vendor_api.credentials import Credentials
from vendor_api.errors import (
    CredentialsError,
    NotThereError,
    RefusedCallError,
    StoppedError,
    VendorAwayError,
    VendorError,
)
from vendor_api.limits import rest, retry_after
from vendor_api.pace import Pace

# Seconds for a call, and before the second try; doubled for each further one.
_SECONDS = 30.0
_FIRST_PAUSE = 1.0
_TRIES = 5
# Answers of 429 in a row: each is waited for as long as it says, so this is up to an hour.
_MOST_REFUSALS = 12
# Bytes. A page holds a hundred participants with their peer events at most.
_MOST_BYTES = 32 * 2**20
_SERVER_FAULT = 500

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer.

    Attributes:
        asked_at: the database's time before the call.
        answer: its JSON object.
    """

    asked_at: datetime
    answer: Mapping[str, Any]


class VendorClient:
    """Calls the API. Not thread-safe."""

    def __init__(
        self,
        pace: Pace,
        way_out: WayOut,
        stopping: threading.Event,
        first_pause: float = _FIRST_PAUSE,
        tries: int = _TRIES,
    ) -> None:
        """Connect when first used.

        Args:
            pace: the pace of all calls.
            way_out: the proxies and certificates to use.
            stopping: ends a wait once it is set.
            first_pause: seconds before the second try.
            tries: how often something is asked for.
        """
        self._pace = pace
        self._stopping = stopping
        self._first_pause = first_pause
        self._tries = tries
        self._http = open_waiting_client(
            way_out,
            timeout=httpx2.Timeout(_SECONDS, connect=5.0),
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "rollcall"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, credentials: Credentials, path: str, query: Mapping[str, str] | None = None) -> Answered:
        """Ask for something, several times if need be.

        Args:
            credentials: whose.
            path: from the base URL on, with a slash at its begin.
            query: its parameters.

        Raises:
            VendorError: there is no answer that can be used.
            psycopg.Error: the pace can't be kept, as the database is away.
        """
        for pause in self._pauses():
            try:
                return self._call("GET", credentials, path, query=query)
            except _AgainError as error:
                if pause is None:
                    tried = f", even after {self._tries} tries" if self._tries > 1 else ""
                    raise VendorAwayError(f"{_where(credentials)} {error.why}{tried}.") from None
                _log.info("vendor_asked_again", credentials=credentials.name, why=error.why)
                self._rest(pause)
        raise AssertionError("the last pause is None")

    def send(self, method: str, credentials: Credentials, path: str, body: Mapping[str, Any] | None = None) -> Answered:
        """Change something, once: whether a call without an answer changed something can't be known.

        Raises:
            VendorError: it was not changed, or that is not known.
            psycopg.Error: as `get`.
        """
        try:
            return self._call(method, credentials, path, body=body)
        except _AgainError as error:
            raise VendorAwayError(
                f"{_where(credentials)} {error.why}. Whether the call had an effect is not known: look before you "
                "repeat it."
            ) from None

    def _call(
        self,
        method: str,
        credentials: Credentials,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answered:
        for _ in range(_MOST_REFUSALS):
            asked_at = self._pace.wait(credentials.account)
            status, headers, content = self._exchange(method, credentials, path, query, body)
            if status == httpx2.codes.TOO_MANY_REQUESTS:
                seconds = retry_after(headers, datetime.now(UTC))
                self._pace.pause(credentials.account, seconds)
                if method != "GET":
                    raise RefusedCallError(
                        f"{_where(credentials)} refuses calls for {seconds:.0f} s, as there were too many of them; "
                        "nothing was changed. Repeat it then."
                    )
                continue
            seconds = rest(headers)
            if seconds:
                self._pace.pause(credentials.account, seconds)
            _require_success(credentials, path, status, content)
            try:
                return Answered(asked_at, read_answer(content))
            except NoAnswerError as error:
                said = credentials.without_secrets(str(error))
                raise _AgainError(f"answers with nothing that can be used ({said})") from None
        raise VendorAwayError(f"{_where(credentials)} refuses all calls for now, as there are too many of them.")

    def _exchange(
        self,
        method: str,
        credentials: Credentials,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        try:
            with self._http.stream(
                method,
                f"{credentials.base_url}{path}",
                params=query,
                json=None if body is None else dict(body),
                headers=credentials.headers(),
            ) as response:
                content = bytearray()
                for chunk in response.iter_raw():
                    content += chunk
                    if len(content) > _MOST_BYTES:
                        break
                return response.status_code, response.headers, bytes(content)
        except UnusableVariableError as error:
            raise VendorAwayError(f"{_where(credentials)} can't be reached: {error}") from None
        except Exception as error:  # noqa: BLE001 - a bad answer can fail in any layer of the client
            raise _AgainError(f"can't be reached ({type(error).__name__})") from None

    def _pauses(self) -> Iterator[float | None]:
        """Yield how long to wait after each try that failed; None after the last."""
        pause = self._first_pause
        for _ in range(self._tries - 1):
            yield pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads tries, guards nothing
            pause *= 2
        yield None

    def _rest(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise StoppedError


class _AgainError(Exception):
    """A try failed in a way that another one may not."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _require_success(credentials: Credentials, path: str, status: int, content: bytes) -> None:
    if httpx2.codes.is_success(status):
        return
    said = credentials.without_secrets(message_of(content))
    says = f": {said}" if said else ""
    if status >= _SERVER_FAULT:
        raise _AgainError(f"answers with status {status}{says}")
    refusals: Mapping[int, Callable[[], VendorError]] = {
        httpx2.codes.UNAUTHORIZED: lambda: _refused(credentials, status, says),
        httpx2.codes.FORBIDDEN: lambda: _refused(credentials, status, says),
        httpx2.codes.NOT_FOUND: lambda: NotThereError(f"{_where(credentials)} does not know {path}{says}"),
    }
    if status in refusals:
        error = refusals[status]()
        raise error
    raise RefusedCallError(f"{_where(credentials)} answers {path} with status {status}{says}")


def _refused(credentials: Credentials, status: int, says: str) -> VendorError:
    return CredentialsError(
        f"{_where(credentials)} refuses the credentials (status {status}{says}). Check {credentials.variable}, and "
        "that it may use RealtimeKit."
    )


def _where(credentials: Credentials) -> str:
    return f"The API for {credentials.name}"
