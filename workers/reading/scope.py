"""Whose deliveries count: `WEBHOOK_IDS` and `ORGANIZATION_IDS`."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """The webhook registrations and organizations whose deliveries count; None stands for any."""

    webhook_ids: frozenset[str] | None = None
    organization_ids: frozenset[str] | None = None

    @property
    def admits_all(self) -> bool:
        """Whether every delivery counts."""
        return self.webhook_ids is None and self.organization_ids is None

    def admits(self, webhook_id: str | None, organization_ids: Iterable[str]) -> bool:
        """Tell whether a delivery counts: its registration is one of those set, and so is each organization it names.

        A body that names no organization is admitted: it can touch nothing but a livestream.
        """
        if self.webhook_ids is not None and webhook_id not in self.webhook_ids:
            return False
        return self.organization_ids is None or self.organization_ids.issuperset(organization_ids)
