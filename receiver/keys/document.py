"""A key document: what the vendor's JSON says, and what is known of its keys over time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from receiver.keys.public_key import PublicKey, UnfitKeyError, read_public_keys

# How long an old key outlives its document's last word of it, and how long a document may be silent before a
# refusal no longer waits for it.
DAY = timedelta(days=1)

# A document is asked at least every hour. If it was not asked for this long, nobody ran who could have heard it.
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
        UnfitKeyError: it is no such document, or one of its keys is unfit.
    """
    try:
        document = _decoder.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise UnfitKeyError("A key document is not the JSON that the vendor publishes.") from None
    nested = document.data.public_key if document.data else None
    return read_public_keys(nested or document.public_key or "")


@dataclass(slots=True)
class KnownKey:
    """A key that a document held.

    Attributes:
        key: the key.
        missing_since: when the document was first seen without it; None while it is there.
    """

    key: PublicKey
    missing_since: datetime | None = None


@dataclass(slots=True)
class KeyDocument:
    """What is known of one document; pure, the time is passed in (UTC, by a steady clock: ages decide).

    Attributes:
        url: where it is.
        known: its keys by fingerprint, old ones included until the document has been without them for a day.
        answered_at: when it last gave good keys.
        asked_at: when it was last asked.
        silent_since: when it was first asked in vain since it last answered; None while it answers.
        latest_look: number of the latest look that gave good keys, see `KeyWatch`.
    """

    url: str
    known: dict[str, KnownKey] = field(default_factory=dict)
    answered_at: datetime | None = None
    asked_at: datetime | None = None
    silent_since: datetime | None = None
    latest_look: int = 0

    def resume(self, at: datetime) -> None:
        """Go on from what an earlier process knew: the time between its last look and now counts for nothing.

        Nobody looked meanwhile, and one of the two clocks may have been wrong.
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
        """Take over what a look at the document gave, unless a younger look was quicker."""
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
        """Note that the document was asked in vain: away, too slow, garbage. Its keys stay as they are."""
        nobody_asked = self.asked_at is not None and at - self.asked_at > _NOBODY_ASKED
        if self.silent_since is None or nobody_asked:
            self.silent_since = at
        self.asked_at = at

    def is_silent_for_a_day(self) -> bool:
        """Tell whether the document has been asked for a day and has not answered."""
        return self.silent_since is not None and self.asked_at is not None and self.asked_at - self.silent_since >= DAY

    def counting_keys(self) -> list[PublicKey]:
        """Return the keys that count, present ones first."""
        ordered = sorted(self.known.values(), key=lambda known: known.missing_since is not None)
        return [known.key for known in ordered]
