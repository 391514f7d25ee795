"""`look`: what is in a file of events, before a first run; in seconds, and without Spark."""

import argparse
from datetime import UTC, datetime

from cli.arguments import given_parameters
from cli.errors import CliError
from cli.local.sources import locate_events
from lib.config.catalogue import all_parameters, check_each
from lib.config.events import Events
from lib.looking.first_file import format_file
from lib.looking.format import format_look
from lib.looking.look import look


def main(arguments: argparse.Namespace) -> int:
    """Look at the events and print what was seen, the command to run last."""
    given = given_parameters(arguments.param)
    check_each(given)
    if "more_sources" in given:
        raise CliError("look takes one source at a time: look at each by itself, and leave more_sources to the run.")
    said = {name: text for name, text in given.items() if name != "events"}
    config = Events.from_widgets(
        lambda name: locate_events(arguments.events) if name == "events" else said.get(name, "")
    )
    if arguments.write and arguments.write.exists():
        raise CliError(f"{arguments.write} is there already and stays as it is. Name another file.")
    named = all_parameters()["actions"].read(lambda name: said.get(name, ""))
    seen = look(config, datetime.now(UTC).date(), named)
    for line in format_look(seen, said, arguments.write):
        print(line)
    if arguments.write:
        try:
            with arguments.write.open("x", encoding="utf-8") as file:
                file.write(format_file(seen, said))
        except OSError as error:
            raise CliError(f"{arguments.write} cannot be written: {error.strerror}.") from error
    return 0
