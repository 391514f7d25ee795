"""`python -m cli COMMAND`: what the launcher calls."""

import importlib
import signal
import sys
from collections.abc import Sequence

from cli.arguments import build_parser
from cli.errors import CliError
from datasets.errors import DatasetError
from lib.errors import PropensityError
from localrun.errors import LocalRunError, format_machine_error

_INTERRUPTED = 130  # what shells expect after Ctrl-C


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; an error that its user can mend is one line, without a traceback."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["help"]:
        given = [*given[1:], "--help"]
    parser = build_parser()
    arguments, unknown = parser.parse_known_args(given)
    if unknown and arguments.command not in ("check", "test"):  # which hand pytest what they do not know themselves
        parser.refuse(unknown)
    arguments.rest = given[1:]
    try:
        # only the command that was asked for is imported: help stays instant
        return int(importlib.import_module(f"cli.commands.{arguments.command}").main(arguments))
    except (CliError, DatasetError, LocalRunError, PropensityError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (OSError, MemoryError) as error:
        line = format_machine_error(error)
        if not line:
            raise
        print(f"error: {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return _INTERRUPTED


if __name__ == "__main__":
    for polite in (signal.SIGTERM, signal.SIGINT):  # a script's shell may have had the second one ignored
        signal.signal(polite, signal.default_int_handler)
    sys.exit(main())
