"""A run's output: a JSON line per measurement, and tables for people at the end."""

import json
import sys
from collections.abc import Sequence
from itertools import groupby

from benchmarks.effort import Line


def print_line(line: Line) -> None:
    """Print a measurement as JSON to stdout, at once."""
    print(json.dumps(line), flush=True)


def print_tables(lines: Sequence[Line]) -> None:
    """Print a table for each benchmark to stderr, apart from the JSON lines."""
    for benchmark, group in groupby(lines, key=lambda line: line["benchmark"]):
        rows = [{name: value for name, value in line.items() if name != "benchmark"} for line in group]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        cells = [columns, *([_text(row.get(column)) for column in columns] for row in rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
        print(f"\n{benchmark}", file=sys.stderr)
        for row in cells:
            print("  " + "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)), file=sys.stderr)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
