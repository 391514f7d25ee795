"""The command line: what can be asked. What help says of it is in `help.py`; neither needs an installation."""

import argparse
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from cli.errors import CliError
from cli.help import ALERTS, EXAMPLES, INTRODUCTION, Parser, format_parameters, format_periods
from cli.options import (
    PROJECT,
    add_backtest_options,
    add_bundle_options,
    add_home_option,
    add_param_option,
    add_run_options,
)


def read_version() -> str:
    """The project's version."""
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def build_parser() -> Parser:
    """The parser; each command is the module of its name in this package."""
    parser = Parser(prog="./propensity", description=INTRODUCTION, epilog=EXAMPLES, hands_on=True)
    parser.add_argument("--version", action="version", version=f"propensity {read_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    run = commands.add_parser(
        "run", help="run the job", description="Run the job on this machine.", epilog=format_parameters()
    )
    add_run_options(run)
    run.add_argument(
        "--catch-up", action="store_true", help="make the runs that were missed since the last list, in order"
    )
    run.add_argument("--wait-until", type=datetime.fromisoformat, help=argparse.SUPPRESS)
    schedule = commands.add_parser(
        "schedule",
        help="run the job by its own schedule until stopped",
        description="Wait for the schedule in the job's YAML, run the job, and wait again.",
        epilog=format_parameters(),
    )
    add_run_options(schedule)
    _alive(commands)
    _look(commands.add_parser("look", help="see what is in a file of events, before a first run"))
    _while_you_work(commands)
    ui = commands.add_parser("ui", help="open the models and searches in the MLflow UI")
    add_home_option(ui)
    ui.add_argument("--port", type=int, help="port to listen on (default: 5000, or a free one)")
    _models_command(commands.add_parser("models", help="compare, promote, roll back and challenge registered models"))
    _audience_command(commands.add_parser("audience", help="show the published lists, or go back to the one before"))
    add_backtest_options(
        commands.add_parser(
            "backtest", help="replay the scheduled job over the past, under four policies of retraining"
        )
    )
    _by_hand(commands)
    _home_commands(commands)
    _clean_options(commands.add_parser("clean", help="remove what a home need not keep for ever"))
    _remote(commands.add_parser("remote", help="look at a deployed job, and start it"))
    return parser


def _alive(commands: "argparse._SubParsersAction[Parser]") -> None:
    alive = commands.add_parser(
        "alive", help="whether the run that was due took place; for a cron of your own", epilog=ALERTS
    )
    alive.add_argument("--grace", type=float, default=12, metavar="HOURS", help="how late a run may be (default: 12)")
    alive.add_argument("--job", default="propensity", help="the job (default: propensity)")
    add_home_option(alive)
    add_bundle_options(alive)


def _look(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say in seconds, without Spark, what a file holds, how to read it, and the command to run on it."
    )
    parser.add_argument("events", metavar="EVENTS", help="a file, folder or pattern, as the parameter events takes it")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write a first question file, like propensity.yml; never over one"
    )
    add_param_option(parser)


def _home_commands(commands: "argparse._SubParsersAction[Parser]") -> None:
    for name, what in (("backup", "put all of a home into one file"), ("restore", "make a home of such a file")):
        copied = commands.add_parser(name, help=what)
        copied.add_argument("file", type=Path, metavar="FILE", help="a .tar.gz file")
        add_home_option(copied)
    undo = commands.add_parser("undo", help="undo what the loads of a run and of later ones have done to a home")
    undo.add_argument("run", metavar="RUN", help="the id of the first run whose load was wrong, as its folder is named")
    add_home_option(undo)
    forget = commands.add_parser("forget", help="take users out of all that a home keeps")
    forget.add_argument("users", nargs="*", metavar="USER", help="ids, or - for standard input, one a line")
    forget.add_argument("--file", type=Path, help="a file with one id a line")
    forget.add_argument(
        "--missing",
        action="store_true",
        help="list who is not in the events any more, one a line as --file reads them, and forget nobody",
    )
    add_home_option(forget)


def _clean_options(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Remove old run pages, reports, studies, features, scores, lists, and files of earlier table versions, by the "
        "parameters that each run of the home cleans up by."
    )
    parser.epilog = format_periods()
    add_param_option(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and remove nothing")
    parser.add_argument("--always", action="store_true", help="let each run of the home clean up after it from now on")
    add_home_option(parser)


def _by_hand(commands: "argparse._SubParsersAction[Parser]") -> None:
    features = commands.add_parser("features", help="what each feature means, and in which unit")
    features.add_argument("word", nargs="?", default="", metavar="WORD", help="only those that it stands in, like buy")
    add_home_option(features)
    notebook = commands.add_parser("notebook", help="prepare one notebook for Jupyter or VS Code")
    notebook.add_argument("name", help="the notebook's name, such as train")
    add_home_option(notebook)


def _while_you_work(commands: "argparse._SubParsersAction[Parser]") -> None:
    validate = commands.add_parser(
        "validate",
        help="check the YAML, the notebooks, and how they are wired",
        description="Find what is wrong before it runs, also what `databricks bundle validate` does not say.",
    )
    add_bundle_options(validate)
    for name, which in (("check", "the tests that start nothing: a minute"), ("test", "all tests")):
        what = f"format, lint, types, layers, parameters, and {which}"
        commands.add_parser(
            name, help=what, usage=f"./propensity {name} [arguments of pytest]", description=what, hands_on=True
        )
    parameters = commands.add_parser(
        "parameters",
        help="write what lib/config says of parameters into notebooks, YAML and docs",
        description="Write the marked blocks of notebooks/, jobs/, README.md and docs/operations.md from lib/config.",
    )
    parameters.add_argument("--check", action="store_true", help="write nothing; name the files that differ, and fail")
    parameters.add_argument("--bundle", type=Path, default=PROJECT, help=argparse.SUPPRESS)


def _remote(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    status = actions.add_parser("status", help="the last runs, their tasks and verdicts")
    status.add_argument("--last", type=int, default=3, metavar="N", help="how many runs (default: 3)")
    run = actions.add_parser("run", help="start a run and follow it; fails when a task did not end as it should")
    add_param_option(run)
    logs = actions.add_parser("logs", help="what the tasks of a run said")
    logs.add_argument("--run", type=int, metavar="ID", help="the run (default: the newest)")
    models = actions.add_parser("models", help="the model versions in use")
    audience = actions.add_parser("audience", help="the head of the published lists")
    audience.add_argument("--head", type=int, default=10, metavar="N", help="how many users of each (default: 10)")
    audience.add_argument("--warehouse", metavar="ID", help="the SQL warehouse (default: the first that you may use)")
    for action in (status, run, logs, models, audience):
        add_bundle_options(action)
        action.add_argument("--profile", help="a profile of ~/.databrickscfg (default: as the Databricks CLI has it)")


def _models_command(parser: argparse.ArgumentParser) -> None:
    parser.description = "List every version of the models in a home, or do something about them."
    _models_options(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    diff = actions.add_parser("diff", help="what differs between two versions of the prediction model")
    diff.add_argument("versions", nargs=2, metavar="VERSION")
    promote = actions.add_parser("promote", help="put a version in use, whatever its evidence")
    promote.add_argument("version", metavar="VERSION")
    rollback = actions.add_parser("rollback", help="put the version in use again that was before the present one")
    challenge = actions.add_parser(
        "challenge", help="run the job with a model of your own in the place of a search's, as the next challenger"
    )
    challenge.add_argument(
        "uri", metavar="URI", help="runs:/<run>/<name>, runs:/<run>, models:/<name>/<version> or models:/<name>@<alias>"
    )
    for action in (promote, rollback):
        action.add_argument("--publish", action="store_true", help="score with it and publish the list anew")
    for action in (diff, promote, rollback, challenge):
        _models_options(action, again=True)


def _audience_command(parser: argparse.ArgumentParser) -> None:
    parser.description = "Show the published list of each question in a home, write it to a file, or roll it back."
    _models_options(parser)
    parser.add_argument("--head", type=int, default=10, metavar="N", help="how many users of each (default: 10)")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    rollback = actions.add_parser("rollback", help="put the list in use again that was before the present one")
    export = actions.add_parser("export", help="write a published list to a file that a channel loads, without a run")
    export.add_argument("file", type=Path, metavar="FILE", help="a .csv, .parquet or .jsonl file")
    export.add_argument(
        "--cutoff", type=date.fromisoformat, metavar="DATE", help="of an earlier list (default: present)"
    )
    add_param_option(export)
    for action in (rollback, export):
        _models_options(action, again=True)


def _models_options(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Options that may stand before or behind the action; behind it, none given must not undo one before it."""
    unset = argparse.SUPPRESS if again else None
    parser.add_argument("--question", metavar="SLUG", default=unset, help="the question, where the home has several")
    add_home_option(parser, again=again)


def given_parameters(pairs: Sequence[str], option: str = "--param", example: str = "action=purchase") -> dict[str, str]:
    """What `--param NAME=VALUE`, or another such option, says each time it stands there.

    Raises
    ------
    CliError
        If one has no `=`.
    """
    for pair in pairs:
        if "=" not in pair:
            raise CliError(f"{option} {pair!r} should be NAME=VALUE, such as {option} {example}.")
    return {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}


def known_parameters(texts: Mapping[str, str]) -> dict[str, str]:
    """Those whose text is known before a run: what holds `{{...}}` is filled in when it starts."""
    return {name: text for name, text in texts.items() if "{{" not in text}
