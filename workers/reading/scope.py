"""Whose deliveries count: `WEBHOOK_IDS` and `ORGANIZATION_IDS`."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The webhook ids and organizations whose deliveries count; None means any."""

    webhook_ids: frozenset[str] | None = None
    organization_ids: frozenset[str] | None = None

    def admits_webhook(self, webhook_id: str | None) -> bool:
        """Return whether deliveries of a webhook registration count."""
        return self.webhook_ids is None or webhook_id in self.webhook_ids

    def admits_organizations(self, named: AbstractSet[str], *, may_be_none: bool) -> bool:
        """Return whether a body counts, given the organizations it names: each of them must count.

        Args:
            named: the organizations.
            may_be_none: whether it may count without naming any.
        """
        if self.organization_ids is None:
            return True
        return named <= self.organization_ids and (bool(named) or may_be_none)
