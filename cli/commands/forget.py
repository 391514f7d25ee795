"""`forget USER...`: take users out of all that a home keeps."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime

from cli.errors import CliError
from cli.local.home import lock_home, open_home


def main(arguments: argparse.Namespace) -> int:
    """Take them out, and print a receipt that names nobody."""
    if not arguments.home.is_dir():
        raise CliError(f"There is no home in {arguments.home}. Name one with --home.")
    if arguments.missing:
        return _list_missing(arguments)
    users = sorted(set(_read_users(arguments)))
    if not users:
        raise CliError("Nobody was named. Give ids, or --file with one a line, or - for standard input.")
    home = open_home(arguments.home)
    from cli.local.forgetting import add_their_ids, forget, sources_that_hold
    from cli.local.landing import write_pages
    from cli.replay.store import Store

    if Store(home.root).activity.exists():
        raise CliError(
            f"{home.root} is of a backtest, whose files all hold users. Delete the folder, and replay again."
        )

    with lock_home(home, forgetting=True):
        asked, users = len(users), add_their_ids(home, users)
        more = f", with {len(users) - asked} more ids of theirs," if len(users) > asked else ""
        print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {asked} users{more} are taken out of {home.root}:", flush=True)
        for line in forget(home, users):
            print(f"  {line}", flush=True)
        write_pages(home)
        held = sources_that_hold(home, users)
    for path in held:
        print(f"  {path} still holds some of them: it is yours to mend")
    print("No load brings them back: they are listed by keyed digests, which the next loads are held against.")
    print("Erase them in the source all the same. Backups and copies keep them.")
    return 0


def _list_missing(arguments: argparse.Namespace) -> int:
    """Print their ids, and all else beside them: the output is a file for --file."""
    if arguments.users or arguments.file:
        raise CliError(
            "--missing lists users and forgets nobody: leave out the others, or forget them by another call."
        )
    from cli.local.missing import list_missing

    with redirect_stdout(sys.stderr):
        home = open_home(arguments.home)
        with lock_home(home):
            users = list_missing(home)
    print(*users, sep="\n", end="\n" if users else "")
    return 0


def _read_users(arguments: argparse.Namespace) -> Iterator[str]:
    """Ids as they stand, blanks around them too; a file has one a line."""
    yield from (user for user in arguments.users if user != "-")
    if "-" in arguments.users:
        yield from filter(None, sys.stdin.read().splitlines())
    if arguments.file:
        yield from filter(None, arguments.file.read_text(encoding="utf-8").splitlines())
