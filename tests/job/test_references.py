# ruff: noqa: E501 - one row of a table is one line
"""{{...}}: what can be named, and what is refused."""

from datetime import UTC, datetime

import pytest

from localrun.errors import LocalRunError
from localrun.references import Context, operand_text, resolve

CONTEXT = Context(
    job="toy",
    run_id="20240601-070809-00ff",
    start=datetime(2024, 6, 1, 7, 8, 9, tzinfo=UTC),  # a Saturday
    parameters={"events": "shop.events", "odd-name": "x"},
    task="predict",
    attempt=2,
    values={"train": {"needed": True, "loss": 0.5, "name": "a b", "list": [1, 2], "none": None}},
    results={"train": "success", "retrain": "excluded"},
    known=["train", "retrain", "predict", "publish"],
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain { } text", "plain { } text"),
        ("{{job.name}}", "toy"),
        ("run {{job.run_id}} of {{job.id}}", "run 20240601-070809-00ff of toy"),
        ("{{job.start_time.iso_date}}", "2024-06-01"),
        ("{{job.start_time.iso_datetime}}", "2024-06-01T07:08:09"),
        ("{{job.start_time.year}}/{{job.start_time.month}}/{{job.start_time.day}}", "2024/6/1"),
        ("{{job.start_time.hour}}:{{job.start_time.minute}}:{{job.start_time.second}}", "7:8:9"),
        ("{{job.start_time.is_weekday}} {{job.start_time.iso_weekday}}", "false 6"),
        ("{{job.start_time.timestamp_ms}}", "1717225689000"),
        ("{{job.parameters.events}}", "shop.events"),
        ("{{job.parameters.`odd-name`}}", "x"),
        ("{{job.repair_count}}", "0"),
        ("{{task.name}} {{task.execution_count}}", "predict 2"),
        ("{{tasks.train.values.needed}}", "true"),
        ("{{tasks.train.values.loss}} {{tasks.train.values.name}}", "0.5 a b"),
        ("{{tasks.train.values.list}}", "[1, 2]"),
        ("{{tasks.train.result_state}} {{tasks.retrain.result_state}}", "success excluded"),
    ],
)
def test_a_reference_becomes_text(text, value):
    assert resolve(text, CONTEXT) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{job.run_id}", "braces that do not pair"),
        ("job.run_id}}", "braces that do not pair"),
        ("{{ job.run_id }}", "is no reference: the platform would pass it on"),
        ("{{job.parameters.odd-name}}", "put other names into backticks"),
        ("{{job}}", "is no reference"),
        ("{{jobs.run_id}}", "is not known on one machine, or not here"),
        ("{{workspace.url}}", "is not known on one machine, or not here"),
        ("{{job.naem}}", "'naem' is not a fact of the job.*Did you mean 'name'"),
        ("{{job.parameters.event}}", "'event' is not a job parameter. There is events, odd-name. Did you mean 'events'"),
        ("{{job.start_time.week}}", "'week' is not a form of the start time"),
        ("{{tasks.trian.values.needed}}", "'trian' is not a task of this job"),
        ("{{tasks.train.values.need}}", "'need' is not a value that train sets.*Did you mean 'needed'"),
        ("{{tasks.publish.result_state}}", "Let predict depend on publish"),
    ],
)
def test_a_wrong_reference_is_refused(text, message):
    with pytest.raises(LocalRunError, match=message):
        resolve(text, CONTEXT)


def test_what_a_reference_brings_in_is_not_looked_at_again():
    context = Context(job="toy", run_id="1", start=CONTEXT.start, parameters={"a": "{{job.run_id}}"})
    assert resolve("{{job.parameters.a}}", context) == "{{job.run_id}}"


def test_outside_a_task_there_is_no_task():
    context = Context(job="toy", run_id="1", start=CONTEXT.start)
    with pytest.raises(LocalRunError, match=r"\{\{task.name\}\} is not known on one machine, or not here"):
        resolve("{{task.name}}", context)


@pytest.mark.parametrize("key", ["list", "none"])
def test_an_operand_is_text_number_or_boolean(key):
    with pytest.raises(LocalRunError, match="A condition takes text, a number or a boolean"):
        resolve(f"{{{{tasks.train.values.{key}}}}}", CONTEXT, operand_text)
