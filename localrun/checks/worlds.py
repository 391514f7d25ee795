"""What a job would do for every outcome of its conditions, if nothing fails.

On the platform a join behind an optional branch can be passed over while the job says SUCCESS.
Trying every outcome beforehand finds it, and tells which tasks another one can rely on.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from localrun.platform.rules import Edge, ancestors, decide_state, edge_of
from localrun.platform.state import State
from localrun.sdk import RunIf, Task

World = Mapping[str, tuple[State, str | None]]  # how each task ended, and what a condition said
_HANDLES_FAILURE = (RunIf.ALL_FAILED, RunIf.AT_LEAST_ONE_FAILED)


def possible_worlds(tasks: Sequence[Task]) -> list[World]:
    """How each task ends, once for every combination of outcomes."""
    conditions = [task.task_key for task in tasks if task.condition_task]
    combinations = itertools.product(("true", "false"), repeat=len(conditions))
    return [_play(tasks, dict(zip(conditions, outcomes, strict=True))) for outcomes in combinations]


def _play(tasks: Sequence[Task], outcomes: Mapping[str, str]) -> World:
    by_key = {task.task_key: task for task in tasks}
    done: dict[str, tuple[State, str | None]] = {}
    for key in ancestors(tasks):
        state = decide_state(by_key[key].run_if, _edges(by_key[key], done))
        done[key] = (State.SUCCESS, outcomes.get(key)) if state is State.RUNNING else (state, None)
    return done


def _edges(task: Task, done: World) -> list[Edge]:
    return [edge_of(edge, *done[edge.task_key]) for edge in task.depends_on or []]


def sure_predecessors(tasks: Sequence[Task], worlds: Sequence[World]) -> dict[str, frozenset[str]]:
    """For each task the ones before it that ran whenever it runs itself."""
    sure = dict(ancestors(tasks))
    for world in worlds:
        ran = {key for key, (state, _) in world.items() if state is State.SUCCESS}
        sure |= {key: sure[key] & ran for key in ran}
    return sure


def exclusion_findings(tasks: Sequence[Task], worlds: Sequence[World]) -> Iterator[str]:
    """The tasks that are passed over although something before them ran, and those that never run.

    A task that only an outcome leads to is meant to be passed over, so it is no finding.
    """
    for task in tasks:
        if wrong := [world for world in worlds if _is_passed_over_by_mistake(task, world)]:
            when = " and ".join(f"{key} is {outcome}" for key, (_, outcome) in wrong[0].items() if outcome)
            yield (
                f"task {task.task_key} is excluded when {when}, although a task before it ran, and the job still "
                "says SUCCESS. Set run_if: NONE_FAILED on it."
            )
        elif task.run_if not in _HANDLES_FAILURE and all(
            world[task.task_key][0] is not State.SUCCESS for world in worlds
        ):
            yield f"task {task.task_key} never runs, whatever the conditions say. Correct its dependencies."


def _is_passed_over_by_mistake(task: Task, done: World) -> bool:
    if done[task.task_key][0] is not State.EXCLUDED or task.run_if not in (None, RunIf.ALL_SUCCESS):
        return False
    only_by_outcome = any(edge.outcome not in (None, done[edge.task_key][1]) for edge in task.depends_on or [])
    return Edge.MET in _edges(task, done) and not only_by_outcome
