"""Signed events to post: whole sessions, many at a time, created once and cached.

A session has fifteen events, always in order; a hundred sessions are live at once and their events mix at random, as
they would at a receiver. Half of the sessions use one dialect, half the other.
"""

import base64
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from console.samples.session import sample_session
from workers.queue.delivery import Delivery, Provider, new_delivery_id

CACHE = Path(__file__).parent / ".cache"

# When the newest session of a set ended: a fixed time, so that a set is the same wherever it is created.
_ENDED_AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
_LIVE_AT_ONCE = 100
_SIGNED_AT_ONCE = 250
_PREFIX = {Provider.DYTE: "dyte", Provider.REALTIMEKIT: "rtk"}


class SignedEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event as the vendor would post it.

    Attributes:
        provider: decides the dialect and the names of the headers.
        delivery_uuid: its delivery's id.
        signature: base64.
        body: the signed bytes.
    """

    provider: Provider
    delivery_uuid: str
    signature: str
    body: bytes

    def request(self, connection: str) -> bytes:
        """Return the whole HTTP request with this `connection` header (`close` like the vendor, or `keep-alive`)."""
        prefix = _PREFIX[self.provider]
        head = (
            "POST /webhook HTTP/1.1\r\n"
            "host: 127.0.0.1\r\n"
            "accept: application/json, text/plain, */*\r\n"
            "content-type: application/json\r\n"
            f"{prefix}-signature: {self.signature}\r\n"
            f"{prefix}-uuid: {self.delivery_uuid}\r\n"
            f"{prefix}-webhook-id: 6f1a2b3c-0000-4000-8000-000000000001\r\n"
            "user-agent: axios/1.7.7\r\n"
            f"content-length: {len(self.body)}\r\n"
            f"connection: {connection}\r\n"
            "\r\n"
        )
        return head.encode("ascii") + self.body

    def delivery(self) -> Delivery:
        """Return the delivery that a receiver would make of it now."""
        received_at = datetime.now(UTC)
        return Delivery(
            new_delivery_id(received_at), received_at, self.provider, self.delivery_uuid, "webhook", self.body
        )


@dataclass(frozen=True, slots=True)
class EventSet:
    """Events and the key that signed them.

    Attributes:
        events: in the order in which to post them.
        public_key: PEM.
        folder: the cache for files derived from them.
    """

    events: Sequence[SignedEvent]
    public_key: str
    folder: Path

    def requests_file(self, connection: str) -> Path:
        """Return a file with all requests, each preceded by its length in eight digits."""
        path = self.folder / f"requests-{connection}"
        if not path.exists():
            requests = (event.request(connection) for event in self.events)
            _write_whole(path, b"".join(b"%08d" % len(request) + request for request in requests))
        return path


def signed_events(count: int) -> EventSet:
    """Return a set of `count` events, from the cache if possible."""
    folder = CACHE / f"events-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    key_file, events_file = CACHE / "key.pem", folder / "events"
    if not key_file.exists():
        _write_whole(key_file, _new_key())
        events_file.unlink(missing_ok=True)
    if not events_file.exists():
        bodies = list(mixed_bodies(count, seed=count))
        parts = [(key_file, bodies[at : at + _SIGNED_AT_ONCE], at) for at in range(0, count, _SIGNED_AT_ONCE)]
        with ProcessPoolExecutor() as signers:
            events = [event for part in signers.map(_sign, parts) for event in part]
        _write_whole(events_file, msgspec.msgpack.encode(events))
    decoded = msgspec.msgpack.decode(events_file.read_bytes(), type=list[SignedEvent])
    public_key = _key(key_file).public_key()
    pem = public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return EventSet(decoded, pem.decode("ascii"), folder)


def mixed_bodies(count: int, seed: int) -> Iterator[tuple[Provider, bytes]]:
    """Yield `count` bodies of sessions that are live at once; which sessions depends on the seed."""
    chance = random.Random(seed)
    dialects = list(Provider)
    live: list[tuple[Provider, list[bytes]]] = []
    for _ in range(count):
        while len(live) < _LIVE_AT_ONCE:
            dialect = chance.choice(dialects)
            bodies = sample_session(dialect, _ENDED_AT, chance).bodies
            live.append((dialect, list(reversed(bodies))))
        dialect, rest = chance.choice(live)
        yield dialect, rest.pop()
        if not rest:
            live.remove((dialect, rest))


def unsigned_deliveries(count: int, seed: int) -> list[Delivery]:
    """Return `count` deliveries as a receiver would make them now, for benchmarks that skip the signature."""
    deliveries = []
    for number, (provider, body) in enumerate(mixed_bodies(count, seed)):
        received_at = datetime.now(UTC)
        uuid = _delivery_uuid(number)
        deliveries.append(Delivery(new_delivery_id(received_at), received_at, provider, uuid, "webhook", body))
    return deliveries


def _sign(part: tuple[Path, list[tuple[Provider, bytes]], int]) -> list[SignedEvent]:
    key_file, bodies, first = part
    key = _key(key_file)
    return [
        SignedEvent(
            provider,
            _delivery_uuid(first + number),
            base64.b64encode(key.sign(body, padding.PKCS1v15(), SHA256())).decode("ascii"),
            body,
        )
        for number, (provider, body) in enumerate(bodies)
    ]


def _delivery_uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _new_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _key(path: Path) -> rsa.RSAPrivateKey:
    return cast("rsa.RSAPrivateKey", serialization.load_pem_private_key(path.read_bytes(), password=None))


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically: an interrupted run must not leave half a set behind."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_bytes(content)
    unfinished.replace(path)
