"""`clean`: remove what a home need not keep for ever."""

import argparse
from dataclasses import fields
from datetime import UTC, datetime

from cli.errors import CliError
from cli.local.cleaning import Periods, find_removable, format_total
from cli.local.home import SETTINGS, lock_home, open_home


def main(arguments: argparse.Namespace) -> int:
    """Say what would go, or remove it; `--always` lets each run of the home do so from now on."""
    if not arguments.home.is_dir():
        raise CliError(f"There is no home in {arguments.home}. Name one with --home.")
    home = open_home(arguments.home)
    given = {field.name: getattr(arguments, field.name) for field in fields(Periods)}
    periods = Periods(**{name: days for name, days in given.items() if days is not None})
    with lock_home(home):
        removable = list(find_removable(home, periods, datetime.now(UTC)))
        for one in removable:
            print(f"{one.what:20}  {one.megabytes:8.1f} MB  {one.name}")
            if not arguments.dry_run:
                one.remove()
        if arguments.always and not arguments.dry_run:
            periods.save(home)
        if removable and not arguments.dry_run:
            from cli.local.landing import write_pages

            write_pages(home)
    done = "would go" if arguments.dry_run else "removed"
    print(f"{done}: {format_total(removable)}" if removable else "nothing is older than its period")
    if arguments.always and not arguments.dry_run:
        print(f"each run in {home.root} cleans up by these periods from now on; delete {SETTINGS} there to end that")
    return 0
