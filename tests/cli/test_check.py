"""`./propensity check` and `test`: what they run in which order, and that one failure among them is a failure."""

import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cli.__main__ import main
from cli.commands import check

ROOT = Path(__file__).parents[2]
LINT = str(Path(sys.executable).with_name("lint-imports"))
FILES = ["ruff format", "ruff check", "mypy", "lint-imports"]
UNMARKED = ["-n", "2", "-m", "not spark and not job"]


@pytest.fixture
def ran(monkeypatch):
    """The commands that were run; those whose words hold one of `failing` fail."""
    calls = []

    def run(command, *, cwd, check):
        assert (cwd, check) == (ROOT, False)
        calls.append(command)
        return CompletedProcess(command, 3 if any(word in command for word in run.failing) else 0)

    run.calls, run.failing = calls, ()
    monkeypatch.setattr(check.subprocess, "run", run)
    return run


@pytest.mark.parametrize(("words", "asked"), [
    (["check"], UNMARKED),
    (["check", "-k", "drift"], [*UNMARKED, "-k", "drift"]),
    (["test"], ["-n", "3"]),
    (["test", "tests/lib", "-n", "0"], ["-n", "3", "tests/lib", "-n", "0"]),  # the last one counts
])  # fmt: skip
def test_files_are_looked_at_first_and_pytest_has_the_last_line(ran, words, asked):
    assert main(words) == 0
    said = [" ".join(Path(word).name for word in command) for command in ran.calls]
    assert [next((name for name in FILES if name in line), None) for line in said[:4]] == FILES
    last = ran.calls[-1]
    assert last[last.index("pytest") :] == ("pytest", "--dist", "loadgroup", *asked)
    assert [line for line in said if "pytest" in line] == said[-1:]


@pytest.mark.parametrize("command", ["check", "test"])
@pytest.mark.parametrize("step", ["format", "check", "mypy", LINT, "pytest"])
def test_one_that_fails_holds_up_no_other_and_fails_the_whole(ran, command, step):
    main([command])
    whole = len(ran.calls)
    ran.failing = (step,)
    assert main([command]) == 1
    assert len(ran.calls) == 2 * whole


def test_the_programs_that_are_called_are_there():
    assert [step for step in check._STEPS if not Path(step[0]).exists()] == []
