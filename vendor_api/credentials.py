"""What the API is asked with: one of Dyte's organizations, or an app of RealtimeKit, each in its dialect."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Dialect(StrEnum):
    """The two dialects of the API. What else differs between them is read leniently, so nothing needs to ask."""

    DYTE = "dyte"
    """`Authorization: Basic`, one organization. Also spoken by `https://api.realtime.cloudflare.com/v2`."""
    REALTIMEKIT = "realtimekit"
    """`Authorization: Bearer`, an app of an account at Cloudflare."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one organization's data is asked for with.

    Attributes:
        dialect: the dialect of the API.
        organization_id: Dyte's organization, or the app.
        account: what the vendor counts calls by: all of an account's apps share one token.
        base_url: without a slash at its end; the app's path included.
        authorization: the value of the header.
    """

    dialect: Dialect
    organization_id: str
    account: str
    base_url: str
    authorization: str = field(repr=False)

    @property
    def name(self) -> str:
        """How messages call it."""
        what = "organization" if self.dialect is Dialect.DYTE else "app"
        return f"{self.dialect} {what} {self.organization_id}"

    @property
    def variable(self) -> str:
        """The variable that holds the secret."""
        return "DYTE_API_KEY" if self.dialect is Dialect.DYTE else "REALTIMEKIT_API_TOKEN"

    def without_secrets(self, text: str) -> str:
        """Return a text without the words that hold the secret: an answer may repeat what it was asked with."""
        token = self.authorization.rpartition(" ")[2]
        secrets = [token]
        if self.dialect is Dialect.DYTE:
            secrets.append(b64decode(token).decode().removeprefix(f"{self.organization_id}:"))
        return " ".join(word for word in text.split() if not any(secret in word for secret in secrets))

    def headers(self) -> Mapping[str, str]:
        """Return the headers of every call."""
        return {"authorization": self.authorization}


def of_dyte(organization_id: str, api_key: str, url: str) -> Credentials:
    """Return the credentials of an organization at Dyte."""
    basic = b64encode(f"{organization_id}:{api_key}".encode()).decode("ascii")
    return Credentials(Dialect.DYTE, organization_id, f"dyte:{organization_id}", url, f"Basic {basic}")


def of_realtimekit(account_id: str, app_id: str, token: str, url: str) -> Credentials:
    """Return the credentials of an app of RealtimeKit."""
    base = f"{url}/accounts/{account_id}/realtime/kit/{app_id}"
    return Credentials(Dialect.REALTIMEKIT, app_id, f"realtimekit:{account_id}", base, f"Bearer {token}")
