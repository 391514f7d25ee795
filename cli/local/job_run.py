"""Start Spark, make the events and the experiment while it comes up, then run the job."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import psutil

from cli.local.alerts import Channels, own_channels, send
from cli.local.bars import Bars, open_bars
from cli.local.earlier_values import needed_values
from cli.local.happenings import find_happenings
from cli.local.home import Home, new_run_id
from cli.local.plan import EXPERIMENT, Plan, schema_of
from cli.local.progress import Progress, format_closing
from cli.local.tracking import ensure_experiment
from lib.config.catalogue import with_defaults
from lib.config.question import Question
from localrun.bundle.bundle import Job
from localrun.notebook.execution import NotebookResult, run_notebook
from localrun.notebook.scan import scan
from localrun.notebook.warm import WarmKernels
from localrun.platform.state import State
from localrun.run import page
from localrun.run.job import job_parameters, run_job
from localrun.run.machine import Machine
from localrun.run.record import JobRun, new_tasks
from localrun.spark.server import SparkServer

SPARK_LOG, KERNELS_LOG = "spark.log", "kernels.log"  # in a run's folder


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a run has around it once it has started."""

    spark_url: str
    spark_log: Path
    tracking: Future[None] | None
    warm: WarmKernels
    bars: Bars | None
    channels: Channels
    stopped: Event = field(default_factory=Event)


def start(plan: Plan) -> JobRun:
    """Start Spark, make the events and the experiment while it comes up, then run the job."""
    start = datetime.now(UTC)
    run_id = new_run_id(start)
    channels = own_channels()  # before any process is started that would inherit them
    folder = _folder(plan, plan.job, run_id)
    if plan.source.remark:
        print(plan.source.remark, flush=True)
    events = plan.given.get("events", "")
    reads = Path(events) if "/" in events else None  # a table is among the home's own
    spark = SparkServer(plan.home.root, [schema_of(plan.given)], folder / SPARK_LOG, reads=reads)
    kernels = WarmKernels(_environment(plan.home), folder / KERNELS_LOG)
    watched = open_bars(plan.home.runs, plan.job.key) or nullcontext()
    with spark, kernels as warm, watched as bars, ThreadPoolExecutor() as pool:
        experiment = plan.given.get(EXPERIMENT)
        tracking = pool.submit(ensure_experiment, plan.home, experiment) if experiment else None
        here = Surroundings(spark_url=spark.url, spark_log=folder / SPARK_LOG, tracking=tracking, warm=warm, bars=bars,
                            channels=channels)  # fmt: skip
        given = dict(plan.given)
        if plan.source.write:
            given["events"] = str(plan.source.write())
        run = _record(plan, given, run_id, start)
        progress = _run(plan, run, folder, here)
    _conclude(plan, run, progress)
    _alert(plan, run, channels)
    return run


def _run(plan: Plan, run: JobRun, folder: Path, here: Surroundings) -> Progress:
    """Run a job whose record is there; returns what was told of it."""
    progress = Progress(run.run_id, bars=here.bars)
    run_job(plan.job, run, _machine(plan, folder, here, progress))
    return progress


def _environment(home: Home) -> dict[str, str]:
    return home.environment() | home.secrets()


def _folder(plan: Plan, job: Job, run_id: str) -> Path:
    folder = plan.home.runs / run_id
    folder.mkdir(parents=True)
    print(f"run {run_id} of {job.key}: {folder / 'index.html'}", flush=True)
    return folder


def _conclude(plan: Plan, run: JobRun, progress: Progress) -> None:
    """Say how a run ended and, where a built-in source knows, how its list turned out."""
    from cli.local.what_happened import format_what_happened  # with pyarrow: not before Spark and kernels start

    say(format_closing(run, plan.home.runs / run.run_id, progress.has_told))
    if plan.source.write and run.state is State.SUCCESS and "action" in run.parameters:
        audience = plan.home.warehouse / schema_of(run.parameters) / "audience"
        for name, parameters in run.each_question().items():
            slug = Question.of(parameters).slug if name else ""
            lines = list(format_what_happened(audience, run.run_id, parameters, slug))
            say([f"{name}:", *lines] if name and lines else lines)


def _alert(plan: Plan, run: JobRun, channels: Channels) -> None:
    """Tell of what the run led to; whatever goes wrong with that is no matter of the run's."""
    try:
        happenings = find_happenings(run, plan.home.warehouse / schema_of(run.parameters))
        send(channels, f"run {run.run_id} of {run.job} in {plan.home.root.name}", happenings)
    except Exception as error:  # noqa: BLE001 - the run is over, and its result stands
        print(f"Nobody was told what happened: {type(error).__name__}.", flush=True)


def say(part: Iterable[str]) -> None:
    if lines := list(part):
        print("", *lines, sep="\n")


def _machine(plan: Plan, folder: Path, here: Surroundings, progress: Progress) -> Machine:
    def changed(run: JobRun) -> None:
        page.write_page(folder, run)
        progress.changed(run)

    def run_tracked(path: Path, **asked: Any) -> NotebookResult:
        widgets = scan(path).widgets
        if here.tracking and (widgets is None or EXPERIMENT in widgets):
            here.tracking.result()  # only a notebook that knows the experiment has to wait for it
        return run_notebook(path, **asked, warm=here.warm)

    return Machine(
        run_notebook=run_tracked,
        folder=folder,
        spark_url=here.spark_url,
        environment=_environment(plan.home),
        stop=_kill_children,
        changed=changed,
        line=progress.line,
        stopped=here.stopped,
    )


def _record(plan: Plan, given: Mapping[str, str], run_id: str, start: datetime) -> JobRun:
    parameters = job_parameters(plan.job, given, run_id, start)
    differing = {name for own in plan.questions.values() for name in own}  # of which each question has its own
    common = {name: text for name, text in parameters.items() if name not in differing}
    parameters |= with_defaults(common)  # the record says what blank came to
    run = JobRun(
        run_id=run_id,
        job=plan.job.key,
        target=plan.target,
        started=start.isoformat(timespec="seconds"),
        parameters=parameters,
        changed=sorted(given),
        tasks=new_tasks(plan.job, plan.selection),
        asked=plan.file.text if plan.file else "",
        questions=plan.questions,
    )
    for key, values in needed_values(plan.home.runs, plan.job, plan.selection, parameters, plan.questions).items():
        run.tasks[key].values = values
    return run


def _kill_children() -> None:
    """End every process of this run at once, Spark's included: what they did half, the next run repairs."""
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
