"""A task that runs another job once for each entry of a JSON array: the array, and what is wrong with the task.

Of the platform's `for_each_task` this is what the job files use: entries are objects, the nested task is a
`run_job_task` of the same bundle, one run at a time. All else is refused by name.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from localrun.bundle.bundle import Job
from localrun.errors import LocalRunError
from localrun.platform.references import Facts, resolve
from localrun.sdk import ForEachTask, RunJobTask, Task

MOST_CHARACTERS = 10_000  # of an array that is given as text
_KEY = re.compile(r"\{\{input\.`?([^{}`]+)`?\}\}")
_OWN_KEYS = {"task_key", "depends_on", "run_if", "description", "for_each_task"}
_NESTED_KEYS = {"task_key", "description", "run_job_task"}


class Call(NamedTuple):
    """One run of the other job: what its input is called, and the parameters that it gets."""

    label: str
    parameters: dict[str, str]


def called_job(task: RunJobTask, jobs: Mapping[str, Job]) -> Job:
    """The job of the bundle that a nested task runs.

    Raises
    ------
    LocalRunError
        If there is none with that number.
    """
    for job in jobs.values():
        if job.id == task.job_id:
            return job
    raise LocalRunError(f"job_id {task.job_id} is no job of this bundle. Write ${{resources.jobs.KEY.id}}.")


def requested_calls(each: ForEachTask, facts: Facts) -> list[Call]:
    """The runs that a task asks for, in the order of its inputs, references filled in from `facts`.

    Raises
    ------
    LocalRunError
        If the inputs are no JSON array of objects, or one lacks a key that the task reads or has another.
    """
    templates = (each.task.run_job_task.job_parameters or {}) if each.task.run_job_task else {}
    read = {key for text in templates.values() for key in _KEY.findall(text)}
    calls = []
    for number, item in enumerate(_inputs(resolve(each.inputs, facts)), 1):
        if unknown := sorted(item.keys() - read):
            raise LocalRunError(
                f"input {number} has {', '.join(unknown)}, which the task does not read; it reads "
                f"{', '.join(sorted(read)) or 'nothing'}. Remove it, or hand it on in job_parameters."
            )
        if missing := sorted(read - item.keys()):
            raise LocalRunError(f"input {number} lacks {', '.join(missing)}. Every input needs all keys. Add it.")
        with_input = {**facts} | {("input", key): value for key, value in item.items()}
        label = ", ".join(f"{key}={value}" for key, value in item.items())
        calls.append(Call(label, {name: resolve(text, with_input) for name, text in templates.items()}))
    return calls


def check_inputs(job: Job, parameters: Mapping[str, str]) -> None:
    """Refuse inputs that the parameters of a run bring, before it starts.

    Raises
    ------
    LocalRunError
        The message names the task and what is wrong with its inputs.
    """
    facts: Facts = {("job", "parameters", name): value for name, value in parameters.items()}
    for task in job.settings.tasks or []:
        try:
            if task.for_each_task:
                requested_calls(task.for_each_task, facts)
        except LocalRunError as error:
            raise LocalRunError(f"task {task.task_key}: {error}") from error


def _inputs(text: str) -> list[dict[str, Any]]:
    if len(text) > MOST_CHARACTERS:
        raise LocalRunError(
            f"inputs has {len(text)} characters, and the platform takes {MOST_CHARACTERS}. Ask fewer at a time, or say "
            "in the other job what all have in common."
        )
    try:
        inputs = json.loads(text)
    except ValueError:
        inputs = None
    if not isinstance(inputs, list) or not inputs or not all(map(_is_input, inputs)):
        raise LocalRunError(
            f"inputs should be a JSON array of objects with texts or numbers, got {text!r}. "
            'Write one like [{"action": "purchase", "horizon_days": "28"}].'
        )
    return inputs


def _is_input(item: Any) -> bool:
    return isinstance(item, dict) and all(isinstance(value, str | int | float) for value in item.values())


def findings(task: Task, each: ForEachTask, jobs: Mapping[str, Job], facts: Facts) -> Iterator[str]:
    """What is wrong with such a task before it runs; `facts` hold the defaults of the job's parameters."""
    for name in sorted(task.as_dict().keys() - _OWN_KEYS):
        yield f"is a for_each_task, which has no compute, retries or time limit of its own. Remove {name}."
    if each.concurrency not in (None, 1):
        yield f"concurrency {each.concurrency} is not supported on one machine, which has one run at a time. Write 1."
    if each.task.for_each_task:
        yield "has a for_each_task in a for_each_task, which the platform refuses. Make one array of both."
        return
    if (nested := each.task.run_job_task) is None:
        yield "runs something else than a run_job_task for each input, which is not supported on one machine."
        return
    for name in sorted(each.task.as_dict().keys() - _NESTED_KEYS):
        yield f"nested task {each.task.task_key}: {name} is not supported on one machine. Set it in the job that runs."
    for name in sorted(nested.as_dict().keys() - {"job_id", "job_parameters"}):
        yield f"nested task {each.task.task_key}: {name} is not supported on one machine. Use job_parameters."
    try:
        job = called_job(nested, jobs)
        if any(other.for_each_task for other in job.settings.tasks or []):
            yield f"runs the job {job.key}, which runs jobs itself. Run that one instead."
            return
        parameters = {parameter.name for parameter in job.settings.parameters or []}
        for name in sorted((nested.job_parameters or {}).keys() - parameters):
            yield f"gives {name}, which is no parameter of the job {job.key}. Remove it, or add it there."
        requested_calls(each, facts)
    except LocalRunError as error:
        yield str(error)
