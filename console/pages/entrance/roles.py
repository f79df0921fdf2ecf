"""Roles: what somebody who has logged in may see and do."""

from enum import StrEnum

from workers.tables.models import Holding


class Role(StrEnum):
    """What a user may see and do. Each includes those before it."""

    READ = "read"
    """Times, states, counts, ids of things and of connections."""
    PEOPLE = "people"
    """Names, ids of people, titles, texts, payloads and links as well."""
    OPERATE = "operate"
    """Replay, redeliver, enable, disable and test as well."""

    @property
    def may_operate(self) -> bool:
        """Whether it allows acts."""
        return self is Role.OPERATE


def sees(role: Role) -> frozenset[Holding]:
    """Return what columns may hold to be shown to a role."""
    return frozenset({Holding.NOTHING, Holding.PEER}) if role is Role.READ else frozenset(Holding)
