"""The processes of one receiver or worker share one set of metrics, whatever happens to one of them."""

import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from runtime.figures import FiguresOfAll

COUNTS = """
from prometheus_client import Counter
Counter("good", "What a process counted.").inc(3)
"""


def test_a_process_that_was_killed_before_it_wrote_a_figure_hides_nobody_elses(tmp_path: Path) -> None:
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNTS], check=True, env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})
    (tmp_path / "counter_1.db").touch()
    registry = CollectorRegistry()
    FiguresOfAll(registry, path=str(tmp_path))  # type: ignore[no-untyped-call]
    assert b"good_total 6.0" in generate_latest(registry)
