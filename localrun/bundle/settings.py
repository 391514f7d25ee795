"""Turn a job's YAML into the SDK's own dataclasses, and refuse what they would silently drop or let through.

`JobSettings.from_dict` ignores unknown keys and unknown enum values and accepts any type. So each value is
held against the dataclasses' type hints first; text and numbers are converted as the Databricks CLI does.
"""

import dataclasses
import difflib
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from localrun.bundle.files import NAMED
from localrun.sdk import JobSettings

# Keys that only the bundle knows: the CLI acts on them and sends the API a job without them.
BUNDLE_ONLY = ("lifecycle", "permissions")


def job_settings(raw: dict[str, Any], problems: list[str]) -> JobSettings | None:
    """The job as the SDK's dataclasses; None when `problems` got an entry."""
    sent = {key: value for key, value in raw.items() if key not in BUNDLE_ONLY}
    before = len(problems)
    conformed = _conform(JobSettings, sent, "", problems)
    return JobSettings.from_dict(conformed) if len(problems) == before else None


def _conform(kind: Any, value: Any, where: str, problems: list[str]) -> Any:
    """`value` as `kind` wants it; what does not fit is named in `problems`, with the place in the YAML."""
    origin, inner = get_origin(kind), get_args(kind)
    if value is None:  # a key without a value is a key left out
        return None
    if origin is Union:  # the SDK knows no other than Optional
        return _conform(inner[0], value, where, problems)
    if origin is list and isinstance(value, list):
        labels = [_label(where, item, i) for i, item in enumerate(value)]
        return [_conform(inner[0], *pair, problems) for pair in zip(value, labels, strict=True)]
    if origin is dict and isinstance(value, dict):
        return {key: _conform(inner[1], item, f"{where}.{key}", problems) for key, item in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _fields(kind, value, where, problems)
    fit = value if kind is Any else _scalar(kind, value) if isinstance(kind, type) else None
    if fit is None:
        shown = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
        problems.append(f"{where.lstrip('.')} should be {_name(kind)}, got {shown}.")
    return fit


def _fields(kind: Any, value: dict[str, Any], where: str, problems: list[str]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    for key in value.keys() - hints.keys():
        near = difflib.get_close_matches(key, hints, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Remove it."
        problems.append(f"{f'{where}.{key}'.lstrip('.')} is no setting that the platform knows. {hint}")
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING and value.get(field.name) is None:
            problems.append(f"{where.lstrip('.')} lacks {field.name}. Add it.")
    settings = {key: item for key, item in value.items() if key in hints}
    return {key: _conform(hints[key], item, f"{where}.{key}", problems) for key, item in settings.items()}


def _scalar(kind: Any, value: Any) -> Any:
    """The value converted as the CLI does; None if it does not fit."""
    if kind is str and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else f"{value:.15g}"
    if kind is int and isinstance(value, str) and value.removeprefix("-").isdecimal():
        return int(value)
    if kind is bool and value in ("true", "false"):
        return value == "true"
    fits = value in [member.value for member in kind] if issubclass(kind, Enum) else type(value) is kind
    return value if fits else None


def _name(kind: Any) -> str:
    """A type in the words of a YAML file."""
    if get_origin(kind) or dataclasses.is_dataclass(kind):
        return "a list" if get_origin(kind) is list else "a mapping"
    if issubclass(kind, Enum):
        return "one of " + ", ".join(str(member.value) for member in kind)
    return "text" if kind is str else "a whole number" if kind is int else "true or false"


def _label(where: str, item: Any, position: int) -> str:
    """A list's entry as messages call it: by its name where such entries have one."""
    key = NAMED.get(where.rpartition(".")[2])
    return f"{where}[{item.get(key, position) if isinstance(item, dict) else position}]"
