"""A toy bundle whose notebooks and Spark are played, and the command line on it."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from cli.local import job_run as cli_run
from tests.builders import bundles


@dataclass
class Result:
    """What the fake notebooks come to; the fields are those of the real result."""

    state: str = "SUCCESS"
    task_values: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


class Spark:
    """Stands for the Spark server; remembers whether it was stopped."""

    started: list[tuple[Any, ...]] = []  # noqa: RUF012 - one list for all, emptied by the fixture
    url = "sc://nowhere"

    def __init__(self, *asked: Any, **named: Any) -> None:
        self.started.append(asked)

    def __enter__(self):
        return self

    def __exit__(self, *ended):
        return None


VALUES = {"extract": {"day": "2024-06-01"}, "train": {"needed": False, "summary": "AUC 0.803"}}


def set_stage(folder: Path, patch: pytest.MonkeyPatch):
    """Write a toy bundle; returns `run(*options)`, which knows the calls of its notebooks, and where it runs."""
    calls: list[tuple[str, dict[str, Any]]] = []
    results: dict[str, Result] = {}

    def notebook(path, *, task_key, on_line, **asked):
        calls.append((task_key, asked))
        on_line("step 1")
        return results.get(task_key, Result(task_values=VALUES.get(task_key, {})))

    Spark.started.clear()
    patch.setattr(cli_run, "run_notebook", notebook)
    patch.setattr(cli_run, "SparkServer", Spark)
    patch.setattr(cli_run, "WarmKernels", lambda environment, log: nullcontext())
    bundles.write(folder / "bundle")

    def run(*options, command="run"):
        fixed = ["--bundle", str(folder / "bundle"), "--home", str(folder / "home"), "--job", "toy"]
        return main([command, *fixed, "--source", "none", *options])

    run.calls, run.results, run.home, run.bundle = calls, results, folder / "home", folder / "bundle"
    return run
