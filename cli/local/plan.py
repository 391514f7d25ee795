"""A run that was found sound, before anything is started."""

import argparse
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cli.arguments import given_parameters
from cli.errors import CliError
from cli.local.home import Home
from cli.local.paths import whole_paths
from cli.local.question_files import choose_file, lay_over, read_file
from cli.local.sources import Source, choose_source
from lib.config import secrets
from lib.config.events import Events
from lib.config.kinds import is_none
from lib.config.question import Question
from lib.config.question_file import Entry, QuestionFile, check_entries
from lib.errors import ConfigError, SourceError
from localrun.bundle.bundle import Bundle, Job, load_bundle
from localrun.bundle.files import read_yaml
from localrun.checks.job import job_findings
from localrun.platform.rules import select_tasks
from localrun.run.job import job_parameters

SCHEMA = "propensity"
# On one machine there is one catalog, Spark's own.
_VARIABLES = {"catalog": "spark_catalog", "schema": SCHEMA, "question_file": ""}
_ASKED = {"events": f"spark_catalog.{SCHEMA}.events", "action": "purchase"}  # unless a question file says it
EXPERIMENT = "experiment"  # the job parameter that names it


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run that was found sound, before anything is started."""

    job: Job
    target: str
    selection: frozenset[str]
    source: Source
    given: dict[str, str]
    home: Home
    file: QuestionFile | None = None  # what is asked, where a file says it
    questions: dict[str, dict[str, str]] = field(default_factory=dict)  # of several: what each says by itself

    def local(self, job: Job) -> dict[str, str]:
        """Those parameters of a job that say where this machine keeps things."""
        names = {parameter.name for parameter in job.settings.parameters or []}
        return {name: value for name, value in self.home.parameters().items() if name in names}


def load_job(arguments: argparse.Namespace, file: QuestionFile | None = None) -> tuple[Job, Bundle]:
    """The job that the arguments name, and its bundle, with this machine's variables.

    Raises
    ------
    CliError
        If a check finds anything wrong with it.
    """
    declared = read_yaml(arguments.bundle / "databricks.yml", "databricks.yml").get("variables") or {}
    said = file.names if file else frozenset()
    variables = _VARIABLES | {name: text for name, text in _ASKED.items() if name not in said}
    bundle = load_bundle(arguments.bundle, arguments.target, {k: v for k, v in variables.items() if k in declared})
    job = bundle.job(arguments.job)
    if found := job_findings(job):
        lines = "\n  ".join(found)
        raise CliError(f"job {job.key} in {job.file} is not sound, see ./propensity validate:\n  {lines}")
    return job, bundle


def plan_run(arguments: argparse.Namespace, home: Home) -> Plan:
    """Plan a run, and refuse it before anything starts where a parameter of any stage cannot be read.

    Raises
    ------
    CliError, LocalRunError, ConfigError
        The message names the option, or the parameter and what was found.
    """
    by_hand = choose_file(given_parameters(arguments.param), home)
    file = read_file(by_hand)
    given = whole_paths(lay_over(by_hand, file))
    if not re.fullmatch(r"\w+", schema_of(given)):  # which Unity Catalog takes
        raise CliError(
            f"On one machine a schema is of letters, digits and _, which Spark's own catalog wants; got "
            f"{schema_of(given)!r}. Choose another, or a --home instead."
        )
    source = choose_source(arguments.source, given, home, schema_of(given))
    job, bundle = load_job(arguments, file)
    plan = Plan(
        job=job,
        target=bundle.target,
        selection=select_tasks(job.settings.tasks or [], arguments.only),
        source=source,
        given={},
        home=home,
        file=file,
    )
    names = {parameter.name for parameter in job.settings.parameters or []}
    said = file.names if file else frozenset()  # of some question: this counts over what is built in
    left_to_file = said - set(given)
    suits = {name: value for name, value in source.parameters.items() if name in names - left_to_file}
    local = {name: value for name, value in plan.local(job).items() if name not in said}
    questions = _questions(file, by_hand) if file and len(file.entries) > 1 else {}
    plan = replace(plan, given=local | given | suits, questions=questions)
    _check_parameters(plan)
    return plan


def _questions(file: QuestionFile, by_hand: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What each question of a file says by itself, by its name, unless it was given by hand."""
    left = file.names - file.common.keys() - {name for name, text in by_hand.items() if text.strip()}
    return {
        entry.name or str(number): {name: text for name, text in entry.texts.items() if name in left}
        for number, entry in enumerate(file.entries, 1)
    }


def _check_parameters(plan: Plan) -> None:
    """Read the parameters of the run, of each question, as all stages will."""
    start = datetime.now(UTC)
    parameters = job_parameters(plan.job, plan.given, "", start)
    entries = plan.file.entries if plan.file else (Entry(),)
    if "action" in parameters:  # the job that forgets asks nothing
        check_entries(entries, parameters)
    check_actions(entries, parameters)
    for entry in entries:
        whole_paths(entry.over(parameters))  # the files that are named are there
        check_secrets(entry.over(parameters), os.environ | plan.home.secrets())


def check_actions(entries: Iterable[Entry], parameters: Mapping[str, str]) -> None:
    """Refuse named actions that the run's files cannot tell, or that have an event type's name.

    Raises
    ------
    ConfigError
        The message names the column and, of a question file, line and key.
    """
    asking = [entry for entry in entries if not is_none(entry.over(parameters).get("actions", ""))]
    if not asking:
        return
    from lib.looking.named import SeenFiles, check_files_tell  # with DuckDB, which a run without them does not wait for

    seen = SeenFiles()
    for entry in asking:
        with entry.placing(parameters) as over:
            get = defaultdict(str, over).__getitem__
            try:
                check_files_tell(Events.from_widgets(get), Question.of(over), seen)
            except SourceError as error:  # what is wrong with files is told here as what was asked of them
                raise ConfigError(str(error)) from error


def check_secrets(parameters: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Refuse to start where a parameter names a secret that the environment of its tasks does not hold.

    Raises
    ------
    CliError
        The message names the parameter and the variable.
    """
    for name, text in parameters.items():
        for scope, key in secrets.named(text):
            if secrets.variable(scope, key) not in environment:
                raise CliError(
                    f"{name} names secret({scope}/{key}), and the environment variable "
                    f"{secrets.variable(scope, key)} is not set. Set it to the secret."
                )


def schema_of(parameters: Mapping[str, str]) -> str:
    """The schema of the run's tables, without its catalog."""
    return parameters.get("schema", SCHEMA).rpartition(".")[2]
