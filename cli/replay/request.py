"""What a backtest is asked for, noted in its home: a second call goes on with the same, and with nothing else."""

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sklearn

from cli.arguments import given_parameters
from cli.errors import CliError
from cli.local.home import Home
from cli.local.paths import whole_paths
from cli.local.plan import load_job
from cli.local.question_files import choose_file, lay_over, read_file
from cli.local.sources import Source, choose_source
from lib.config.catalogue import check_all, with_defaults
from lib.config.question import Question
from lib.config.question_file import PARAMETER, QuestionFile
from lib.sources import csv_files, files
from lib.whole_files import write_whole
from localrun.run.job import job_parameters

# What nobody acts on: the replay contacts nobody.
_OF_THE_LIST = ("export", "export_format", "export_columns", "export_identifiers", "suppress", "contacted")
# What the replay says itself, and what would leave its home or not repeat.
_OWN = {
    "as_of": "--from, --to and --every say the days", "n_trials": "--trials says it", "schema": "--home says the place",
    "models": "--home says the place", "experiment": "--home says the place", "run_id": "each run has its own",
    "bundle_root": "the replay runs no notebooks", "optuna_storage": "each search begins anew",
    "challenger": "every run searches",
    **dict.fromkeys(_OF_THE_LIST, "no list leaves the home, and outcomes are of everybody"),
    "reports": "the replay writes its own", "search_on": "all trials run here",
    "search_workers": "a search must repeat", "search_seconds": "a search must repeat",
    "accept_shrunk": "all events are read once", "run_date": "each run takes place on its as_of",
    "compute": "all of it runs here", "feature_keys": "one machine has none",
}  # fmt: skip
_LEFT_OUT = ("as_of", "optuna_storage", "reports", "challenger", *_OF_THE_LIST)  # whatever the bundle says of them
_NOTED = ("n_trials",)  # all the same
# Noted where they are said: homes were begun without a word of them.
_NOTED_IF_SAID = (
    "users", "user_columns", "user_options", "trusted_attributes", "identities", "identity_columns", "identity_options",
)  # fmt: skip
SCHEMA = "activity"  # of the table that all runs of a backtest see parts of
_WORLD = {"users": int, "days": int, "seed": int, "drift_day": int, "activity": float}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A backtest that was found sound, before anything is started."""

    days: tuple[date, ...]  # as_of of each run
    parameters: dict[str, str]  # of the job
    source: Source
    world: dict[str, Any]  # arguments of the invented app; empty for other sources
    stores: str
    noted: dict[str, str]  # all of it as the home keeps it, by the names that the user knows

    @property
    def question(self) -> Question:
        return Question.of(self.parameters)

    @property
    def last_day(self) -> date:
        """The end of the last run's horizon."""
        return self.days[-1] + timedelta(days=self.question.reach_days)


def read_request(arguments: argparse.Namespace, home: Home) -> Request:
    """Check what was asked for, also against what this home was begun with.

    Raises
    ------
    CliError
        The message names the option.
    """
    days = _read_days(arguments)
    if arguments.trials < 1:
        raise CliError(f"--trials must be 1 or more, got {arguments.trials}.")
    given = choose_file(given_parameters(arguments.param), home)
    file = _one_question(given)
    given = lay_over(given, file)
    if own := [name for name in given if name in _OWN]:
        raise CliError(f"--param {own[0]} has no place in a backtest: {_OWN[own[0]]}. Leave it out.")
    given = whole_paths(given)
    if arguments.source == "none" and "events" not in given:
        raise CliError("--source none leaves nothing to read. Name the events with --param events=...")
    world = _world(arguments, given)
    source = choose_source(arguments.source, given, home, SCHEMA, world)
    job, _ = load_job(arguments, file)
    names = {parameter.name for parameter in job.settings.parameters or []}
    # Reasons in words change no score, and nobody reads them here: a quarter of a run's time.
    suits = {name: text for name, text in source.parameters.items() if name in names}  # what is given, found from here
    told = {"reasons": "0"} | given | suits
    told |= dict.fromkeys(_LEFT_OUT, "")
    told |= {"run_date": "none"}  # of each run its as_of is today
    told |= {"n_trials": str(arguments.trials), "schema": "backtest", "models": "backtest", "experiment": "backtest"}
    parameters = with_defaults(job_parameters(job, told, "", datetime(2000, 1, 1, tzinfo=UTC)))
    check_all(parameters)  # a slip of the pen is told now
    noted = {"--from": str(days[0]), "--to": str(_day("last", arguments.last))}
    noted |= {"--every": arguments.every, "--stores": arguments.stores}
    noted |= {"--source": arguments.source or ("none" if "events" in given else "complete-journey")}
    noted |= {f"--world {name}": str(value) for name, value in world.items()}
    told_of = [name for name, text in parameters.items() if text or name not in _NOTED_IF_SAID]
    noted |= {f"--param {name}": parameters[name] for name in told_of if name not in _OWN or name in _NOTED}
    if files.may_be_text(parameters["events"]):  # a home goes on with what it has read
        noted["reading of CSV"] = csv_files.RULE
    noted["scikit-learn"] = sklearn.__version__  # what one version has pickled another may read otherwise
    request = Request(
        days=tuple(days), parameters=parameters, source=source, world=world, stores=arguments.stores, noted=noted
    )
    _same(home.root / "backtest.json", noted)
    return request


def _read_days(arguments: argparse.Namespace) -> list[date]:
    """The day of each run."""
    first, last = (_day(name, getattr(arguments, name)) for name in ("first", "last"))
    step = re.fullmatch(r"([1-9]\d{0,3})d", arguments.every)
    if not step:
        raise CliError(f"--every must be a number of days such as 7d, got {arguments.every!r}.")
    if last < first:
        raise CliError(f"--to {last} lies before --from {first}.")
    days = [first]
    while days[-1] + timedelta(days=int(step[1])) <= last:
        days.append(days[-1] + timedelta(days=int(step[1])))
    return days


def _one_question(given: Mapping[str, str]) -> QuestionFile | None:
    file = read_file(given)
    if file and len(file.entries) > 1:
        names = ", ".join(one.name or one.place for one in file.entries)
        raise CliError(f"A backtest asks one question, and {given[PARAMETER]} has {names}. Give one by --param.")
    return file


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        option = {"first": "--from", "last": "--to"}[name]
        raise CliError(f"{option} must be a date like 2024-06-01, got {text!r}.") from None


def _world(arguments: argparse.Namespace, given: Mapping[str, str]) -> dict[str, Any]:
    pairs = given_parameters(arguments.world, "--world", "users=5000")
    if pairs and (arguments.source != "synthetic" or "events" in given):
        raise CliError("--world describes the invented app: it needs --source synthetic.")
    found: dict[str, Any] = {}
    for name, text in pairs.items():
        if name not in _WORLD:
            raise CliError(f"--world knows no {name!r}. It has {', '.join(_WORLD)}.")
        try:
            found[name] = _WORLD[name](text)
        except ValueError:
            raise CliError(f"--world {name} must be a number, got {text!r}.") from None
    return found


def _same(note: Path, asked: Mapping[str, str]) -> None:
    """Note what was asked for in a fresh home; in a begun one, refuse anything else."""
    if not note.exists():
        write_whole(note, json.dumps(asked, indent=1).encode())
        return
    before = json.loads(note.read_text(encoding="utf-8"))
    for name in dict.fromkeys([*asked, *before]):
        if before.get(name) != asked.get(name):
            was, now = (repr(one[name]) if name in one else "nothing" for one in (before, asked))
            raise CliError(
                f"The backtest in {note.parent} was begun with {name} {was}, and this call says {now}. "
                f"Give this one a --home of its own, or delete {note.parent}."
            )
