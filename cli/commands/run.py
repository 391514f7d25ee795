"""`run`: the whole job on this machine, from loading events to the closing words."""

import argparse
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cli.local import readers
from cli.local.home import Home, HomeInUse, lock_home, open_home
from cli.local.question_files import remember_file
from cli.local.sources import check_given
from cli.options import PROJECT

if TYPE_CHECKING:
    from cli.local.plan import Plan
    from localrun.run.record import JobRun

SKIPPED = 75  # as programs end that may be called again: another run held the home all the time


def main(arguments: argparse.Namespace) -> int:
    """Run the job; 0 only when it succeeded."""
    home = open_home(arguments.home)
    check_given(arguments, home)
    from cli.local.plan import plan_run, schema_of  # takes a second to import: a slip of the pen is told at once

    plan = plan_run(arguments, home)
    from cli.local.job_run import say, start  # takes seconds
    from cli.local.machine import check_machine
    from cli.local.masking import hide_passwords
    from cli.local.progress import format_results
    from localrun.platform.state import State
    from localrun.run import page

    try:
        with lock_home(home, arguments.wait_until):
            check_machine(home)
            readers.tell_once(home.root)
            hide_passwords(home.root)
            remember_file(home, plan.given)
            page.close_abandoned(home.runs)
            runs = _catch_up(arguments, home, plan) if arguments.catch_up else [start(plan)]
            from cli.local.cleaning import clean_after_run  # with pandas, which a run does not wait for
            from cli.local.landing import write_pages

            if runs and runs[-1].state is State.SUCCESS:
                clean_after_run(home, plan.given)
            write_pages(home)
    except HomeInUse as error:
        if arguments.wait_until is None:
            raise
        print(f"error: {error}", file=sys.stderr)
        return SKIPPED
    if not runs:
        return 0
    run = runs[-1]
    tables = home.warehouse / schema_of(run.parameters)
    page_line = f"page      {home.runs / run.run_id / 'index.html'}"
    say([*_places(home, tables), *format_results(run, tables), page_line])
    return {State.SUCCESS: 0, State.CANCELED: 130}.get(run.state, 1)


def _catch_up(arguments: argparse.Namespace, home: Home, plan: "Plan") -> "list[JobRun]":
    from cli.local.catch_up import catch_up  # with pandas, which a run by itself does not wait for
    from cli.local.job_run import start

    return catch_up(arguments, home, plan, start)


def _places(home: Home, tables: Path) -> Iterable[str]:
    option = "" if home.root == PROJECT / ".home" else f" --home {shlex.quote(str(home.root))}"
    return [f"tables    {tables}", f"models    ./propensity ui{option}"]
