"""`run`: the whole job on this machine, from loading events to the closing words."""

import argparse
import shlex
from collections.abc import Iterable
from pathlib import Path

from cli.arguments import PROJECT
from cli.local.home import Home, lock_home, open_home
from cli.local.sources import check_given


def main(arguments: argparse.Namespace) -> int:
    """Run the job; 0 only when it succeeded."""
    home = open_home(arguments.home)
    check_given(arguments, home)
    from cli.local.plan import plan_run, schema_of  # takes a second to import: a slip of the pen is told at once

    plan = plan_run(arguments, home)
    from cli.local.job_run import say, start  # takes seconds
    from cli.local.progress import format_results
    from localrun.platform.rules import State
    from localrun.run import page

    with lock_home(home):
        page.close_abandoned(home.runs)
        run = start(plan)
    tables = home.warehouse / schema_of(run.parameters)
    page_line = f"page      {home.runs / run.run_id / 'index.html'}"
    say([*_places(home, tables), *format_results(run, tables), page_line])
    return {State.SUCCESS: 0, State.CANCELED: 130}.get(run.state, 1)


def _places(home: Home, tables: Path) -> Iterable[str]:
    option = "" if home.root == PROJECT / ".home" else f" --home {shlex.quote(str(home.root))}"
    return [f"tables    {tables}", f"models    ./propensity ui{option}"]
