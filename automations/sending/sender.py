"""Sends what is due: reads it, posts it by the channel of its endpoint, and keeps what became of it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import psycopg
import structlog

from automations.metrics import AutomationsMetrics
from automations.secrets import Keyring
from automations.sending.alarms import look_after
from automations.sending.backlog import MOST_WAITING, give_up_oldest, read_backlog
from automations.sending.channel import Channel
from automations.sending.client import ATTEMPT_SECONDS, EndpointClient
from automations.sending.clock import Clock
from automations.sending.database import Database
from automations.sending.due import Room, read_due
from automations.sending.leases import LEASE_SECONDS, RENEW_SECONDS, Round, Served, Until, look, release
from automations.sending.listener import Listener
from automations.sending.recorder import Recorder, Result
from automations.sending.signers import Signers
from automations.sending.way import Way

# Seconds between looks for endpoints and messages without a notification, and between looks with.
_LOOK_INTERVAL = 1.0
_LEAST_INTERVAL = 0.1
# Seconds that results may take to be kept after the last answer, when the process stops.
_LAST_RESULTS = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things take, and how much may wait. Tests make them small.

    Attributes:
        attempt: seconds for an attempt.
        lease: seconds after which another process takes over an endpoint from one that is silent.
        renew: seconds between renewals of the lease.
        count: seconds between counts of what waits.
        most_waiting: messages that may wait for one endpoint.
    """

    attempt: float = ATTEMPT_SECONDS
    lease: float = LEASE_SECONDS
    renew: float = RENEW_SECONDS
    count: float = 15.0
    most_waiting: int = MOST_WAITING


@dataclass(slots=True)
class Sender:
    """Sends messages until it is stopped. Runs in one event loop.

    Attributes:
        database_url: where the tables are.
        keyring: opens the endpoints' secrets.
        way: how requests leave this machine.
        metrics: the metrics to update.
        clock: the time.
        limits: how long things take.
    """

    database_url: str = field(repr=False)
    keyring: Keyring
    way: Way
    metrics: AutomationsMetrics
    clock: Clock = field(default_factory=Clock)
    limits: Limits = field(default_factory=Limits)

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until `stopping`; then wait for the answers under way, keep them, and let others take over."""
        await _Run(self).run(stopping)


class _Run:
    """One run of a sender."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._me = uuid4()
        self._channels: dict[str, Channel] = {}
        # Those whose last answers are still to come or to be kept: until then nobody else may send to their endpoints.
        self._leaving: dict[str, Channel] = {}
        self._partings: set[asyncio.Task[None]] = set()
        self._signers = Signers(sender.keyring)
        self._until: Until | None = None
        self._renewed_at = float("-inf")
        self._skip: frozenset[str] = frozenset()
        self._look_now = asyncio.Event()
        self._read_now = asyncio.Event()
        self._is_new = True
        url = sender.database_url
        self._looks, self._reads = Database(url, "looks"), Database(url, "reads")
        self._counts, self._records = Database(url, "counts"), Database(url, "records")
        self._recorder = Recorder(self._records, self._kept, self._disabled)

    async def run(self, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        listener = Listener(self._sender.database_url, lambda: _call(loop, self._heard))
        listener.start()
        loops = [self._look_loop(), self._read_loop(), self._count_loop(), self._recorder.run()]
        tasks = [loop.create_task(one) for one in loops]
        stop = loop.create_task(stopping.wait())
        try:
            ended, _ = await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()  # a loop that has ended did so by an error
            await self._stop(tasks)
        finally:
            for task in (stop, *tasks):
                task.cancel()
            await asyncio.gather(stop, *tasks, return_exceptions=True)
            listener.stop()
            for database in (self._looks, self._reads, self._counts, self._records):
                database.close()

    async def _stop(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks[:3]:
            task.cancel()
        await asyncio.gather(*tasks[:3], return_exceptions=True)
        for endpoint_id in list(self._channels):
            self._lose(endpoint_id)
        await asyncio.gather(*(channel.close() for channel in self._leaving.values()))
        deadline = time.monotonic() + _LAST_RESULTS
        while not self._recorder.is_idle() and time.monotonic() < deadline:  # noqa: ASYNC110 - as in _part
            await asyncio.sleep(_LEAST_INTERVAL / 10)
        with suppress(psycopg.Error):
            await self._looks.use(partial(release, me=self._me))

    def _heard(self) -> None:
        self._is_new = True
        self._look_now.set()
        self._read_now.set()

    def _permitted(self, seconds: float) -> bool:
        return self._until is not None and self._until.left() > seconds

    async def _look_loop(self) -> None:
        while True:
            renew = time.monotonic() - self._renewed_at >= self._sender.limits.renew
            began, now = time.monotonic(), self._sender.clock.now()
            with suppress(psycopg.Error):
                self._take(await self._look(renew=renew), began, now)
            await asyncio.sleep(_LEAST_INTERVAL)
            await _wait(self._look_now, _LOOK_INTERVAL - _LEAST_INTERVAL)

    async def _look(self, *, renew: bool) -> Round:
        return await self._looks.use(
            partial(
                look,
                me=self._me,
                ahead=self._sender.clock.ahead,
                renew=renew,
                owned=frozenset(self._channels),
                skip=self._skip,
                lease_seconds=self._sender.limits.lease,
            )
        )

    def _take(self, found: Round, began: float, now: datetime) -> None:
        if found.until is not None:
            self._until, self._renewed_at = found.until, began
        served = {one.endpoint.id for one in found.served}
        for endpoint_id in [one for one in self._channels if one not in served]:
            self._lose(endpoint_id)
        for one in found.served:
            self._serve(one, now, is_taken=one.endpoint.id in found.taken)
        self._skip = self._signers.still_unopened(found.secrets)
        self._sender.metrics.unopened_seen(len(self._signers.unopened))

    def _serve(self, served: Served, now: datetime, *, is_taken: bool) -> None:
        sender, endpoint = self._sender, served.endpoint
        if endpoint.id in self._leaving:
            return
        channel = self._channels.get(endpoint.id)
        if channel is not None and (
            channel.endpoint.url != endpoint.url or channel.endpoint.max_in_flight != endpoint.max_in_flight
        ):
            self._lose(endpoint.id)
            return
        if channel is None:
            client = EndpointClient(sender.way, endpoint.url, endpoint.max_in_flight, sender.limits.attempt)
            channel = Channel(endpoint, client, sender.clock, self._permitted, self._done)
            self._channels[endpoint.id] = channel
            self._read_now.set()
        elif is_taken:
            channel.drop()
        channel.endpoint = endpoint
        channel.signer = self._signers.signer(endpoint.id, served.secrets)
        if channel.signer is None:
            self._lose(endpoint.id)
            return
        if served.slowed_for:
            channel.slow(now + timedelta(seconds=served.slowed_for))
        channel.pump()

    def _lose(self, endpoint_id: str) -> None:
        channel = self._leaving[endpoint_id] = self._channels.pop(endpoint_id)
        parting = asyncio.get_running_loop().create_task(self._part(channel))
        self._partings.add(parting)  # the loop itself holds it only weakly
        parting.add_done_callback(self._partings.discard)

    async def _part(self, channel: Channel) -> None:
        await channel.close()
        while channel.is_busy():  # noqa: ASYNC110 - rare, and simpler than one more signal
            await asyncio.sleep(_LEAST_INTERVAL)
        if channel.signer is None:
            # Another process may have the right key.
            with suppress(psycopg.Error):
                await self._looks.use(partial(release, me=self._me, only=channel.endpoint.id))
        del self._leaving[channel.endpoint.id]
        self._look_now.set()

    async def _read_loop(self) -> None:
        while True:
            await _wait(self._read_now, _LOOK_INTERVAL)
            if self._is_new or not self._read_now.is_set():
                self._is_new = False
                for channel in self._channels.values():
                    channel.is_drained = False
            self._read_now.clear()
            rooms = [room for channel in self._channels.values() if (room := channel.room()) is not None]
            if rooms:
                with suppress(psycopg.Error):
                    await self._read(rooms)

    async def _read(self, rooms: Sequence[Room]) -> None:
        ahead = self._sender.clock.ahead
        before = {room.endpoint_id: self._channels[room.endpoint_id] for room in rooms}
        generations = {endpoint_id: channel.generation for endpoint_id, channel in before.items()}
        found = await self._reads.use(partial(read_due, rooms=rooms, ahead=ahead))
        for room in rooms:
            channel = before[room.endpoint_id]
            if channel.generation != generations[room.endpoint_id]:
                continue  # read before another process may have sent it
            due = [one for one in found if one.endpoint_id == room.endpoint_id]
            channel.is_drained = len(due) < room.room
            channel.offer(due)

    async def _count_loop(self) -> None:
        while True:
            with suppress(psycopg.Error):
                await self._count(frozenset(self._channels), self._sender.clock.ahead)
            await asyncio.sleep(self._sender.limits.count)

    async def _count(self, mine: frozenset[str], ahead: timedelta) -> None:
        sender = self._sender
        self._disabled(await self._counts.use(partial(look_after, endpoint_ids=mine, ahead=ahead)))
        backlog = await self._counts.use(partial(read_backlog, ahead=ahead))
        sender.metrics.backlog_seen(backlog)
        for one in backlog.waiting:
            excess = one.pending - sender.limits.most_waiting
            if excess > 0 and one.endpoint_id in mine:
                given_up = await self._counts.use(
                    partial(give_up_oldest, endpoint_id=one.endpoint_id, excess=excess, ahead=ahead)
                )
                _log.critical("outbox_overflow", endpoint=one.endpoint_id, given_up=given_up)
                sender.metrics.overflowed(given_up)

    def _done(self, result: Result) -> None:
        self._sender.metrics.attempted(result.attempt, result.outcome)
        self._recorder.put(result)

    def _kept(self, results: Sequence[Result]) -> None:
        for result in results:
            endpoint_id = result.outcome.endpoint_id
            channel = self._channels.get(endpoint_id) or self._leaving.get(endpoint_id)
            if channel is not None:
                channel.forget(result.outcome.message_id)
                if result.session_id is not None:
                    channel.is_drained = False
        self._read_now.set()

    def _disabled(self, endpoint_ids: set[str]) -> None:
        for endpoint_id in endpoint_ids:
            if endpoint_id in self._channels:
                self._lose(endpoint_id)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _call(loop: asyncio.AbstractEventLoop, heard: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(heard)
