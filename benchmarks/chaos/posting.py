"""Posting signed deliveries at a steady rate as the vendor does: some twice, some late, retried as the dialect says."""

import asyncio
import hashlib
import random
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.chaos.account import Account
from benchmarks.events import SignedEvent, mixed_bodies
from workers.queue.delivery import Provider

# As Dyte documents it: up to five tries, a second apart.
TRIES = 5
_PAUSE = 1.0
# The vendor times out after three; waiting longer measures how long an answer really takes.
PATIENCE = 3.0
_LISTENS = 15.0
# A few come twice under new ids, a few come late; seconds.
_COMES_TWICE, _COMES_LATE, _LATEST = 0.03, 0.02, 10.0
_ENOUGH = 10_000_000
_OK = 200
_FINAL = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to post.

    Attributes:
        ports: of the receivers, which are posted to in turn.
        rate: deliveries a second, without second tries.
        seed: another one makes other sessions.
        tries: for each delivery.
        notes: a file for the SHA-256 of each body that was answered with 200, a line each.
    """

    ports: Sequence[int]
    rate: float
    seed: int
    tries: int = TRIES
    notes: Path | None = None


class Posting:
    """Posts whole sessions, a new connection for each delivery.

    Attributes:
        account: what came of it so far.
        key: what deliveries are signed with; another may be set at any time.
    """

    def __init__(self, plan: Plan, on_accepted: Callable[[], None]) -> None:
        """Prepare to post by a plan; `on_accepted` is called for each 200."""
        self.account = Account()
        self.key: RSAPrivateKey
        self._plan = plan
        self._on_accepted = on_accepted
        self._chance = random.Random(plan.seed)
        self._notes = plan.notes.open("a", buffering=1) if plan.notes else None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin no more deliveries."""
        self._stopping.set()

    async def run(self) -> None:
        """Post until stopped, and return when the last delivery under way is answered or given up."""
        bodies = mixed_bodies(_ENOUGH, self._plan.seed)
        began = time.monotonic()
        number = 0
        async with asyncio.TaskGroup() as deliveries:
            while not self._stopping.is_set():
                due = began + number / self._plan.rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                provider, body = next(bodies)
                late = self._chance.uniform(0, _LATEST) if self._chance.random() < _COMES_LATE else 0.0
                deliveries.create_task(self._deliver(number, provider, body, late))
                if self._chance.random() < _COMES_TWICE:
                    later = self._chance.uniform(0, _LATEST)
                    deliveries.create_task(self._deliver(number, provider, body, later))
                number += 1
        if self._notes is not None:
            self._notes.close()

    async def _deliver(self, number: int, provider: Provider, body: bytes, lateness: float) -> None:
        identity = hashlib.sha256(body).digest()
        self.account.bodies[identity] = (provider, body)
        if lateness:
            await self._pause(lateness)
        uuid = self._new_uuid()
        for attempt in range(self._plan.tries):
            signature = b64encode(self.key.sign(body, PKCS1v15(), SHA256())).decode("ascii")
            request = SignedEvent(provider, uuid, signature, body).request("close")
            status = await self._post(self._plan.ports[(number + attempt) % len(self._plan.ports)], request)
            if status == _OK:
                self._accepted(identity)
                return
            # RealtimeKit never retries what was answered with a 4xx: every body here is good, so it is lost.
            if provider is Provider.REALTIMEKIT and status in _FINAL:
                self.account.lost_to_refusals += 1
                return
            # RealtimeKit has been seen to try again under a new id.
            uuid = self._new_uuid() if provider is Provider.REALTIMEKIT else uuid
            await asyncio.sleep(_PAUSE)
        self.account.given_up += 1

    def _accepted(self, identity: bytes) -> None:
        self.account.accepted[identity] += 1
        self.account.accepted_at[identity] = time.monotonic()
        if self._notes is not None:
            self._notes.write(f"{identity.hex()}\n")
        self._on_accepted()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _post(self, port: int, request: bytes) -> int | None:
        """Return the status of the answer; None where there was none."""
        account = self.account
        account.sent += 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(_LISTENS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(request)
                    head = await reader.readuntil(b"\r\n\r\n")
                finally:
                    writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            account.unanswered += 1
            return None
        took = time.monotonic() - began
        account.slowest = max(account.slowest, took)
        account.late += took > PATIENCE
        status = int(head[9:12])
        if status != _OK:
            account.refused[status] += 1
        return status

    def _new_uuid(self) -> str:
        return str(UUID(int=self._chance.getrandbits(128), version=4))
