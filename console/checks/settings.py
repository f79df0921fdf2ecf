"""The settings, and whose events are accepted."""

from collections.abc import Iterator, Mapping

from console.checks.finding import Finding, bad, doubtful, good
from receiver.settings import ReceiverSettings
from runtime.environment import SettingError
from workers.settings import WorkerSettings

# Placeholder for DATABASE_URL, which has its own check.
_ANY_DATABASE = {"DATABASE_URL": "postgresql://rollcall@/rollcall"}


def receiver_settings(environment: Mapping[str, str]) -> ReceiverSettings:
    """Return the receiver's settings, even if no database is configured.

    Raises:
        SettingError: another setting is invalid.
    """
    return ReceiverSettings.from_environment({**_ANY_DATABASE, **environment})


def check_settings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check the settings, except the database's URL."""
    try:
        receiver = receiver_settings(environment)
        problems = receiver.way_out.problems()
        receiver.var_folder.check()
        scope = WorkerSettings.from_environment({**_ANY_DATABASE, **environment}).scope
    except SettingError as error:
        yield bad("settings", str(error))
        return
    for problem in problems:
        yield doubtful("settings", str(problem))
    if not problems:
        yield good("settings", "all settings are valid")
    if scope.organization_ids is None:
        yield doubtful(
            "organizations",
            "ORGANIZATION_IDS is not set: the vendor signs for all its customers with one key, so anyone with an "
            "account can have events put into your tables. Set it to your organizations' ids.",
        )
    else:
        yield good("organizations", f"only events of {len(scope.organization_ids)} organization ids are accepted")
