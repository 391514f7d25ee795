"""{{...}}: what can be named, and what is refused."""

from datetime import UTC, datetime

import pytest

from localrun.errors import LocalRunError
from localrun.platform.references import format_operand, job_facts, resolve, task_facts

START = job_facts("toy", "20240601-070809-00ff", datetime(2024, 6, 1, 7, 8, 9, tzinfo=UTC))  # a Saturday
TRAINED = {"needed": True, "loss": 0.5, "name": "a b", "list": [1, 2], "none": None}
BEFORE = {"train": ("SUCCESS", TRAINED), "retrain": ("EXCLUDED", {}), "any": ("SUCCESS", None)}
FACTS = task_facts(START, {"events": "shop.events", "odd-name": "x"}, "predict", 2, BEFORE)


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
    assert resolve(text, FACTS) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{job.run_id}", "braces that do not pair"),
        ("job.run_id}}", "braces that do not pair"),
        ("{{ job.run_id }}", "is no reference: the platform would pass it on"),
        ("{{job.parameters.odd-name}}", "put other names into backticks"),
        ("{{job}}", "is no reference"),
        ("{{jobs.run_id}}", r"\{\{jobs.run_id\}\} is not known here; job.id, job.name, job.run_id"),
        ("{{workspace.url}}", r"\{\{workspace.url\}\} is not known here"),
        ("{{job.naem}}", "is not known here; job.id, job.name"),
        ("{{job.parameters.event}}", "is not known here; job.parameters.events, job.parameters.odd-name is"),
        ("{{job.start_time.week}}", "is not known here; job.start_time.year"),
        ("{{tasks.trian.values.needed}}", "is not known here; tasks.train.result_state, tasks.train.values.needed"),
        ("{{tasks.train.values.need}}", "is not known here; tasks.train.values.needed, tasks.train.values.loss"),
        ("{{tasks.publish.result_state}}", "known to tasks after it, if it must have run"),
    ],
)
def test_a_wrong_reference_is_refused(text, message):
    with pytest.raises(LocalRunError, match=message):
        resolve(text, FACTS)


def test_where_any_value_might_be_set_none_is_wrong():
    assert resolve("{{tasks.any.values.whatever}}", FACTS) == ""


def test_what_a_reference_brings_in_is_not_looked_at_again():
    facts = task_facts(START, {"a": "{{job.run_id}}"}, "predict", 1, {})
    assert resolve("{{job.parameters.a}}", facts) == "{{job.run_id}}"


def test_outside_a_task_there_is_no_task():
    with pytest.raises(LocalRunError, match=r"\{\{task.name\}\} is not known here"):
        resolve("{{task.name}}", START)


@pytest.mark.parametrize("key", ["list", "none"])
def test_an_operand_is_text_number_or_boolean(key):
    with pytest.raises(LocalRunError, match="A condition takes text, a number or a boolean"):
        resolve(f"{{{{tasks.train.values.{key}}}}}", FACTS, format_operand)
