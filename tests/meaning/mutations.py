"""Wrong rules: do the generated sessions reveal them?

`python -m tests.meaning.mutations` prints how many of the generated worlds show each; `test_mutations` has it that
every one shows.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from tests.meaning import presence
from tests.meaning.generate import MORNING, scopes, worlds
from tests.meaning.oracle import expected_tables
from tests.meaning.tables import differences
from tests.meaning.wrong_rules import MUTATIONS, Mutation
from workers.queue.delivery import Delivery
from workers.reading.scope import Scope

# In the order in which they import each other.
MODULES = ("values", "reading", "ledger", "happenings", "oracle", "presence")


def with_mutation(mutation: Mutation) -> dict[str, ModuleType]:
    """Return fresh modules of the reference model, with a wrong rule in one of them."""
    modules: dict[str, ModuleType] = {}
    with _restored_modules():
        for name in MODULES:
            source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
            if name == mutation.module:
                if source.count(mutation.right) == 0:
                    raise LookupError(f"{mutation.rule}: the line to change is not in {name}.py any more")
                source = source.replace(mutation.right, mutation.wrong)
            modules[name] = ModuleType(f"tests.meaning.{name}")
            sys.modules[modules[name].__name__] = modules[name]
            exec(compile(source, f"{name}.py", "exec"), modules[name].__dict__)
    return modules


@contextmanager
def _restored_modules() -> Iterator[None]:
    before = {name: import_module(f"tests.meaning.{name}") for name in MODULES}
    try:
        yield
    finally:
        sys.modules.update({f"tests.meaning.{name}": module for name, module in before.items()})


@dataclass(frozen=True)
class Sample:
    """A generated world with its right result."""

    kept: list[Delivery]
    scope: Scope
    expected: dict[str, list[dict[str, Any]]]
    views: list[Any]


def samples(number: int) -> list[Sample]:
    """Return generated worlds, the same each time: they change with the code, whose literals Hypothesis draws from."""
    made: list[Sample] = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(kept=worlds(), scope=scopes)
    def draw(kept: list[Delivery], scope: Scope) -> None:
        expected = expected_tables(kept, scope)
        made.append(Sample(kept, scope, expected, views(presence, expected)))

    draw()
    return made


def views(module: ModuleType, tables: dict[str, list[dict[str, Any]]]) -> list[Any]:
    """Return what the views show of these tables, long after."""
    later = MORNING + timedelta(days=30)
    shown: list[Callable[..., Any]] = [
        module.attendance,
        module.concurrency,
        module.session_summary,
        module.daily_usage,
    ]
    return [view(tables, later) for view in shown]


def shows(mutation: Mutation, modules: dict[str, ModuleType], sample: Sample) -> bool:
    """Tell whether a world has other tables, or other views, under a wrong rule."""
    if mutation.module == "presence":
        return views(modules["presence"], sample.expected) != sample.views
    found = modules["oracle"].expected_tables(sample.kept, sample.scope)
    return bool(differences(sample.expected, found))


def main() -> None:
    """Print in how many worlds each wrong rule shows."""
    made = samples(120)
    for mutation in MUTATIONS:
        modules = with_mutation(mutation)
        shown = sum(shows(mutation, modules, sample) for sample in made)
        sys.stdout.write(f"{shown:3} of {len(made)}  {mutation.rule}\n")


if __name__ == "__main__":
    main()
