"""The platform's rules for the order of a job: which task runs, which is passed over, what the job comes to.

Everything here is pure and speaks of states only, so that the run loop, the static checks and the tests
share one reading of the rules.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from graphlib import TopologicalSorter

from localrun.errors import LocalRunError
from localrun.platform.state import State
from localrun.sdk import ConditionTaskOp, RunIf, Task, TaskDependency


class Edge(StrEnum):
    """What one dependency means for the task that waits for it."""

    MET = "met"
    FAILED = "failed"
    EXCLUDED = "excluded"  # the dependency was passed over, or its condition went the other way


def edge_of(dependency: TaskDependency, state: State, outcome: str | None) -> Edge:
    """Read one dependency once its task is finished; `outcome` is "true" or "false" for a condition, else None."""
    if state is State.EXCLUDED:
        return Edge.EXCLUDED
    if state is not State.SUCCESS:
        return Edge.FAILED
    return Edge.MET if dependency.outcome in (None, outcome) else Edge.EXCLUDED


def decide_state(run_if: RunIf | None, edges: Collection[Edge]) -> State:
    """RUNNING when the task may start, else the state it gets without running.

    If every dependency was excluded the task is excluded too, whatever its run_if. Under the default
    run_if one excluded dependency is enough: the silent trap of a join behind an optional branch.
    """
    if edges and all(edge is Edge.EXCLUDED for edge in edges):
        return State.EXCLUDED
    failed = Edge.FAILED in edges
    holds, otherwise = {
        RunIf.ALL_SUCCESS: (set(edges) <= {Edge.MET}, State.UPSTREAM_FAILED if failed else State.EXCLUDED),
        RunIf.NONE_FAILED: (not failed, State.UPSTREAM_FAILED),
        RunIf.AT_LEAST_ONE_SUCCESS: (not edges or Edge.MET in edges, State.UPSTREAM_FAILED),
        RunIf.ALL_DONE: (True, State.RUNNING),
        RunIf.AT_LEAST_ONE_FAILED: (failed, State.EXCLUDED),
        RunIf.ALL_FAILED: (set(edges) == {Edge.FAILED}, State.EXCLUDED),
    }[run_if or RunIf.ALL_SUCCESS]
    return State.RUNNING if holds else otherwise


_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


def compare(op: ConditionTaskOp, left: str, right: str) -> bool:
    """Answer a condition: EQUAL_TO and NOT_EQUAL compare text ("12.0" is not "12"), the others numbers."""
    if op in (ConditionTaskOp.EQUAL_TO, ConditionTaskOp.NOT_EQUAL):
        return (left == right) is (op is ConditionTaskOp.EQUAL_TO)
    for operand in (left, right):
        if not _NUMBER.fullmatch(operand):
            raise LocalRunError(
                f"The condition {left!r} {op.value} {right!r} needs two numbers, got {operand!r}. "
                "Compare text with EQUAL_TO or NOT_EQUAL, or set a numeric task value."
            )
    a, b = float(left), float(right)
    return {
        ConditionTaskOp.GREATER_THAN: a > b,
        ConditionTaskOp.GREATER_THAN_OR_EQUAL: a >= b,
        ConditionTaskOp.LESS_THAN: a < b,
        ConditionTaskOp.LESS_THAN_OR_EQUAL: a <= b,
    }[op]


def job_result(tasks: Sequence[Task], states: Mapping[str, State]) -> State:
    """What the job comes to, read from its leaves: an excluded leaf is no failure, a failed one is."""
    ran = [task for task in tasks if states[task.task_key] is not State.DISABLED]
    inner = {edge.task_key for task in ran for edge in task.depends_on or []}
    bad = {task.task_key for task in ran if states[task.task_key] not in (State.SUCCESS, State.EXCLUDED)}
    return State.FAILED if bad - inner else State.SUCCESS_WITH_FAILURES if bad else State.SUCCESS


def ancestors(tasks: Sequence[Task]) -> dict[str, frozenset[str]]:
    """Every task that has to be finished before each task; raises graphlib.CycleError on a cycle."""
    parents = {task.task_key: {edge.task_key for edge in task.depends_on or []} for task in tasks}
    above: dict[str, frozenset[str]] = {}
    for key in TopologicalSorter(parents).static_order():
        direct = parents.get(key, set())
        above[key] = frozenset(direct).union(*(above[parent] for parent in direct))
    return above


def select_tasks(tasks: Sequence[Task], only: str | None) -> frozenset[str]:
    """The tasks that a selector names: `train`, `+train` (and all before), `train+` (and all after).

    Raises
    ------
    LocalRunError
        If a name is no task of the job; the message lists those that are.
    """
    above = ancestors(tasks)
    if only is None:
        return frozenset(above)
    chosen: set[str] = set()
    for part in map(str.strip, only.split(",")):
        name = part.strip("+")
        if name not in above:
            raise LocalRunError(
                f"--only {only!r}: {name!r} is no task of this job. It has {', '.join(above)}; "
                "+ before or after a name adds the tasks before or after it."
            )
        before = above[name] if part.startswith("+") else frozenset()
        after = {key for key in above if name in above[key]} if part.endswith("+") else set()
        chosen |= {name} | before | after
    return frozenset(chosen)
