"""The sending to one endpoint: what it has in hand, how much goes at once and how fast, and when it pauses."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from automations.endpoints import Endpoint
from automations.sending.client import MOST_ANSWER_BYTES, EndpointClient
from automations.sending.clock import Clock
from automations.sending.due import Due, Room
from automations.sending.failing import PATIENCE
from automations.sending.judgement import Answer, Judgement, Verdict, judge
from automations.sending.recorder import Result
from automations.sending.results import AttemptRow, Outcome
from automations.sending.schedule import delay_after
from automations.sending.signature import Signer
from automations.sending.thin import thin_body
from runtime.version import USER_AGENT
from workers.rules.messages import BodyKind, DeliveryStatus, Order

# Messages that a channel holds for each that may be in flight: so that posting never waits for the database.
_AHEAD = 4
_AT_LEAST = 32
# A look at the tables is worth its while for this part of that, one in so many.
_LEAST_READ = 4
# An answer that is longer in coming than this, counted from the lease's end, could meet another process's attempt.
_SPARE = 1.0

_log = structlog.get_logger(__name__)


class Permission(Protocol):
    """Says whether an attempt of some seconds may be begun now."""

    def __call__(self, seconds: float) -> bool:
        """Return whether the lease lasts for that long."""


class Channel:
    """Sends to one endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        client: EndpointClient,
        clock: Clock,
        permitted: Permission,
        done: Callable[[Result], None],
    ) -> None:
        """Send to an endpoint.

        Args:
            endpoint: its row; `update` keeps it fresh.
            client: its connections.
            clock: the time.
            permitted: asked before each attempt.
            done: called with each result.
        """
        self.endpoint = endpoint
        self.signer: Signer | None = None
        self.client = client
        self._clock = clock
        self._permitted = permitted
        self._done = done
        self._queue: deque[Due] = deque()
        self._in_hand: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slowed_until: datetime | None = None
        # By the steady clock: when the rate allows the next request.
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        # Whether the last look found less than there was room for, and how often what was in hand was dropped.
        self.is_drained = False
        self.generation = 0

    def room(self) -> Room | None:
        """Return how much to read for it now; None while nothing is to be read."""
        most = max(_AT_LEAST, _AHEAD * self.endpoint.max_in_flight)
        if self.is_drained or self._is_closed or self.signer is None or self.is_slowed():
            return None
        if 2 * len(self._queue) > most:
            return None
        room = most - len(self._in_hand)
        # Not for a few: what is answered and not yet kept makes more room in a moment.
        return Room(self.endpoint.id, room, tuple(self._in_hand)) if _LEAST_READ * room >= most else None

    def offer(self, due: Iterable[Due]) -> None:
        """Take messages to be sent, in this order."""
        for one in due:
            if one.message_id not in self._in_hand and not self._is_closed:
                self._in_hand.add(one.message_id)
                self._queue.append(one)
        self.pump()

    def forget(self, message_id: str) -> None:
        """Let go of a message whose result is kept."""
        self._in_hand.discard(message_id)

    def drop(self) -> None:
        """Forget what is not in flight: another process may have sent it."""
        for one in self._queue:
            self._in_hand.discard(one.message_id)
        self._queue.clear()
        self.generation += 1
        self.is_drained = False

    def slow(self, until: datetime | None) -> None:
        """Leave the endpoint alone until then."""
        if until is not None and (self._slowed_until is None or until > self._slowed_until):
            self._slowed_until = until

    def is_slowed(self) -> bool:
        """Return whether the endpoint is to be left alone now."""
        return self._slowed_until is not None and self._slowed_until > self._clock.now()

    def is_busy(self) -> bool:
        """Return whether it has anything in hand: waiting, under way, or answered and not yet kept."""
        return bool(self._in_hand)

    async def close(self) -> None:
        """Begin nothing more, wait for what is under way, and close the connections."""
        self._is_closed = True
        self.drop()
        if self._timer is not None:
            self._timer.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        await self.client.close()

    def pump(self) -> None:
        """Begin as many attempts as may be begun now."""
        while self._queue and self._may_begin():
            task = asyncio.get_running_loop().create_task(self._attempt(self._queue.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _may_begin(self) -> bool:
        if (
            self._is_closed
            or self.signer is None
            or len(self._tasks) >= self.endpoint.max_in_flight
            or self.is_slowed()
            or not self._permitted(self.client.seconds + _SPARE)
        ):
            return False
        if self.endpoint.rate is None:
            return True
        now = time.monotonic()
        if now < self._free_at:
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._free_at - now, self._timer_over)
            return False
        self._free_at = max(self._free_at, now - 1 / self.endpoint.rate) + 1 / self.endpoint.rate
        return True

    def _timer_over(self) -> None:
        self._timer = None
        self.pump()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()
        self.pump()

    async def _attempt(self, due: Due) -> None:
        if self.signer is None:
            self.forget(due.message_id)
            return
        at, began = self._clock.now(), time.monotonic()
        try:
            answer = await self._post(due, self.signer)
        except Exception as error:  # noqa: BLE001 - no message may stay in hand indefinitely
            _log.error("attempt_broke", message=due.message_id, exc_info=error)
            answer = Answer(error="The message could not be prepared; the log of automations says why.")
        milliseconds = round((time.monotonic() - began) * 1000)
        now = self._clock.now()
        result = self._result(due, answer, judge(answer, now), at, milliseconds)
        self.slow(result.slowed_until)
        self._done(result)

    async def _post(self, due: Due, signer: Signer) -> Answer:
        body = thin_body(due.body) if self.endpoint.body is BodyKind.THIN else due.body
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            **signer.headers(due.message_id, int(time.time()), body),
        }
        return await self.client.post(headers, body.encode())

    def _result(self, due: Due, answer: Answer, judgement: Judgement, at: datetime, milliseconds: int) -> Result:
        now = self._clock.now()
        status, reason, used, again_after = DeliveryStatus.DELIVERED, None, 1, 0.0
        if judgement.verdict is Verdict.ABORTED:
            status, reason = DeliveryStatus.GIVEN_UP, "aborted"
        elif judgement.verdict is Verdict.FAILED:
            delay = delay_after(due.attempts + 1, self.endpoint.schedule, self._clock.chance())
            # Waiting because the endpoint asks for it uses up no attempt. A message that is asked to wait again and
            # again is given up all the same: after as long as an endpoint may fail.
            if judgement.asked_to_wait > (delay or 0.0) and now - due.made_at < PATIENCE:
                status, used, again_after = DeliveryStatus.PENDING, 0, judgement.asked_to_wait
            elif delay is None:
                status, reason = DeliveryStatus.GIVEN_UP, "schedule"
            else:
                status, again_after = DeliveryStatus.PENDING, max(delay, judgement.asked_to_wait)
        is_ordered = self.endpoint.order_by is Order.SESSION
        return Result(
            attempt=AttemptRow(
                due.message_id,
                due.endpoint_id,
                at,
                milliseconds,
                answer.status,
                judgement.error,
                readable(answer.text),
            ),
            outcome=Outcome(
                due.message_id, due.endpoint_id, status.value, reason, used, again_after, self._clock.ahead
            ),
            session_id=due.session_id if is_ordered else None,
            slowed_until=now + timedelta(seconds=judgement.leave_alone) if judgement.leave_alone else None,
            is_gone=judgement.is_gone,
        )


def readable(answer: bytes) -> str | None:
    """Return the beginning of an answer as text that Postgres can hold; None for none."""
    text = answer[:MOST_ANSWER_BYTES].decode("utf-8", "replace").replace("\x00", "")
    return text or None
