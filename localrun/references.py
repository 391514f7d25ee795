"""Fill in `{{...}}`, the platform's dynamic value references, once and without expressions.

The platform passes a slip of the pen on as it stands and calls a wrong name in a known namespace an error;
here both are errors, because neither is ever meant.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from localrun.errors import LocalRunError

T = TypeVar("T")

_PART = r"(?:[A-Za-z0-9_]+|`[^`]+`)"
_REFERENCE = re.compile(rf"{_PART}(?:\.{_PART})+")
_BRACES = re.compile(r"\{\{(.*?)\}\}")

_TIMES: dict[str, Callable[[datetime], str]] = {
    "iso_date": lambda t: t.date().isoformat(),
    "iso_datetime": lambda t: t.replace(tzinfo=None).isoformat(timespec="seconds"),
    "year": lambda t: str(t.year),
    "month": lambda t: str(t.month),
    "day": lambda t: str(t.day),
    "hour": lambda t: str(t.hour),
    "minute": lambda t: str(t.minute),
    "second": lambda t: str(t.second),
    "is_weekday": lambda t: value_text(t.isoweekday() <= 5),
    "iso_weekday": lambda t: str(t.isoweekday()),
    "timestamp_ms": lambda t: str(int(t.timestamp() * 1000)),
}


@dataclass(frozen=True, kw_only=True)
class Context:
    """All that a reference can name at one moment of a run.

    `values` and `results` hold the tasks that are finished before the one that asks; `known` holds what every
    other task of the job is called, so that an error can tell "not yet" from "no such task".
    """

    job: str
    run_id: str
    start: datetime
    parameters: Mapping[str, str] = field(default_factory=dict)
    task: str | None = None
    attempt: int = 1
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)
    known: Iterable[str] = ()


def value_text(value: Any) -> str:
    """A task value as the text that a field gets: a bool is "true" or "false", other than text is JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def operand_text(value: Any) -> str:
    """A task value as the operand of a condition, which takes text, numbers and booleans only."""
    if isinstance(value, str | int | float):
        return value_text(value)
    raise LocalRunError(f"A condition takes text, a number or a boolean, got {value!r}. Set one.")


def resolve(text: str, context: Context, as_text: Callable[[Any], str] = value_text) -> str:
    """Replace every reference in `text` by its value; what comes in is not looked at again."""
    if text.count("{{") != len(_BRACES.findall(text)) or text.count("}}") != text.count("{{"):
        raise LocalRunError(f"{text!r} has braces that do not pair; write {{{{job.run_id}}}}.")
    return _BRACES.sub(lambda found: as_text(lookup(found[1], context)), text)


def lookup(reference: str, context: Context) -> Any:
    """The value of one reference, given without its braces.

    Raises
    ------
    LocalRunError
        If it is no reference, or names what this job, run or task does not have.
    """
    if not _REFERENCE.fullmatch(reference):
        raise LocalRunError(
            f"{{{{{reference}}}}} is no reference: the platform would pass it on as it stands. Write names "
            "of letters, digits and _ joined by dots, without spaces; put other names into backticks."
        )
    path = [part.strip("`") for part in re.findall(_PART, reference)]
    match path:
        case ["job", "parameters", name]:
            return _pick(reference, context.parameters, name, "a job parameter")
        case ["job", "start_time", name]:
            return _pick(reference, _TIMES, name, "a form of the start time")(context.start.astimezone(UTC))
        case ["job", name]:
            facts = {"id": context.job, "name": context.job, "run_id": context.run_id, "repair_count": 0}
            return _pick(reference, facts, name, "a fact of the job")
        case ["task", name] if context.task is not None:
            run_id = f"{context.run_id}-{context.task}"
            facts = {"name": context.task, "run_id": run_id, "execution_count": context.attempt}
            return _pick(reference, facts, name, "a fact of the task")
        case ["tasks", task, "values", key]:
            return _pick(
                reference,
                _of_task(reference, task, context.values, context),
                key,
                f"a value that {task} sets",
            )
        case ["tasks", task, "result_state"]:
            return _of_task(reference, task, context.results, context)
    raise LocalRunError(
        f"{{{{{reference}}}}} is not known on one machine, or not here. Known are job.id, job.name, "
        "job.run_id, job.repair_count, job.start_time.*, job.parameters.*, and within a task also "
        "task.name, task.run_id, task.execution_count, tasks.*.values.* and tasks.*.result_state."
    )


def _of_task(reference: str, task: str, facts: Mapping[str, T], context: Context) -> T:
    if task not in facts and task in context.known:
        raise LocalRunError(
            f"{{{{{reference}}}}} asks for a task that need not have run by then. "
            f"Let {context.task or 'the task'} depend on {task}, or drop the reference."
        )
    return _pick(reference, facts, task, "a task of this job")


def _pick(reference: str, known: Mapping[str, T], name: str, what: str) -> T:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    names = ", ".join(known) or "none"
    raise LocalRunError(f"{{{{{reference}}}}}: {name!r} is not {what}. There is {names}.{hint}")
