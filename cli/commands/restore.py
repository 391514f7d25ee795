"""`restore FILE`: a home out of a backup, wherever it is wanted."""

import argparse

from cli.local.archive import read_archive
from cli.local.home import open_home


def main(arguments: argparse.Namespace) -> int:
    """Unpack into a folder that is not there yet or empty, and make the home fit that place."""
    root = arguments.home.expanduser().absolute()
    read_archive(arguments.file, root)
    home = open_home(root)
    print(f"{home.root} is restored. Where it was made, nothing was touched.")
    return 0
