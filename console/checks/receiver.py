"""The receiver on this machine."""

from collections.abc import Iterator, Mapping

import httpx2

from console.checks.finding import Finding, bad, doubtful, good
from console.running.receiver_address import receiver_url
from runtime.environment import SettingError

_SECONDS = 2.5


def check_receiver(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check whether the receiver at HOST and PORT is ready."""
    try:
        url = receiver_url(environment)
    except SettingError as error:
        yield bad("receiver", f"can't be checked: {error}")
        return
    try:
        answer = httpx2.get(f"{url}/readyz", timeout=_SECONDS, trust_env=False)
        checks = answer.json()["checks"]
        troubles = [check["detail"] for check in checks.values() if not check["ok"]]
    except httpx2.ConnectError:
        # It may run on another machine.
        yield doubtful("receiver", f"none answers at {url}. If it should run here, start it with `make run`.")
        return
    except httpx2.TimeoutException:
        yield bad("receiver", f"{url} does not answer within {_SECONDS:g} s: check its log and restart it.")
        return
    except (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError):
        yield bad("receiver", f"{url} is not a receiver: move that program to another port, or set PORT.")
        return
    if answer.status_code != httpx2.codes.OK:
        yield bad("receiver", f"{url} is not ready: {' '.join(troubles)}")
    elif troubles:
        yield doubtful("receiver", f"{url} is ready, but: {' '.join(troubles)}")
    else:
        yield good("receiver", f"{url} is ready")
