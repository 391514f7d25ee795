"""Run another job once for each input of a task, by turns."""

import time

from localrun.errors import LocalRunError
from localrun.platform.for_each import requested_calls
from localrun.platform.references import Facts
from localrun.platform.state import State
from localrun.run.machine import Machine
from localrun.run.record import Iteration, TaskRun
from localrun.sdk import ForEachTask


def run_each(each: ForEachTask, facts: Facts, task: TaskRun, machine: Machine) -> State:
    """Run the job for one input after the other; one that fails holds up no other, but fails the task."""
    nested = each.task.run_job_task
    assert nested is not None  # what is not checked never runs
    try:
        calls = requested_calls(each, facts)
    except LocalRunError as error:
        task.error = str(error)
        return State.FAILED
    task.iterations = [Iteration(label=call.label) for call in calls]
    for iteration, call in zip(task.iterations, calls, strict=True):
        if machine.stopped.is_set():
            iteration.state = State.CANCELED
            continue
        began = time.monotonic()
        iteration.state = State.RUNNING
        run = machine.run_job(nested.job_id, call.parameters)
        iteration.run_id, iteration.state = run.run_id, run.state
        iteration.seconds = round(time.monotonic() - began, 2)
    if machine.stopped.is_set():
        return State.CANCELED
    bad = [iteration.label for iteration in task.iterations if iteration.state is not State.SUCCESS]
    if bad:
        task.error = f"{len(bad)} of {len(calls)} runs did not succeed: {'; '.join(bad)}. Their pages say why."
    return State.FAILED if bad else State.SUCCESS
