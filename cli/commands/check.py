"""`check`: what answers within a minute: format, lint, types, layers, parameters, and the tests that start nothing."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.options import PROJECT

_PYTHON = (sys.executable, "-m")
_STEPS = (
    (*_PYTHON, "ruff", "format", "--check"),
    (*_PYTHON, "ruff", "check"),
    (*_PYTHON, "mypy"),
    (str(Path(sys.executable).with_name("lint-imports")),),
)
_OWN = (("parameters", "--check"),)  # commands of ours
_PYTEST = (*_PYTHON, "pytest", "--dist", "loadgroup")  # what shares a fixture or a Spark: in one process


def main(arguments: argparse.Namespace) -> int:
    """Run all of it even if an early step fails; 0 only if none does."""
    return run_steps(["-n", "2", "-m", "not spark and not job", *arguments.rest])


def run_steps(asked: Sequence[str]) -> int:
    """Look at the files, then run pytest with these arguments: last, because its closing line counts."""
    commands = PROJECT / "cli" / "commands"
    own = [(*_PYTHON, "cli", *words) for words in _OWN if (commands / f"{words[0]}.py").exists()]
    steps = [*_STEPS, *own, (*_PYTEST, *asked)]
    return int(any([subprocess.run(step, cwd=PROJECT, check=False).returncode for step in steps]))
