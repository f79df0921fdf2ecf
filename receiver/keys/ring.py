"""The key ring: verifies signatures with the vendor's keys, and refuses one only if it is certainly foreign."""

import asyncio

from receiver.keys.public_key import PublicKey
from receiver.keys.watch import KeyWatch
from receiver.metrics import ReceiverMetrics
from receiver.refusal import RefusedError

# A request waits this long for the documents, so that it is answered well within the vendor's three seconds.
WAIT_SECONDS = 2.0

# With this many requests waiting for the documents, further ones get a 503 at once.
MOST_WAITING = 100


class ForeignSignatureError(RefusedError):
    """None of the keys made the signature, and that is certain."""

    status = 401
    reason = "foreign_signature"
    sentence = "The delivery's signature was made by none of the known keys."


class KeysNotFreshError(RefusedError):
    """No known key made the signature, but a new one may have."""

    status = 503
    reason = "keys_not_fresh"
    sentence = "The delivery's signature can't be checked right now; send it again."


class NoKeyError(RefusedError):
    """There is no key yet."""

    status = 503
    reason = "no_key"
    sentence = "There is no key yet to check signatures with; send it again."


class KeyRing:
    """Pinned keys, and those of the watched key documents."""

    def __init__(self, pinned: tuple[PublicKey, ...], watch: KeyWatch | None, metrics: ReceiverMetrics) -> None:
        """Combine `pinned` keys with those of the watched documents; without `watch` there are only the pinned ones."""
        self._pinned = pinned
        self._watch = watch
        self._metrics = metrics
        self._version = -1
        self._keys = list(pinned)
        self._waiting = 0
        metrics.keys_known(len(pinned))
        self._gather()

    def has_keys(self) -> bool:
        """Return whether there is any key."""
        self._gather()
        return bool(self._keys)

    async def start(self) -> None:
        """Start watching the documents."""
        if self._watch is not None:
            await self._watch.start()

    def is_whole(self) -> bool:
        """Return whether every document is still watched."""
        return self._watch is None or self._watch.is_whole()

    async def stop(self) -> None:
        """Stop watching the documents."""
        if self._watch is not None:
            await self._watch.stop()

    async def verify(self, signature: bytes, body: bytes) -> None:
        """Return if one of the keys made `signature` over exactly `body`.

        If no known key did, the documents are fetched again, at most once a minute for the whole ring. Requests that
        arrive during the fetch wait for it, too, and benefit from a new key.

        Raises:
            ForeignSignatureError: none did, as the pinned keys or the refetched documents prove.
            KeysNotFreshError: it is not certain yet.
            NoKeyError: there is no key at all.
        """
        if self._made_by_a_key(signature, body):
            return
        if self._watch is None:
            raise ForeignSignatureError
        if self._waiting >= MOST_WAITING:
            raise KeysNotFreshError
        self._waiting += 1
        try:
            await self._verify_anew(self._watch, signature, body)
        finally:
            self._waiting -= 1

    async def _verify_anew(self, watch: KeyWatch, signature: bytes, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_SECONDS
        since = watch.looks_started
        version = watch.version
        looks = watch.look_anew()
        while looks and (seconds := deadline - loop.time()) > 0:
            _, looks = await asyncio.wait(looks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if watch.version != version and self._made_by_a_key(signature, body):
                return
            version = watch.version
            if watch.all_looked_at_since(since):
                raise ForeignSignatureError
        raise KeysNotFreshError if self._keys else NoKeyError

    def _made_by_a_key(self, signature: bytes, body: bytes) -> bool:
        self._gather()
        for place, key in enumerate(self._keys):
            if key.made(signature, body):
                if place:  # the last key is likely to match the next: try it first
                    self._keys.insert(0, self._keys.pop(place))
                return True
        return False

    def _gather(self) -> None:
        """Reload the documents' keys if they may have changed."""
        if self._watch is None or self._version == self._watch.version:
            return
        self._version = self._watch.version
        unique = {key.fingerprint: key for key in (*self._keys, *self._watch.keys(), *self._pinned)}
        counting = {key.fingerprint for key in (*self._watch.keys(), *self._pinned)}
        self._keys = [key for fingerprint, key in unique.items() if fingerprint in counting]
        self._metrics.keys_known(len(self._keys))
