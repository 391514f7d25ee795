"""Options that several commands have, and those of the two with most of them."""

import argparse
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def add_param_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter of the job; may be repeated (their names: run --help)",
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    add_param_option(parser)
    parser.add_argument(
        "--only",
        metavar="TASKS",
        help="run only these tasks, by comma; train+ takes all after train too, +train all before it",
    )
    add_source_option(parser)
    add_home_option(parser)
    add_bundle_options(parser)
    parser.add_argument("--job", default="propensity", help="the job to run (default: propensity)")


def add_backtest_options(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Replay the scheduled job over the past, in a home of its own, and compare never retraining, retraining every "
        "run, the job's own gate, and an oracle. Called again it goes on where it was."
    )
    parser.add_argument("--from", dest="first", required=True, metavar="DATE", help="as_of of the first run")
    parser.add_argument("--to", dest="last", required=True, metavar="DATE", help="no run is later than that")
    parser.add_argument("--every", default="7d", metavar="DAYS", help="how far runs lie apart (default: 7d)")
    parser.add_argument("--trials", type=int, default=8, metavar="N", help="trials of each search (default: 8)")
    parser.add_argument(
        "--stores",
        choices=["memory", "delta"],
        default="memory",
        help="replay in memory, or over Delta tables and MLflow, which takes far longer (default: memory)",
    )
    parser.add_argument(
        "--world",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how the invented app of --source synthetic is to be: users, days, seed, drift_day, activity",
    )
    add_param_option(parser)
    add_source_option(parser)
    add_home_option(parser, default=".backtest")
    add_bundle_options(parser)
    parser.set_defaults(job="propensity")


def add_source_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source",
        choices=["complete-journey", "cdnow", "synthetic", "none"],
        help="events to load when no events parameter is given (default: complete-journey)",
    )


def add_home_option(parser: argparse.ArgumentParser, *, again: bool = False, default: str = ".home") -> None:
    parser.add_argument(
        "--home",
        type=Path,
        default=argparse.SUPPRESS if again else PROJECT / default,
        metavar="DIR",
        help=f"where all that is kept goes (default: {default} in the project)",
    )


def add_bundle_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", help="the bundle's target (default: its default one)")
    parser.add_argument("--bundle", type=Path, default=PROJECT, help=argparse.SUPPRESS)
