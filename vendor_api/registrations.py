"""The registrations of webhooks: which URLs the vendor sends which events to."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from vendor_api.answers import Row, data_of, one_of, rows_of
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials, Dialect
from vendor_api.errors import VendorError

# All that both published descriptions name.
EVENTS = (
    "meeting.started",
    "meeting.ended",
    "meeting.participantJoined",
    "meeting.participantLeft",
    "meeting.chatSynced",
    "recording.statusUpdate",
    "livestreaming.statusUpdate",
    "meeting.transcript",
    "meeting.summary",
)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Registration:
    """A webhook at the vendor. `is_enabled` is None where the answer does not say."""

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    is_enabled: bool | None

    @property
    def missing_events(self) -> tuple[str, ...]:
        """The events that it does not get."""
        return tuple(event for event in EVENTS if event not in self.events)


class Registrations:
    """Lists and changes registrations. Every method raises what `VendorClient`'s raise."""

    def __init__(self, client: VendorClient) -> None:
        self._client = client

    def all(self, credentials: Credentials) -> list[Registration]:
        """Return all registrations of an organization or app."""
        rows = rows_of(self._client.get(credentials, "/webhooks").answer, "webhooks")
        return [one for one in map(_registration, rows) if one is not None]

    def create(self, credentials: Credentials, name: str, url: str) -> Registration | None:
        """Register a URL for all events; None if the vendor does not say under which id."""
        body = {"name": name, "url": url, "events": list(EVENTS), "enabled": True}
        row = one_of(self._client.send("POST", credentials, "/webhooks", body).answer, "webhook")
        return None if row is None else _registration(row)

    def enable(self, credentials: Credentials, registration: Registration, *, is_enabled: bool) -> None:
        """Enable or disable a registration."""
        # Always said: a description has it that leaving it out enables.
        self._client.send("PATCH", credentials, f"/webhooks/{registration.id}", {"enabled": is_enabled})

    def remove(self, credentials: Credentials, registration: Registration) -> None:
        """Remove a registration."""
        self._client.send("DELETE", credentials, f"/webhooks/{registration.id}")

    def known_events(self, credentials: Credentials) -> Sequence[str]:
        """Return the events that the vendor knows: as it says, where it does, else those published."""
        if credentials.dialect is Dialect.DYTE:
            return EVENTS
        try:
            data = data_of(self._client.get(credentials, "/webhooks/all").answer)
        except VendorError:
            return EVENTS
        events = data.get("events") if isinstance(data, dict) else data
        names = [one for one in events if isinstance(one, str)] if isinstance(events, list) else []
        return names or EVENTS


def same_url(one: str, other: str) -> bool:
    """Return whether two URLs are the same place: case of the host, default port and a last slash aside."""
    return _normal(one) == _normal(other)


def _normal(url: str) -> tuple[str, str, int | None, str, str]:
    parts = urlsplit(url.strip())
    try:
        port = parts.port
    except ValueError:
        port = None
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").rstrip("."), port or _PORTS.get(scheme), parts.path.rstrip("/"), parts.query


def _registration(row: Row) -> Registration | None:
    id_, url, events, enabled = row.get("id"), row.get("url"), row.get("events"), row.get("enabled")
    if not isinstance(id_, str) or not isinstance(url, str):
        return None
    return Registration(
        id_,
        str(row.get("name") or ""),
        url,
        tuple(one for one in events if isinstance(one, str)) if isinstance(events, list) else (),
        enabled if isinstance(enabled, bool) else None,
    )
