"""Replay: process deliveries again, one or what a filter of `/deliveries` shows."""

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from console.pages.acts.act import Prepared, described
from console.pages.asking import Asking
from console.pages.refusals import PageError
from console.pages.views.deliveries import FILTERS, chosen_deliveries
from console.queries.deliveries import find_deliveries
from runtime.session import Session
from workers.reading.scope import Scope
from workers.reading.status import Status
from workers.settling.replay_chosen import Selection, replay

# More take longer than a page should: that is what the command is for.
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Replay:
    """The act, with whose deliveries count."""

    database_url: str
    scope: Scope

    def prepare(self, asking: Asking) -> Prepared:
        """Return what would be replayed.

        Raises:
            PageError: it is too much for a page.
        """
        one = asking.uuid("delivery")
        if one is not None:
            return self._prepared((one,), f"delivery {one}", f"/deliveries/{one}")
        chosen = chosen_deliveries(asking)
        ids = tuple(row["id"] for row in find_deliveries(asking.tables, chosen, _MOST + 1, now=asking.now))
        if len(ids) > _MOST:
            raise PageError(
                HTTPStatus.CONFLICT,
                f"More than {_MOST} deliveries: choose fewer with the filters, or use `rollcall replay`.",
            )
        fields = {name: asking.text(name) or "" for name in FILTERS}
        return self._prepared(ids, described(fields) or "all", "/deliveries")

    def _prepared(self, ids: tuple[UUID, ...], subject: str, back: str) -> Prepared:
        def do(_connection: Session) -> str:
            became = replay(self.database_url, Selection(ids=ids), self.scope)
            parts = ", ".join(f"{became[status]} {status.value}" for status in Status if became[status])
            return f"Replayed {became.total()} {_deliveries(became.total())}: {parts or 'nothing'}."

        question = (
            f"Process {len(ids)} {_deliveries(len(ids))} again? Each session that they name is rebuilt, or left as it "
            "is. It is safe at any time."
        )
        return Prepared("replay", subject, question, len(ids), back, do)


def _deliveries(number: int) -> str:
    return "delivery" if number == 1 else "deliveries"
