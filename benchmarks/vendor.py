"""A vendor in a process of its own, for `asking`: prints what leads to it and, told to end, how often it was asked."""

import json
import random
import sys

from tests.vendor_api.fake_vendor import FakeVendor
from tests.vendor_api.world import made_up

WORLD_SEED = 1


def main() -> None:
    """Serve a world of so many sessions until a line comes in."""
    with FakeVendor(made_up(random.Random(WORLD_SEED), int(sys.argv[1]))) as vendor:
        print(json.dumps(vendor.environment(realtimekit=False)), flush=True)
        sys.stdin.readline()
        print(len(vendor.calls), flush=True)


if __name__ == "__main__":
    main()
