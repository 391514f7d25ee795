"""`run`: the whole job on this machine, from loading events to the closing words."""

import argparse
import shlex
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import psutil

from cli.afterwards import told
from cli.arguments import PROJECT, given_parameters
from cli.earlier import needed_values
from cli.errors import CliError
from cli.home import Home, at, locked, new_run_id
from cli.progress import Progress, closing
from cli.sources import Source, choose
from cli.tracking import ensure_experiment
from localrun import page
from localrun.bundle import Bundle, Job, load
from localrun.checks import check_job
from localrun.files import read_yaml
from localrun.for_each import check_inputs
from localrun.job import Machine, job_parameters, run_job
from localrun.notebook import NotebookResult, run_notebook
from localrun.record import JobRun, new_tasks
from localrun.rules import State, select
from localrun.scan import scan
from localrun.spark import SparkServer

SCHEMA = "propensity"
# On one machine there is one catalog, Spark's own.
_VARIABLES = {"catalog": "spark_catalog", "schema": SCHEMA}
EXPERIMENT = "experiment"  # the job parameter that names it
SPARK_LOG = "spark.log"  # in a run's folder
_EXIT = {State.SUCCESS: 0, State.CANCELED: 130}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run that was found sound, before anything is started."""

    job: Job
    jobs: Mapping[str, Job]  # all of the bundle: a task may run another one
    target: str
    selection: frozenset[str]
    source: Source
    given: dict[str, str]
    home: Home

    def local(self, job: Job) -> dict[str, str]:
        """Those parameters of a job that say where this machine keeps things."""
        names = {parameter.name for parameter in job.settings.parameters or []}
        return {name: value for name, value in self.home.parameters().items() if name in names}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all jobs of a run share once it has started."""

    spark_url: str
    spark_log: Path
    tracking: Future[None] | None
    stopped: Event = field(default_factory=Event)


def main(arguments: argparse.Namespace) -> int:
    """Run the job; 0 only when it succeeded."""
    home = at(arguments.home)
    plan = _plan(arguments, home)
    with locked(home):
        page.close_abandoned(home.runs)
        run = _start(plan)
    _say(_places(home, home.runs / run.run_id, _schema(run.parameters)))
    return _EXIT.get(run.state, 1)


def load_job(arguments: argparse.Namespace) -> tuple[Job, Bundle]:
    """The job that the arguments name, and its bundle, with this machine's variables.

    Raises
    ------
    CliError
        If a check finds anything wrong with it.
    """
    declared = read_yaml(arguments.bundle / "databricks.yml", "databricks.yml").get("variables") or {}
    bundle = load(arguments.bundle, arguments.target, {k: v for k, v in _VARIABLES.items() if k in declared})
    job = bundle.job(arguments.job)
    if found := check_job(job, bundle.jobs):
        lines = "\n  ".join(found)
        raise CliError(f"job {job.key} in {job.file} is not sound, see ./propensity validate:\n  {lines}")
    return job, bundle


def _plan(arguments: argparse.Namespace, home: Home) -> Plan:
    job, bundle = load_job(arguments)
    given = given_parameters(arguments.param)
    for name in ("export", "reports"):  # notebooks run in their own folder
        if given.get(name):
            given[name] = str(Path(given[name]).expanduser().absolute())
    source = choose(arguments.source, given, home, _schema(given))
    plan = Plan(
        job=job,
        jobs=bundle.jobs,
        target=bundle.target,
        selection=select(job.settings.tasks or [], arguments.only),
        source=source,
        given={},
        home=home,
    )
    names = {parameter.name for parameter in job.settings.parameters or []}
    suits = {name: value for name, value in source.parameters.items() if name in names}
    plan = replace(plan, given=plan.local(job) | given | suits)
    # what is wrong with parameters is said before anything starts
    check_inputs(job, job_parameters(job, plan.given, "", datetime.now(UTC)))
    return plan


def _start(plan: Plan) -> JobRun:
    """Start Spark, make the events and the experiment while it comes up, then run the job."""
    start = datetime.now(UTC)
    run_id = new_run_id(start)
    folder = _folder(plan, plan.job, run_id)
    if plan.source.remark:
        print(plan.source.remark, flush=True)
    spark = SparkServer(plan.home.root, [_schema(plan.given)], folder / SPARK_LOG)
    with spark, ThreadPoolExecutor() as pool:
        experiment = plan.given.get(EXPERIMENT)
        if any(task.for_each_task for task in plan.job.settings.tasks or []):  # the jobs that it runs have their own
            experiment = plan.home.parameters()[EXPERIMENT]
        tracking = pool.submit(ensure_experiment, plan.home, experiment) if experiment else None
        here = Surroundings(spark_url=spark.url, spark_log=folder / SPARK_LOG, tracking=tracking)
        given = dict(plan.given)
        if plan.source.write:
            given["events"] = str(plan.source.write())
        run = _record(plan, given, run_id, start)
        run_job(plan.job, run, _machine(plan, folder, here))
    _conclude(plan, run)
    return run


def _called(plan: Plan, here: Surroundings, job_id: int, parameters: Mapping[str, str]) -> JobRun:
    """Run another job of the bundle whole, for a task: in the same home, with a page of its own."""
    (job,) = (job for job in plan.jobs.values() if job.id == job_id)
    start = datetime.now(UTC)
    run_id = new_run_id(start)
    own = replace(plan, job=job, selection=select(job.settings.tasks or [], None))
    folder = _folder(plan, job, run_id)
    (folder / SPARK_LOG).symlink_to(Path("..") / here.spark_log.relative_to(plan.home.runs))  # its page links to it
    run = _record(own, plan.local(job) | dict(parameters), run_id, start)
    run_job(job, run, _machine(own, folder, here))
    _conclude(own, run)
    return run


def _folder(plan: Plan, job: Job, run_id: str) -> Path:
    folder = plan.home.runs / run_id
    folder.mkdir(parents=True)
    print(f"run {run_id} of {job.key}: {folder / 'index.html'}", flush=True)
    return folder


def _conclude(plan: Plan, run: JobRun) -> None:
    """Say how a run ended and, where a built-in source knows, how its list turned out."""
    _say(closing(run, plan.home.runs / run.run_id))
    if plan.source.write and run.state is State.SUCCESS and "action" in run.parameters:
        audience = plan.home.warehouse / _schema(run.parameters) / "audience"
        _say(told(audience, run.run_id, run.parameters))


def _say(part: Iterable[str]) -> None:
    if lines := list(part):
        print("", *lines, sep="\n")


def _machine(plan: Plan, folder: Path, here: Surroundings) -> Machine:
    progress = Progress()

    def changed(run: JobRun) -> None:
        page.write(folder, run)
        progress.changed(run)

    def run_tracked(path: Path, **asked: Any) -> NotebookResult:
        widgets = scan(path).widgets
        if here.tracking and (widgets is None or EXPERIMENT in widgets):
            here.tracking.result()  # only a notebook that knows the experiment has to wait for it
        return run_notebook(path, **asked)

    return Machine(
        run_notebook=run_tracked,
        folder=folder,
        spark_url=here.spark_url,
        environment=plan.home.environment(),
        stop=_kill_children,
        changed=changed,
        line=progress.line,
        run_job=partial(_called, plan, here),
        stopped=here.stopped,
    )


def _record(plan: Plan, given: Mapping[str, str], run_id: str, start: datetime) -> JobRun:
    parameters = job_parameters(plan.job, given, run_id, start)
    run = JobRun(
        run_id=run_id,
        job=plan.job.key,
        target=plan.target,
        started=start.isoformat(timespec="seconds"),
        parameters=parameters,
        changed=sorted(given),
        tasks=new_tasks(plan.job, plan.selection),
    )
    for key, values in needed_values(plan.home.runs, plan.job, plan.selection, parameters).items():
        run.tasks[key].values = values
    return run


def _schema(parameters: Mapping[str, str]) -> str:
    """The schema of the run's tables, without its catalog."""
    return parameters.get("schema", SCHEMA).rpartition(".")[2]


def _kill_children() -> None:
    """End every process of this run at once, Spark's included: what they did half, the next run repairs."""
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


def _places(home: Home, folder: Path, schema: str) -> Iterable[str]:
    option = "" if home.root == PROJECT / ".home" else f" --home {shlex.quote(str(home.root))}"
    return [
        f"run page  {folder / 'index.html'}",
        f"tables    {home.warehouse / schema}",
        f"models    ./propensity ui{option}",
    ]
