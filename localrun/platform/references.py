"""Fill in `{{...}}`, the platform's dynamic value references, once and without expressions.

The platform passes a slip of the pen on as it stands and calls a wrong name in a known namespace an error;
here both are errors, because neither is ever meant.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from localrun.errors import LocalRunError

Facts = Mapping[tuple[str, ...], Any]  # what a reference can name, by its parts: ("job", "run_id")
_PART = r"(?:[A-Za-z0-9_]+|`[^`]+`)"
_REFERENCE = re.compile(rf"{_PART}(?:\.{_PART})+")
_BRACES = re.compile(r"\{\{(.*?)\}\}")


def job_facts(job: str, run_id: str, start: datetime) -> dict[tuple[str, ...], Any]:
    """What is known of a run from its start on."""
    utc = start.astimezone(UTC)
    times = {name: getattr(utc, name) for name in ("year", "month", "day", "hour", "minute", "second")} | {
        "iso_date": utc.date().isoformat(),
        "iso_datetime": utc.replace(tzinfo=None).isoformat(timespec="seconds"),
        "is_weekday": utc.isoweekday() <= 5,
        "iso_weekday": utc.isoweekday(),
        "timestamp_ms": int(utc.timestamp() * 1000),
    }
    facts = {"id": job, "name": job, "run_id": run_id, "repair_count": 0}
    return {("job", key): value for key, value in facts.items()} | {
        ("job", "start_time", key): value for key, value in times.items()
    }


def task_facts(
    job: Facts,
    parameters: Mapping[str, str],
    task: str,
    attempt: int,
    before: Mapping[str, tuple[str, Mapping[str, Any] | None]],
) -> dict[tuple[str, ...], Any]:
    """What is known when a task starts.

    Parameters
    ----------
    before
        Result and values of every task that is finished by then; values of None: there might be any.
    """
    facts = {**job, ("task", "name"): task, ("task", "execution_count"): attempt}
    facts |= {("job", "parameters", name): value for name, value in parameters.items()}
    for key, (result, values) in before.items():
        facts["tasks", key, "result_state"] = result.lower()
        if values is None:
            facts["tasks", key, "values"] = ""
        facts |= {("tasks", key, "values", name): value for name, value in (values or {}).items()}
    return facts


def format_value(value: Any) -> str:
    """A task value as the text that a field gets: a bool is "true" or "false", other than text is JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def format_operand(value: Any) -> str:
    """A task value as the operand of a condition, which takes text, numbers and booleans only."""
    if isinstance(value, str | int | float):
        return format_value(value)
    raise LocalRunError(f"A condition takes text, a number or a boolean, got {value!r}. Set one.")


def resolve(text: str, facts: Facts, as_text: Callable[[Any], str] = format_value) -> str:
    """Replace every reference in `text` by its value; what comes in is not looked at again.

    Raises
    ------
    LocalRunError
        If something in braces is no reference, or names what is not known at this point.
    """
    if not text.count("{{") == text.count("}}") == len(_BRACES.findall(text)):
        raise LocalRunError(f"{text!r} has braces that do not pair; write {{{{job.run_id}}}}.")
    return _BRACES.sub(lambda match: as_text(_lookup(match[1], facts)), text)


def _lookup(reference: str, facts: Facts) -> Any:
    if not _REFERENCE.fullmatch(reference):
        raise LocalRunError(
            f"{{{{{reference}}}}} is no reference: the platform would pass it on as it stands. Write names of "
            "letters, digits and _ joined by dots, without spaces; put other names into backticks."
        )
    path = tuple(part.strip("`") for part in re.findall(_PART, reference))
    for place in (path, path[:-1]):
        if place in facts:
            return facts[place]
    for parent in (path[:-1], path[:1], ()):
        if same := [".".join(fact) for fact in facts if fact[: len(parent)] == parent]:
            break
    raise LocalRunError(
        f"{{{{{reference}}}}} is not known here; {', '.join(same) or 'nothing'} is. What a task sets is known to "
        "tasks after it, if it must have run."
    )
