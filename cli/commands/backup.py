"""`backup FILE`: all of a home in one file."""

import argparse

from cli.errors import CliError
from cli.local.home import KEY_FILE, lock_home, open_home


def main(arguments: argparse.Namespace) -> int:
    """Write the file while no run is under way."""
    if not arguments.home.is_dir():
        raise CliError(f"There is no home in {arguments.home}. Name one with --home.")
    home = open_home(arguments.home)
    from cli.local.archive import write_archive

    with lock_home(home):
        write_archive(home, arguments.file)
    if home.forgotten_key():
        print(f"The key to the list of forgotten users is not in it: keep {home.root / KEY_FILE} apart from backups.")
    print(f"{arguments.file} has all of {home.root}. Back again: ./propensity restore {arguments.file} --home NEW")
    return 0
