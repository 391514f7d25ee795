"""What a job would do for every outcome of its conditions, if nothing fails.

On the platform a join behind an optional branch can be passed over while the job says SUCCESS.
Trying every outcome beforehand finds it, and tells which tasks another one can rely on.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from databricks.sdk.service.jobs import RunIf, Task

from localrun.rules import Edge, Finished, Selection, State, ancestors, decide, edge_of

World = Mapping[str, Finished]
_HANDLES_FAILURE = (RunIf.ALL_FAILED, RunIf.AT_LEAST_ONE_FAILED)


def worlds(tasks: Sequence[Task]) -> list[World]:
    """How each task ends, once for every combination of outcomes."""
    conditions = [task.task_key for task in tasks if task.condition_task]
    combinations = itertools.product(("true", "false"), repeat=len(conditions))
    return [_world(tasks, dict(zip(conditions, outcomes, strict=True))) for outcomes in combinations]


def _world(tasks: Sequence[Task], outcomes: Mapping[str, str]) -> World:
    selection, by_key = Selection(tuple(tasks)), {task.task_key: task for task in tasks}
    done: dict[str, Finished] = {}
    for key in ancestors(tasks):
        edges = [edge_of(edge, done[edge.task_key]) for edge in selection.dependencies(by_key[key])]
        state = decide(by_key[key].run_if, edges)
        done[key] = Finished(State.SUCCESS, outcomes.get(key)) if state is State.RUNNING else Finished(state)
    return done


def ran_before(tasks: Sequence[Task], found: Sequence[World]) -> dict[str, frozenset[str]]:
    """For each task the ones before it that ran whenever it runs itself."""
    sure = dict(ancestors(tasks))
    for world in found:
        ran = {key for key, finished in world.items() if finished.state is State.SUCCESS}
        sure |= {key: sure[key] & ran for key in ran}
    return sure


def excluded(tasks: Sequence[Task], found: Sequence[World]) -> Iterator[str]:
    """The tasks that are passed over although something before them ran, and those that never run.

    A task that only an outcome leads to is meant to be passed over, so it is no finding.
    """
    for task in tasks:
        worlds_excluding = [world for world in found if _by_mistake(task, world)]
        if worlds_excluding:
            done = worlds_excluding[0]
            when = " and ".join(f"{key} is {end.outcome}" for key, end in done.items() if end.outcome)
            ran = [e.task_key for e in task.depends_on or [] if edge_of(e, done[e.task_key]) is Edge.MET]
            yield (
                f"task {task.task_key} is excluded when {when}, although {ran[0]} ran, and the job still "
                "says SUCCESS. Set run_if: NONE_FAILED on it."
            )
        elif task.run_if not in _HANDLES_FAILURE and not any(
            world[task.task_key].state is State.SUCCESS for world in found
        ):
            yield f"task {task.task_key} never runs, whatever the conditions say. Correct its dependencies."


def _by_mistake(task: Task, done: World) -> bool:
    edges = task.depends_on or []
    means = [edge_of(edge, done[edge.task_key]) for edge in edges]
    asked = any(edge.outcome not in (None, done[edge.task_key].outcome) for edge in edges)
    default = task.run_if in (None, RunIf.ALL_SUCCESS)
    return done[task.task_key].state is State.EXCLUDED and Edge.MET in means and default and not asked
