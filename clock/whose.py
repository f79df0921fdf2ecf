"""Which credentials a session is asked for with: those of its organization, else each in turn until one knows it."""

from collections.abc import Sequence

from vendor_api.credentials import Credentials


class Whose:
    """Credentials by organization; what is found out of unknown ones is remembered."""

    def __init__(self, credentials: Sequence[Credentials]) -> None:
        self._credentials = credentials
        self._known = {one.organization_id: one for one in credentials}

    def candidates(self, organization_id: str | None) -> Sequence[Credentials]:
        """Return the credentials to try for an organization, in order.

        RealtimeKit's events may call the organization what its API does not.
        """
        known = self._known.get(organization_id) if organization_id is not None else None
        return self._credentials if known is None else [known]

    def remember(self, organization_id: str | None, credentials: Credentials) -> None:
        """Remember what knows the sessions of an organization."""
        if organization_id is not None:
            self._known.setdefault(organization_id, credentials)
