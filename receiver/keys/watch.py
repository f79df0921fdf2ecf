"""Watches the key documents: fetches each every hour, and at once for an unknown signature."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx2
import structlog

from receiver.keys.document import KeyDocument
from receiver.keys.fetch import KeyFetchError, fetch_keys, open_key_client
from receiver.keys.public_key import PublicKey
from receiver.keys.store import KeyStore
from receiver.metrics import ReceiverMetrics
from runtime.outgoing.client import WayOut

_log = structlog.get_logger(__name__)

Look = asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often documents are fetched.

    Attributes:
        refresh_seconds: between fetches of a document that answers, or that has failed for a day.
        first_retry_seconds: after a failed fetch; doubled each time.
        last_retry_seconds: the maximum.
        round_pause: the minimum time between two rounds triggered by requests.
    """

    refresh_seconds: float = 3600.0
    first_retry_seconds: float = 1.0
    last_retry_seconds: float = 60.0
    round_pause: timedelta = timedelta(minutes=1)


class KeyWatch:
    """The current keys of the key documents.

    Every fetch gets a number when it starts: a number above the `looks_started` that a request saw on arrival means
    that the fetch started after that request arrived.

    Attributes:
        looks_started: the number of the latest fetch started.
        version: changes whenever the documents' keys may have changed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - parts that the composition root and the tests put together
        self,
        urls: tuple[str, ...],
        store: KeyStore,
        metrics: ReceiverMetrics,
        clock: Callable[[], datetime],
        steady: Callable[[], datetime],
        pace: Pace | None = None,
        way_out: WayOut | None = None,
    ) -> None:
        self.looks_started = 0
        self.version = 0
        self._documents = [store.load(url) for url in urls]
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._steady = steady
        for document in self._documents:
            document.resume(steady())
        self._pace = pace or Pace()
        self._way_out = way_out or WayOut()
        self._client: httpx2.AsyncClient | None = None
        self._refreshing: list[asyncio.Task[None]] = []
        self._saving: set[asyncio.Task[None]] = set()
        self._save_turn = asyncio.Lock()
        self._round: set[Look] = set()
        self._round_began: datetime | None = None

    async def start(self) -> None:
        """Start fetching in the background: an unreachable document delays nothing."""
        self._client = open_key_client(self._way_out)
        for document in self._documents:
            self._metrics.keys_fetched(_host(document), document.answered_at)
        self._refreshing = [asyncio.create_task(self._refresh(document)) for document in self._documents]

    async def stop(self) -> None:
        """Stop all fetches; their results are on disk."""
        tasks = [*self._refreshing, *self._round]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*self._saving)
        if self._client is not None:
            await self._client.aclose()

    def is_whole(self) -> bool:
        """Return whether every document is still being fetched."""
        return not any(refreshing.done() for refreshing in self._refreshing)

    def keys(self) -> list[PublicKey]:
        """Return the currently trusted keys of all documents."""
        return [key for document in self._documents for key in document.counting_keys()]

    def look_anew(self) -> set[Look]:
        """Fetch every document, unless a request triggered that within the last minute.

        Returns:
            The pending fetches triggered by requests, these or earlier ones.
        """
        now = self._steady()
        began = self._round_began
        if began is None or now - began >= self._pace.round_pause:
            self._round_began = now
            self._round |= {asyncio.create_task(self._look(document)) for document in self._documents}
        self._round = {look for look in self._round if not look.done()}
        return set(self._round)

    def all_looked_at_since(self, looks_started: int) -> bool:
        """Return whether fetches numbered above `looks_started` cover the documents.

        Every document must have been fetched, except those that failed for a day; at least one fetch is needed.
        """
        seen = [document.latest_look > looks_started for document in self._documents]
        silent = [document.is_silent_for_a_day() for document in self._documents]
        return any(seen) and all(one or other for one, other in zip(seen, silent, strict=True))

    async def _refresh(self, document: KeyDocument) -> None:
        retry_seconds = self._pace.first_retry_seconds
        while True:
            await self._look(document)
            if document.silent_since is None or document.is_silent_for_a_day():
                retry_seconds = self._pace.first_retry_seconds
                await asyncio.sleep(self._pace.refresh_seconds)
            else:
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, self._pace.last_retry_seconds)

    async def _look(self, document: KeyDocument) -> None:
        if self._client is None:
            return
        self.looks_started += 1
        number = self.looks_started
        before = set(document.known)
        was_silent = document.silent_since is not None
        try:
            keys = await fetch_keys(self._client, document.url)
        except Exception as error:  # noqa: BLE001 - whatever fails, the next fetch must follow
            document.failed(self._steady())
            self._metrics.key_fetch_ended(_host(document), is_good=False)
            if not was_silent:
                why = str(error) if isinstance(error, KeyFetchError) else type(error).__name__
                _log.warning("key_document_silent", document=document.url, why=why, known_keys=len(before))
        else:
            document.answered(keys, self._steady(), number)
            self.version += 1
            self._metrics.key_fetch_ended(_host(document), is_good=True)
            self._metrics.keys_fetched(_host(document), self._clock())
            if was_silent or before != set(document.known):
                _log.info("key_document_answered", document=document.url, known_keys=sorted(document.known))
        # Not awaited: a verdict that waits for this fetch must not wait for the disk.
        saving = asyncio.create_task(self._save(document))
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)

    async def _save(self, document: KeyDocument) -> None:
        async with self._save_turn:
            await asyncio.to_thread(self._store.save, document.url, self._store.snapshot(document))


def _host(document: KeyDocument) -> str:
    return urlsplit(document.url).hostname or ""
