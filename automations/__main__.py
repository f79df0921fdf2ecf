"""`python -m automations`: tells other systems what happened and what it came to."""

import argparse
import sys

from automations.announcing.announcer import Announcer
from automations.metrics import AutomationsMetrics
from automations.run import run_until_stopped
from automations.secrets import Keyring
from automations.sending.guard import Guard
from automations.sending.sender import Sender
from automations.sending.way import Way
from automations.settings import AutomationsSettings
from runtime.environment import SettingError, read_environment
from runtime.figures import serve_figures
from runtime.logs import set_up_logging
from runtime.outgoing.unusable import warn_of


def main() -> int:
    """Announce and send until SIGTERM or SIGINT. Returns the exit status."""
    argparse.ArgumentParser(prog="python -m automations", description=__doc__).parse_args()
    set_up_logging()
    try:
        environment = read_environment()
        settings = AutomationsSettings.from_environment(environment)
        keyring = Keyring.from_environment(environment)
    except SettingError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    warn_of(settings.certificates.problems())
    metrics = AutomationsMetrics()
    serve_figures(metrics.registry, settings.host, settings.metrics_port)
    way = Way(Guard(settings.allow, loopback=settings.opens_loopback), settings.proxy, settings.certificates)
    announcer = Announcer(settings.database_url, settings.announce_within, settings.settle_after)
    return run_until_stopped(announcer, Sender(settings.database_url, keyring, way, metrics))


if __name__ == "__main__":
    sys.exit(main())
