"""The platform's rules, row by row."""

import pytest

from localrun.errors import LocalRunError
from localrun.platform.rules import Edge, ancestors, compare, decide_state, edge_of, job_result, select_tasks
from localrun.platform.state import State
from localrun.sdk import ConditionTaskOp, RunIf, Task, TaskDependency

MET, FAILED, EXCLUDED = Edge.MET, Edge.FAILED, Edge.EXCLUDED
RUN, UP, OUT = State.RUNNING, State.UPSTREAM_FAILED, State.EXCLUDED


def task(key, *before, run_if=None):
    edges = [TaskDependency(task_key=name.partition("=")[0], outcome=name.partition("=")[2] or None) for name in before]
    return Task(task_key=key, depends_on=edges, run_if=run_if)


JOB = [
    task("extract"),
    task("train", "extract"),
    task("gate", "train"),
    task("retrain", "gate=true"),
    task("predict", "train", "retrain", run_if=RunIf.NONE_FAILED),
    task("publish", "predict"),
]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        # edges                ALL_SUCCESS NONE_FAILED ONE_SUCCESS ALL_DONE ONE_FAILED ALL_FAILED
        ([],                   [RUN,       RUN,        RUN,        RUN,     OUT,       OUT]),
        ([MET, MET],           [RUN,       RUN,        RUN,        RUN,     OUT,       OUT]),
        ([MET, FAILED],        [UP,        UP,         RUN,        RUN,     RUN,       OUT]),
        ([FAILED, FAILED],     [UP,        UP,         UP,         RUN,     RUN,       RUN]),
        ([MET, EXCLUDED],      [OUT,       RUN,        RUN,        RUN,     OUT,       OUT]),
        ([FAILED, EXCLUDED],   [UP,        UP,         UP,         RUN,     RUN,       OUT]),
        ([EXCLUDED, EXCLUDED], [OUT,       OUT,        OUT,        OUT,     OUT,       OUT]),
    ],
)  # fmt: skip
def test_run_if_decides_by_what_the_dependencies_came_to(edges, expected):
    names = ["ALL_SUCCESS", "NONE_FAILED", "AT_LEAST_ONE_SUCCESS", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED"]
    assert [decide_state(RunIf(name), edges) for name in names] == expected
    assert decide_state(None, edges) == expected[0]  # the default


@pytest.mark.parametrize(
    ("state", "said", "wanted", "edge"),
    [
        (State.SUCCESS, None, None, MET),
        (State.SUCCESS, "true", "true", MET),
        (State.SUCCESS, "false", "true", EXCLUDED),
        (State.SUCCESS, "false", None, MET),  # no outcome asked: either will do
        (State.EXCLUDED, None, None, EXCLUDED),
        (State.EXCLUDED, None, "true", EXCLUDED),
        (State.FAILED, None, "true", FAILED),
        (State.TIMEDOUT, None, None, FAILED),
        (State.UPSTREAM_FAILED, None, None, FAILED),
        (State.CANCELED, None, None, FAILED),
    ],
)
def test_a_dependency_is_read_by_state_and_outcome(state, said, wanted, edge):
    assert edge_of(TaskDependency(task_key="gate", outcome=wanted), state, said) is edge


@pytest.mark.parametrize(
    ("left", "op", "right", "answer"),
    [
        ("12.0", "EQUAL_TO", "12", False),  # text
        ("True", "EQUAL_TO", "true", False),
        ("true", "EQUAL_TO", "true", True),
        ("12.0", "NOT_EQUAL", "12", True),
        ("12.0", "GREATER_THAN_OR_EQUAL", "12", True),  # numbers
        ("9", "GREATER_THAN", "10", False),
        ("9", "LESS_THAN", "10", True),
        ("10", "LESS_THAN", "10.0", False),
        ("10", "GREATER_THAN", "10.0", False),
        ("-1e3", "LESS_THAN_OR_EQUAL", "-1000", True),
    ],
)
def test_conditions_compare_text_or_numbers(left, op, right, answer):
    assert compare(ConditionTaskOp(op), left, right) is answer


@pytest.mark.parametrize("operand", ["true", "", "nan", "1_000", "0x10"])
def test_a_numeric_condition_refuses_what_is_no_number(operand):
    with pytest.raises(LocalRunError, match=f"needs two numbers, got '{operand}'"):
        compare(ConditionTaskOp.LESS_THAN, "1", operand)


@pytest.mark.parametrize(
    ("publish", "retrain", "result"),
    [
        (State.SUCCESS, State.SUCCESS, State.SUCCESS),
        (State.SUCCESS, State.EXCLUDED, State.SUCCESS),
        (State.EXCLUDED, State.SUCCESS, State.SUCCESS),  # the silent one
        (State.SUCCESS, State.FAILED, State.SUCCESS_WITH_FAILURES),
        (State.UPSTREAM_FAILED, State.FAILED, State.FAILED),
        (State.TIMEDOUT, State.SUCCESS, State.FAILED),
        (State.DISABLED, State.SUCCESS, State.SUCCESS),
        (State.DISABLED, State.DISABLED, State.SUCCESS),
    ],
)
def test_the_leaves_make_the_result(publish, retrain, result):
    states = {job_task.task_key: State.SUCCESS for job_task in JOB} | {"publish": publish, "retrain": retrain}
    assert job_result(JOB, states) is result


@pytest.mark.parametrize(
    ("only", "keys"),
    [
        (None, "extract train gate retrain predict publish"),
        ("train", "train"),
        ("train+", "train gate retrain predict publish"),
        ("+train", "extract train"),
        ("+gate+", "extract train gate retrain predict publish"),
        ("extract, publish", "extract publish"),
    ],
)
def test_only_takes_the_tasks_before_and_after(only, keys):
    assert select_tasks(JOB, only) == set(keys.split())


def test_only_names_an_unknown_task():
    with pytest.raises(
        LocalRunError, match=r"--only 'trian\+': 'trian' is no task of this job\. It has extract, train"
    ):
        select_tasks(JOB, "trian+")


def test_ancestors_follow_every_way():
    assert ancestors(JOB)["predict"] == {"extract", "train", "gate", "retrain"}
