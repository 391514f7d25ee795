"""`remote`: look at a deployed job, and start it: status, run, logs, models, audience."""

import argparse
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from databricks.sdk.errors import NotFound
from databricks.sdk.service.jobs import BaseRun, Run, RunLifeCycleState, RunResultState, RunState, RunTask

from cli.arguments import given_parameters, known_parameters
from cli.errors import CliError
from cli.workspace.client import Deployed, answering, connect, find_job, query_warehouse
from lib.config.catalogue import check_all, check_each
from lib.config.kinds import is_none
from lib.config.question_file import PARAMETER, check_entries, read_question_file
from lib.registry.versions import CHAMPION
from localrun.bundle.bundle import load_bundle

_POLL_SECONDS = 10.0
_PATIENCE_SECONDS = 300  # following a run of hours is not given up for a short outage
_OVER = (RunLifeCycleState.TERMINATED, RunLifeCycleState.SKIPPED, RunLifeCycleState.INTERNAL_ERROR)


def main(arguments: argparse.Namespace) -> int:
    """Ask the workspace; 0 only if it answered and, for `run`, every task ended as it should."""
    bundle = load_bundle(arguments.bundle, arguments.target)
    client = connect(arguments.profile)
    with answering(str(client.config.host)):
        deployed = find_job(client, bundle)
        if arguments.action == "run":
            return _run(replace(deployed, client=connect(arguments.profile, _PATIENCE_SECONDS)), arguments)
        show = {"status": _status, "logs": _logs, "models": _models, "audience": _audience}[arguments.action]
        for line in show(deployed, arguments):
            print(line, flush=True)
    return 0


def _status(deployed: Deployed, arguments: argparse.Namespace) -> Iterator[str]:
    """The last runs, newest first."""
    all_runs = deployed.client.jobs.list_runs(job_id=deployed.job_id, expand_tasks=True)
    runs = list(islice(all_runs, arguments.last))
    yield f"{deployed.name}: " + ("its last runs" if runs else "it has not run yet")
    for run in runs:
        yield from ("", *_format_run(run))


def _run(deployed: Deployed, arguments: argparse.Namespace) -> int:
    """Start the job and follow it to its end."""
    given = given_parameters(arguments.param)
    if unknown := given.keys() - deployed.parameters.keys():
        names = ", ".join(sorted(unknown))
        raise CliError(f"There is no parameter {names}. The job has {', '.join(deployed.parameters)}.")
    _check({**deployed.parameters, **given}, arguments.bundle)
    token = secrets.token_hex(16)  # asked twice because an answer got lost, the workspace starts one run
    started = deployed.client.jobs.run_now(deployed.job_id, job_parameters=given, idempotency_token=token)
    run_id: int = started.bind()["run_id"]
    print(f"run {run_id} of {deployed.name}", flush=True)
    seen: dict[str, str] = {}
    while True:
        run = deployed.client.jobs.get_run(run_id)
        for task in _tasks(run):
            if seen.get(task.task_key) != (word := _word(task.state)):
                print(f"  {task.task_key}: {word}", flush=True)
                seen[task.task_key] = word
        if run.state and run.state.life_cycle_state in _OVER:
            break
        time.sleep(_POLL_SECONDS)
    print("", *_format_run(run), sep="\n")
    return 0 if is_success(run) else 1


def _check(parameters: dict[str, str], bundle: Path) -> None:
    """Read the parameters of all stages, with the question file as it lies in the bundle here, if it does."""
    path = parameters.get(PARAMETER, "")
    known = known_parameters(parameters)
    if is_none(path):
        check_all(known)
    elif (bundle / path).is_file():
        check_entries(read_question_file(bundle / path).entries, known)
    else:  # it lies in the workspace alone, and the first task checks it
        check_each(known)


def is_success(run: Run) -> bool:
    """Whether every task succeeded, or was passed over by the outcome of a condition that it waits for.

    The state of the run alone does not tell: it is SUCCESS too when a task was passed over by mistake.
    """
    tasks = _tasks(run)
    return bool(tasks) and _result(run.state) is RunResultState.SUCCESS and all(map(_is_success, tasks))


def _is_success(task: RunTask) -> bool:
    asked = any(edge.outcome for edge in task.depends_on or [])
    result = _result(task.state)
    return result is RunResultState.SUCCESS or (asked and result is RunResultState.EXCLUDED)


def _logs(deployed: Deployed, arguments: argparse.Namespace) -> Iterator[str]:
    """What each task of a run left: its error and trace, or the value that it exited with."""
    run_id = arguments.run or next((run.run_id for run in deployed.client.jobs.list_runs(job_id=deployed.job_id)), None)
    if run_id is None:
        raise CliError(f"{deployed.name} has not run yet. Start it with: ./propensity remote run")
    run = deployed.client.jobs.get_run(run_id)
    yield from _format_run(run)
    for task in _tasks(run):
        if task.run_id is None or task.notebook_task is None or task.start_time in (None, 0):
            continue
        output = deployed.client.jobs.get_run_output(task.run_id)
        left = output.notebook_output.result if output.notebook_output else None
        yield from ("", f"{task.task_key}: {task.run_page_url or 'no page'}")
        texts = [text for text in (output.error, output.error_trace, left) if text]
        yield from (f"  {line}" for text in texts for line in text.splitlines())


def _models(deployed: Deployed, arguments: argparse.Namespace) -> Iterator[str]:
    """The prediction models in use, one for each question that was ever asked."""
    catalog, _, schema = deployed.schema.rpartition(".")
    listed = deployed.client.registered_models.list(catalog_name=catalog, schema_name=schema)
    prefix = deployed.parameters["models"]
    names = sorted(model.full_name for model in listed if model.full_name)
    names = [name for name in names if name.startswith(prefix) and name.endswith("_prediction")]
    yield f"{prefix}: " + ("the versions in use" if names else "no model is registered yet")
    for name in names:
        try:
            version = deployed.client.model_versions.get_by_alias(name, CHAMPION)
        except NotFound:
            yield f"{name}: none is in use"
            continue
        yield f"{name}: version {version.version} of {_day(version.created_at)}"
        yield f"  {version.comment or 'without a description'}"


def _audience(deployed: Deployed, arguments: argparse.Namespace) -> Iterator[str]:
    """The head of every question's list."""
    catalog, _, schema = deployed.schema.rpartition(".")
    columns = "question, cutoff, rank, user_id, propensity, COUNT(*) OVER (PARTITION BY question) AS users"
    rows = query_warehouse(
        deployed.client,
        f"SELECT * FROM (SELECT {columns} FROM `{catalog}`.`{schema}`.audience) WHERE rank <= {arguments.head} "
        "ORDER BY question, rank",
        arguments.warehouse,
    )
    question = None
    for row in rows:
        if row[0] != question:
            question = row[0]
            yield f"{question}: {row[5]} users as of {row[1]}"
        yield f"  {row[2]:>4}  {row[3]:<24} {float(row[4]):.4f}"
    if not rows:
        yield f"{deployed.schema}.audience is empty: nothing has been published yet"


def _format_run(run: BaseRun | Run) -> Iterator[str]:
    """A run and its tasks, a line each, and what the condition said of the models."""
    yield f"run {run.run_id}  {_day(run.start_time)}  {_word(run.state)}  {run.run_page_url or ''}".rstrip()
    for task in _tasks(run):
        says = f" {task.condition_task.outcome}" if task.condition_task and task.condition_task.outcome else ""
        seconds = f"{(task.execution_duration or 0) / 1000:.0f} s" if task.notebook_task else ""
        yield f"  {task.task_key:<18} {_word(task.state)}{says} {seconds}".rstrip()
        if task.condition_task and says:
            held = task.condition_task.outcome == "false"
            yield "  verdict            " + ("the models in use hold" if held else "new models were needed")
        if task.state and task.state.state_message and not _is_success(task):
            yield f"    {task.state.state_message}"


def _tasks(run: BaseRun | Run) -> list[RunTask]:
    """The tasks of a run, each by its last attempt."""
    attempts = sorted(run.tasks or [], key=lambda task: task.attempt_number or 0)
    last = {task.task_key: task for task in attempts}
    return [last[key] for key in dict.fromkeys(task.task_key for task in run.tasks or [])]


def _result(state: RunState | None) -> RunResultState | None:
    return state.result_state if state else None


def _word(state: RunState | None) -> str:
    """How far something is, and once it is over, how it ended."""
    known = state and (state.result_state or state.life_cycle_state)
    return known.value if known else "UNKNOWN"


def _day(milliseconds: int | None) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC" if milliseconds else "no time yet"
