"""`restore FILE`: a home out of a backup, wherever it is wanted."""

import argparse

from cli.local.archive import read_archive
from cli.local.home import RESTORING, lock_home, open_home


def main(arguments: argparse.Namespace) -> int:
    """Unpack into a folder that is not there yet or empty, make it fit there, and leave out who was forgotten since."""
    root = arguments.home.expanduser().absolute()
    former = read_archive(arguments.file, root)
    home = open_home(root)
    from cli.local.forgetting import forget
    from cli.local.forgotten_users import find_forgotten, take_over

    with lock_home(home, forgetting=True):
        remark = take_over(home, former)
        users = find_forgotten(home)
        if users:
            print(f"{len(users)} users who were forgotten since are taken out:", *forget(home, users), sep="\n  ")
        (home.root / RESTORING).unlink()
    if remark:
        print(remark)
    print(f"{home.root} is restored. Where it was made, nothing was touched.")
    return 0
