"""Kill, freeze and cut off every part of Rollcall under load, and count what is lost: `make chaos`.

Prints a summary as JSON; the exit status is 1 if anything was lost, doubled, or did not hold. Root can fill disks, and
with libfaketime installed clocks jump: which faults can't come here, and why, stands under `left_out`. A mixed run of
ten minutes or more has every kind of fault at least once.

    python -m benchmarks.chaos [--queue postgres|rabbitmq|cluster] [--scenario mixed|queue-down|...] [--seconds 600]
        [--rate 200] [--seed 1] [--pooler]
"""

import argparse
import json
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks.chaos.fault import Fault
from benchmarks.chaos.messages import judge_messages, wait_until_sent
from benchmarks.chaos.posting import Plan
from benchmarks.chaos.scenarios import DEFAULT_SECONDS, SCENARIOS
from benchmarks.chaos.stage import set_stage
from benchmarks.chaos.vendor import Vendor
from benchmarks.chaos.verdict import judge, lost_at, wait_until_settled
from benchmarks.chaos.waiting import NeverCameError


def main() -> int:
    """Run a scenario and print its summary. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queue", choices=["postgres", "rabbitmq", "cluster"], default="postgres")
    parser.add_argument("--scenario", choices=list(SCENARIOS), default="mixed")
    parser.add_argument("--seconds", type=float, help="of faults (default: 600 for mixed, else 60)")
    parser.add_argument("--rate", type=float, default=200, help="deliveries a second, without second tries")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--pooler", action="store_true", help="reach Postgres through pgbouncer in session mode")
    parser.add_argument("--logs", type=Path, help="a folder to copy all logs to")
    arguments = parser.parse_args()
    if arguments.scenario == "lose-a-node" and arguments.queue != "cluster":
        parser.error("only a cluster has a node to lose: add --queue cluster")
    if arguments.seconds is None:
        arguments.seconds = DEFAULT_SECONDS[arguments.scenario]
    print(f"seed {arguments.seed}: setting the stage ...", file=sys.stderr, flush=True)
    summary = run(arguments)
    print(json.dumps(summary, indent=2))
    return 0 if summary["kept_its_promise"] else 1


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Run a scenario and return its summary."""
    with ExitStack() as ending:
        stage = ending.enter_context(
            set_stage(arguments.queue, pooled=arguments.pooler, frail=arguments.scenario == "mixed")
        )
        if arguments.logs:
            ending.callback(_save_logs, stage.folder, arguments.logs)
        plan = Plan(ports=stage.ports, rate=arguments.rate, seed=arguments.seed, notes=stage.folder / "accepted")
        vendor = ending.enter_context(Vendor(plan, stage.key))
        print("under load ...", file=sys.stderr, flush=True)
        began = time.monotonic()
        story = SCENARIOS[arguments.scenario](stage, arguments.seed, arguments.seconds)
        stage.repair()
        account = vendor.stop()
        lasted = time.monotonic() - began
        print("waiting for the last of it ...", file=sys.stderr, flush=True)
        try:
            story.figures["settled_after_seconds"] = round(wait_until_settled(stage, account), 1)
            if stage.endpoints is not None:
                took = wait_until_sent(stage.database_url, stage.endpoints)
                story.figures["messages_settled_after_seconds"] = round(took, 1)
        except NeverCameError as error:
            story.failures.append(str(error))
        if story.nobody_notices and (account.refused or account.unanswered or account.late):
            story.failures.append("Some deliveries were refused, not answered or answered late.")
        for part in (*stage.workers, *stage.automations):
            part.stop()
        verdict = judge(stage, account)
        messages = judge_messages(stage.database_url, stage.endpoints, story.losing) if stage.endpoints else None
        return {
            "scenario": arguments.scenario,
            "queue": arguments.queue,
            "pooler": arguments.pooler,
            "seed": arguments.seed,
            "seconds": round(lasted),
            "posts": account.sent,
            "posts_a_second": round(account.sent / lasted),
            "accepted": account.accepted.total(),
            "refused_by_status": dict(account.refused),
            "unanswered": account.unanswered,
            "given_up_by_the_vendor": account.given_up,
            "slowest_answer_seconds": round(account.slowest, 2),
            "answers_after_3_seconds": account.late,
            "faults": dict(sorted(story.faults.items())),
            **story.figures,
            **asdict(verdict),
            "lost_under": _lost_under(lost_at(stage, account), story.periods) if verdict.lost else None,
            "messages": messages and asdict(messages),
            "failures": story.failures,
            "kept_its_promise": verdict.is_good and (messages is None or messages.is_good) and not story.failures,
        }


def _lost_under(times: list[float], periods: Sequence[tuple[Fault, float, float]]) -> list[str]:
    """Return which faults were on, or over for less than ten seconds, when what is lost was accepted."""
    lines: Counter[str] = Counter()
    for at in times:
        on = [(fault.kind, began, ended) for fault, began, ended in periods if began - 1 <= at <= ended + 10]
        lines["; ".join(f"{kind} ({at - began:+.0f} s of {ended - began:.0f})" for kind, began, ended in on)] += 1
    return [f"{count}: {line}" for line, count in lines.most_common(40)]


def _save_logs(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for log in source.glob("**/*.log"):
        shutil.copy(log, target)


if __name__ == "__main__":
    sys.exit(main())
