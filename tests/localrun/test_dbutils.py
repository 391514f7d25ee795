"""dbutils by the platform's rules, and with the signatures of the SDK's own stub."""

import contextlib
import inspect
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import databricks.sdk
import pytest

from localrun.errors import LocalRunError
from localrun.notebook.dbutils import (
    MAX_VALUE_BYTES,
    DBUtils,
    Notebook,
    NotebookExit,
    TaskValues,
    WidgetMissingError,
    Widgets,
)


def sdk_stub() -> Any:
    """The platform's own signatures, from a file: its package wants credentials when it is imported."""
    return runpy.run_path(str(Path(databricks.sdk.__file__).parent / "runtime" / "dbutils_stub.py"))["dbutils"]


def values(upstream: Mapping[str, Mapping[str, Any]] | None) -> tuple[TaskValues, dict[str, Any]]:
    kept: dict[str, Any] = {}
    return TaskValues(upstream, kept.__setitem__), kept


def ran(path: str, timeout_seconds: int, arguments: Mapping[str, str]) -> str:
    return f"{path} {timeout_seconds} {dict(arguments)}"


stub = sdk_stub()
DBUTILS = DBUtils(Widgets({}), TaskValues(None, {}.__setitem__), Notebook(ran))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (getattr(ours, name), getattr(theirs, name))
        for ours, theirs in [
            (DBUTILS.widgets, stub.widgets),
            (DBUTILS.jobs.taskValues, stub.jobs.taskValues),
            (DBUTILS.notebook, stub.notebook),
        ]
        for name in dir(theirs)
        if not name.startswith("_")
    ],
    ids=lambda function: getattr(function, "__qualname__", None),
)
def test_parameters_have_the_platform_s_names_and_order(ours: Any, theirs: Any) -> None:
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


def test_a_parameter_beats_the_widget_s_default() -> None:
    widgets = Widgets({"a": "given"})

    widgets.text("a", "default")
    widgets.dropdown("b", "x", ["x", "y"])
    widgets.multiselect("c", "y", ["x", "y"], label="C")
    widgets.combobox("d", "free", ["x"])

    assert widgets.getAll() == {"a": "given", "b": "x", "c": "y", "d": "free"}
    assert (widgets.get("a"), widgets.getArgument("b"), widgets.getArgument("z", "else")) == ("given", "x", "else")


def test_in_a_job_get_all_has_what_the_job_gives_and_by_hand_only_what_was_declared() -> None:
    for given, found in (({"a": "1", "not declared": "2"}, {"a": "1", "not declared": "2"}), ({}, {"a": ""})):
        widgets = Widgets(given)
        widgets.text("a", "")
        assert widgets.getAll() == found


def test_a_dropdown_may_be_blank_where_blank_is_a_choice() -> None:
    widgets = Widgets({})
    widgets.dropdown("a", "", ["", "x"], "A: x")
    assert widgets.get("a") == ""
    with pytest.raises(ValueError, match=r"The default '' of widget 'b' is none of its choices \['x'\]"):
        widgets.dropdown("b", "", ["x"])


def test_a_removed_widget_leaves_what_the_job_gave() -> None:
    widgets = Widgets({"a": "given"})
    widgets.text("a", "default")
    widgets.text("b", "default")

    widgets.remove("b")
    widgets.removeAll()

    assert widgets.getAll() == {"a": "given"}


def test_an_unknown_widget_is_named_with_those_there_are() -> None:
    with pytest.raises(WidgetMissingError, match=r"no widget 'day'; there are action, as_of\. Declare it"):
        Widgets({"action": "x", "as_of": ""}).get("day")


def test_a_default_must_be_text_and_a_choice() -> None:
    with pytest.raises(TypeError, match="default of widget 'days' must be text, got 28"):
        Widgets({}).text("days", 28)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"default 'z' of widget 'a' is none of its choices \['x'\]"):
        Widgets({}).dropdown("a", "z", ["x"])


@pytest.mark.parametrize("value", [True, 3, 0.5, "text", None, [1, {"a": "b"}]])
def test_a_json_value_is_kept(value: Any) -> None:
    task_values, kept = values({})

    task_values.set("k", value)

    assert kept == {"k": value}


def test_a_tuple_arrives_as_json_has_it() -> None:
    task_values, kept = values({})

    task_values.set(key="k", value=(1, 2))

    assert kept == {"k": [1, 2]}


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (float("nan"), ValueError, "'k' is not JSON: .*got nan. Convert it"),
        ({1, 2}, TypeError, r"'k' is not JSON: .*got \{1, 2\}. Convert it with bool"),
        ("x" * (MAX_VALUE_BYTES - 1), ValueError, "takes 49153 bytes as JSON, at most 49152"),
    ],
)
def test_what_is_not_small_json_is_refused(value: Any, error: type[Exception], message: str) -> None:
    task_values, kept = values({})

    with pytest.raises(error, match=message):
        task_values.set("k", value)
    assert not kept


def test_the_largest_value_is_taken() -> None:
    task_values, kept = values({})

    task_values.set("k", "x" * (MAX_VALUE_BYTES - 2))  # two bytes are the quotes

    assert len(kept["k"]) == MAX_VALUE_BYTES - 2


def test_a_key_must_be_text() -> None:
    with pytest.raises(TypeError, match="key of a task value must be a text, got 1"):
        values({})[0].set(1, "x")  # type: ignore[arg-type]


def test_an_upstream_value_is_read_and_a_default_only_fills_a_gap() -> None:
    task_values, _ = values({"train": {"bad": False}})

    assert task_values.get("train", "bad", default=True, debugValue=True) is False
    assert task_values.get(taskKey="train", key="none", default="d") == "d"
    assert task_values.get("nobody", "none", default=0) == 0


def test_a_missing_value_without_default_is_an_error() -> None:
    task_values, _ = values({"train": {"bad": False}})

    with pytest.raises(ValueError, match=r"Task 'train' has set no value 'good'; it has set bad\. Set it there"):
        task_values.get("train", "good", debugValue=1)


def test_outside_a_job_only_debug_values_count() -> None:
    task_values, kept = values(None)

    task_values.set("k", 1)

    assert kept == {}
    assert task_values.get("train", "bad", default=1, debugValue=0) == 0
    with pytest.raises(TypeError, match=r"'bad' of 'train' was read outside a job\. Give debugValue"):
        task_values.get("train", "bad", default=1)


def test_exit_cannot_be_swallowed() -> None:
    with pytest.raises(NotebookExit, match="done"), contextlib.suppress(Exception):
        DBUTILS.notebook.exit("done")


def test_another_notebook_gets_its_arguments() -> None:
    assert DBUTILS.notebook.run("./b", 60, {"x": "1"}) == "./b 60 {'x': '1'}"


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match=r"dbutils\.fs is not there on one machine, only widgets"):
        _ = DBUTILS.fs


def test_a_secret_is_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SHOP_DATA_BASE", "hush")
    assert DBUTILS.secrets.get("my-shop", "data.base") == "hush"
    with pytest.raises(
        LocalRunError, match="There is no secret my-shop/other: set the environment variable MY_SHOP_OTH"
    ):
        DBUTILS.secrets.get("my-shop", "other")
