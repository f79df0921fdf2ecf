"""A session's downloads: one per kind; the delivery received last wins."""

from datetime import datetime

import msgspec

from workers.reading.facts import ArtifactFact, ArtifactKind
from workers.rules.columns import Columns
from workers.rules.rule import Key, ReceivedLast


class ArtifactRow(msgspec.Struct, frozen=True, gc=False):
    """What a delivery states of a chat dump, a transcript or a summary."""

    session_id: str
    kind: ArtifactKind
    download_url: str | None
    download_url_expires_at: datetime | None


ARTIFACTS = Columns(
    ArtifactRow,
    {
        "session_id": Key(),
        "kind": Key(),
        "download_url": ReceivedLast("download_url_by"),
        "download_url_expires_at": ReceivedLast("expires_by"),
    },
)


def artifact_row(session_id: str, fact: ArtifactFact) -> ArtifactRow:
    """Return what a delivery states of an artifact."""
    return ArtifactRow(session_id, fact.kind, fact.download_url, fact.download_url_expires_at)
