"""Runs the benchmarks: `make bench` for all, or some by name. JSON lines go to stdout, tables to stderr.

python -m benchmarks [intake end_to_end ...] [--rounds 5] [--rows 1000000,10000000] ...
"""

import argparse
import sys
import time
from collections.abc import Mapping

from benchmarks import (
    asking,
    console_indexes,
    console_pages,
    console_readers,
    cost,
    end_to_end,
    growth,
    idle_latency,
    intake,
    marks,
    memory,
    replay,
    sending,
    yardsticks,
)
from benchmarks.effort import Benchmark, Effort, Line
from benchmarks.ground import ground
from benchmarks.load import WRK
from benchmarks.report import print_line, print_tables

BENCHMARKS: Mapping[str, Benchmark] = {
    "asking": asking.measure,
    "console": console_pages.measure,
    "console_indexes": console_indexes.measure,
    "intake": intake.measure,
    "end_to_end": end_to_end.measure,
    "console_readers": console_readers.measure,
    "cost": cost.measure,
    "idle_latency": idle_latency.measure,
    "growth": growth.measure,
    "marks": marks.measure,
    "memory": memory.measure,
    "replay": replay.measure,
    "sending": sending.measure,
    "yardsticks": yardsticks.measure,
}


def main() -> None:
    """Run the named benchmarks, or all."""
    default = Effort()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without one")
    for name in ("rounds", "seconds", "events", "plain_events", "receivers", "workers", "console_sessions"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(default, name))
    for name in ("connections", "rows"):
        parser.add_argument(f"--{name}", type=_numbers, default=getattr(default, name), help="comma-separated")
    parser.add_argument("--database-url", help="for console: a database of benchmarks.populate, filled if it is empty")
    arguments = vars(parser.parse_args())
    # `end_to_end` also reports the cost of its rounds.
    names = arguments.pop("benchmarks") or [name for name in BENCHMARKS if name != "cost"]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    if WRK is None:
        print("wrk is not installed: our own load generator takes CPU that counts against all.", file=sys.stderr)
    effort = Effort(**arguments)
    lines: list[Line] = []
    with ground() as servers:
        for name in names:
            began = time.monotonic()
            for line in BENCHMARKS[name](servers, effort):
                print_line(line)
                lines.append(line)
            print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print_tables(lines)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part.replace("_", "")) for part in text.split(","))


if __name__ == "__main__":
    main()
