"""A key document: the vendor's JSON, and the history of its keys."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from receiver.keys.public_key import PublicKey, UnfitKeyError, read_public_keys

# How long a key is still trusted after its document drops it, and how long a document may be unreachable before
# refusals no longer wait for it.
DAY = timedelta(days=1)

# A document is fetched at least every hour. If it was not fetched for this long, no receiver was running.
_NOBODY_ASKED = timedelta(hours=3)


class _Data(msgspec.Struct, rename="camel"):
    public_key: str | None = None


class _Document(msgspec.Struct, rename="camel"):
    data: _Data | None = None
    public_key: str | None = None


_decoder = msgspec.json.Decoder(_Document)


def read_key_document(content: bytes) -> tuple[PublicKey, ...]:
    """Return the keys of a document: `{"data": {"publicKey": PEM}}` or `{"publicKey": PEM}`; at least one.

    Raises:
        UnfitKeyError: it is not such a document, or one of its keys is unfit.
    """
    try:
        document = _decoder.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise UnfitKeyError("A key document is not the JSON that the vendor publishes.") from None
    nested = document.data.public_key if document.data else None
    return read_public_keys(nested or document.public_key or "")


@dataclass(slots=True)
class KnownKey:
    """A key from a document.

    Attributes:
        key: the key.
        missing_since: when the document was first seen without it; None while it is in there.
    """

    key: PublicKey
    missing_since: datetime | None = None


@dataclass(slots=True)
class KeyDocument:
    """The history of one document. Pure: the time is passed in (UTC, from a monotonic clock, as only ages matter).

    Attributes:
        url: the document's URL.
        known: its keys by fingerprint, including old ones until they have been missing for a day.
        answered_at: when it last returned valid keys.
        asked_at: when it was last fetched.
        silent_since: the first failed fetch since the last success; None while it answers.
        latest_look: the number of the latest successful fetch, see `KeyWatch`.
    """

    url: str
    known: dict[str, KnownKey] = field(default_factory=dict)
    answered_at: datetime | None = None
    asked_at: datetime | None = None
    silent_since: datetime | None = None
    latest_look: int = 0

    def resume(self, at: datetime) -> None:
        """Continue from an earlier process's state: the time since its last fetch does not count.

        Nothing was fetched in between, and one of the two clocks may have been wrong.
        """
        if self.asked_at is None:
            return
        pause = at - self.asked_at
        self.asked_at = at
        if self.silent_since is not None:
            self.silent_since += pause
        for known in self.known.values():
            if known.missing_since is not None:
                known.missing_since += pause

    def answered(self, keys: tuple[PublicKey, ...], at: datetime, look: int) -> None:
        """Record a fetch's keys, unless a later fetch finished first."""
        if look < self.latest_look:
            return
        self.latest_look = look
        self.asked_at = self.answered_at = at
        self.silent_since = None
        present = {key.fingerprint for key in keys}
        for key in keys:
            self.known[key.fingerprint] = KnownKey(key)
        for fingerprint, known in list(self.known.items()):
            if fingerprint in present:
                continue
            if known.missing_since is None:
                known.missing_since = at
            elif at - known.missing_since >= DAY:
                del self.known[fingerprint]

    def failed(self, at: datetime) -> None:
        """Record a failed fetch (unreachable, too slow, invalid). The keys stay as they are."""
        nobody_asked = self.asked_at is not None and at - self.asked_at > _NOBODY_ASKED
        if self.silent_since is None or nobody_asked:
            self.silent_since = at
        self.asked_at = at

    def is_silent_for_a_day(self) -> bool:
        """Return whether every fetch of the document has failed for a day."""
        return self.silent_since is not None and self.asked_at is not None and self.asked_at - self.silent_since >= DAY

    def counting_keys(self) -> list[PublicKey]:
        """Return the keys that count, present ones first."""
        ordered = sorted(self.known.values(), key=lambda known: known.missing_since is not None)
        return [known.key for known in ordered]
