"""Many kernels forked from one template while the machine has too much to do: none may hang.

    .venv/bin/python -m benchmarks.forks [--forks 500] [--side-by-side 4] [--load 4]

Each kernel fits a model with two threads and multiplies matrices, since what imports start is what a fork can hang on.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from localrun.notebook.execution import NotebookResult, run_notebook
from localrun.notebook.warm import WarmKernels

HANGS_AFTER = 300  # seconds
NO_SPARK = "sc://localhost:1"
CELL = """# Databricks notebook source
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits
X = np.random.default_rng(0).normal(size=(2000, 10))
with threadpool_limits(2):
    model = HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(X, X[:, 0] > 0)
    total = float((X @ X.T).sum())
dbutils.notebook.exit(f"{total:.6f}")
"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forks", type=int, default=500)
    parser.add_argument("--side-by-side", type=int, default=4)
    parser.add_argument("--load", type=int, default=2 * (os.cpu_count() or 1))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, load(options.load), WarmKernels({}, Path(name, "log")) as warm:
        notebook = Path(name, "task.py")
        notebook.write_text(CELL, encoding="utf-8")

        def fork(number: int) -> NotebookResult:
            return run_notebook(
                notebook, parameters={}, task_key="task", upstream_values={}, spark_url=NO_SPARK, environment={},
                timeout_seconds=HANGS_AFTER, html=Path(name, f"{number}.html"), on_line=lambda _: None, warm=warm,
            )  # fmt: skip

        began = time.monotonic()
        with ThreadPoolExecutor(options.side_by_side) as pool:
            results = list(pool.map(fork, range(options.forks)))
        wall = time.monotonic() - began
    states, values = Counter(result.state for result in results), {result.exit_value for result in results}
    seconds = sorted(result.seconds for result in results)
    print(f"{len(results)} kernels in {wall:.0f} s beside {options.load} busy processes: {dict(states)}")
    print(f"seconds of one: median {statistics.median(seconds):.1f}, longest {seconds[-1]:.1f}; results {values}")
    print(f"forked: {warm.forked} of {len(results)}")
    if states != {"SUCCESS": len(results)} or len(values) != 1 or warm.forked != len(results):
        raise SystemExit("some kernels hung, failed or were not forked")


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Keep so many processes busy."""
    busy = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(processes)]
    for process in busy:
        process.start()
    try:
        yield
    finally:
        for process in busy:
            process.kill()


def _spin() -> None:
    while True:
        sum(range(10**6))


if __name__ == "__main__":
    main()
