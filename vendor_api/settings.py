"""The settings of the vendor's API."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.outgoing.client import WayOut
from runtime.setting import Setting
from runtime.setting_error import SettingError
from runtime.settings import (
    DYTE_API_KEY,
    DYTE_API_URL,
    DYTE_ORGANIZATION_ID,
    REALTIMEKIT_ACCOUNT_ID,
    REALTIMEKIT_API_TOKEN,
    REALTIMEKIT_API_URL,
    REALTIMEKIT_APP_IDS,
    VENDOR_CALLS_PER_SECOND,
)
from vendor_api.credentials import Credentials, of_dyte, of_realtimekit


class HalfSetError(SettingError):
    """Some of the variables that belong together are set, others are not. The message names one that is missing."""

    def __init__(self, missing: str, because: str) -> None:
        Exception.__init__(self, f"{missing} is not set, but {because} is: set both, or neither, and restart.")
        self.name = missing


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """The settings of the vendor's API.

    Attributes:
        credentials: one for each organization and app; none: the API is not asked.
        calls_per_second: how many calls all processes that share a database make.
        way_out: the proxies and certificates to use.
    """

    credentials: tuple[Credentials, ...]
    calls_per_second: float
    way_out: WayOut = field(default_factory=WayOut)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "VendorSettings":
        """Read the settings.

        Raises:
            SettingError: a variable has a value that it does not take, or one that belongs to it is missing.
        """
        credentials: list[Credentials] = []
        url = DYTE_API_URL.of(environment)
        organization_id, key = DYTE_ORGANIZATION_ID.of(environment), DYTE_API_KEY.of(environment)
        _require_all(environment, DYTE_ORGANIZATION_ID, DYTE_API_KEY)
        if organization_id is not None and key is not None:
            credentials.append(of_dyte(organization_id, key, url))
        url = REALTIMEKIT_API_URL.of(environment)
        account_id, token = REALTIMEKIT_ACCOUNT_ID.of(environment), REALTIMEKIT_API_TOKEN.of(environment)
        apps = REALTIMEKIT_APP_IDS.of(environment)
        _require_all(environment, REALTIMEKIT_ACCOUNT_ID, REALTIMEKIT_APP_IDS, REALTIMEKIT_API_TOKEN)
        if account_id is not None and token is not None:
            credentials += [of_realtimekit(account_id, app_id, token, url) for app_id in dict.fromkeys(apps)]
        return cls(tuple(credentials), VENDOR_CALLS_PER_SECOND.of(environment), WayOut.from_environment(environment))


def _require_all(environment: Mapping[str, str], *settings: "Setting[str | None] | Setting[tuple[str, ...]]") -> None:
    is_set = [setting.name for setting in settings if setting.name in environment]
    missing = [setting.name for setting in settings if setting.name not in environment]
    if is_set and missing:
        raise HalfSetError(missing[0], is_set[0])
