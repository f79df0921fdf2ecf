"""`python -m console`: the web console."""

import argparse
import os
import sys

from console.pages.app import create_app
from console.pages.metrics import ConsoleMetrics
from console.pages.serving import serve
from console.pages.settings import ConsoleCantStartError, ConsoleSettings
from runtime.environment import SettingError, read_environment
from runtime.figures import serve_figures
from runtime.listening import listen
from runtime.logs import set_up_logging

_NICENESS = 10


def main() -> int:
    """Serve the pages until SIGTERM or SIGINT. Returns the exit status: 2 if it can't start."""
    argparse.ArgumentParser(prog="python -m console", description=__doc__).parse_args()
    set_up_logging()
    try:
        environment = read_environment()
        settings = ConsoleSettings.from_environment(environment)
        listener = listen(settings.host, settings.port)
    except (SettingError, ConsoleCantStartError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(
            f"The console can't listen on CONSOLE_HOST, CONSOLE_PORT {settings.port}: {error.strerror}. "
            "Stop the program that uses it, or set them to a free address of this machine.\n"
        )
        return 2
    # On a machine of their own pages lose nothing by it; beside the receiver and workers they wait for these.
    os.nice(_NICENESS)
    metrics = ConsoleMetrics()
    serve_figures(metrics.registry, settings.metrics_host, settings.metrics_port)
    serve(create_app(settings, metrics, environment), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
