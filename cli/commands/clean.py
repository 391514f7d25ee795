"""`clean`: remove what a home need not keep for ever."""

import argparse
from datetime import UTC, datetime

from cli.arguments import given_parameters
from cli.errors import CliError
from cli.local.home import SETTINGS, Home, lock_home, open_home
from cli.local.question_files import choose_file, lay_over, read_file
from lib.config.keeping import Periods
from lib.config.question_file import PARAMETER


def main(arguments: argparse.Namespace) -> int:
    """Say what would go, or remove it; `--always` lets each run of the home do so from now on."""
    if not arguments.home.is_dir():
        raise CliError(f"There is no home in {arguments.home}. Name one with --home.")
    home = open_home(arguments.home)
    given = _read_given(arguments, home)
    from cli.local.cleaning import find_removable, read_periods  # with pandas, which takes a second
    from lib.stages.cleaning import format_total

    periods = read_periods(home, given)
    with lock_home(home):
        removable = list(find_removable(home, periods, datetime.now(UTC)))
        for one in removable:
            print(f"{one.what:20}  {one.megabytes:8.1f} MB  {one.name}")
            if not arguments.dry_run:
                one.remove()
        if arguments.always and not arguments.dry_run:
            home.keep_for((home.periods() or {}) | given)
        if removable and not arguments.dry_run:
            from cli.local.landing import write_pages

            write_pages(home)
    done = "would go" if arguments.dry_run else "removed"
    print(f"{done}: {format_total(removable)}" if removable else "nothing is older than its period")
    if arguments.always and not arguments.dry_run:
        print(f"each run in {home.root} cleans up by these periods from now on; delete {SETTINGS} there to end that")
    return 0


def _read_given(arguments: argparse.Namespace, home: Home) -> dict[str, str]:
    """The periods that were given: by hand, over what the question file says that the home is asked by.

    Raises
    ------
    CliError
        For a parameter that says something else.
    """
    by_hand = given_parameters(arguments.param, example="keep_runs_days=30")
    names = [each.name for each in Periods.parameters()]
    if other := next((name for name in by_hand if name not in (*names, PARAMETER)), ""):
        raise CliError(f"{other} is no period. clean takes {', '.join(names)}.")
    said = lay_over(by_hand, read_file(choose_file(by_hand, home)))
    return {name: said[name] for name in names if said.get(name, "").strip()}
