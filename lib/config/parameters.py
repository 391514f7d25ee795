"""Read one parameter from its text: each error names the parameter, its range and what was found."""

import re
from collections.abc import Callable, Sequence
from datetime import date

from lib.errors import ConfigError

Get = Callable[[str], str]


def parse_text(name: str, get: Get) -> str:
    """Read a text that must not be blank."""
    text = get(name).strip()
    if not text:
        raise ConfigError(f"{name} is blank. Give the job or the notebook's widget a value for it.")
    return text


def parse_model(get: Get) -> str:
    """Read the MLflow URI of a model, or of a run that holds two; blank for none."""
    text = get("challenger").strip()
    if text and not re.fullmatch(r"runs:/[^/]+(/[^/]+)?|models:/[^/@]+(/[0-9]+|@[^/@]+)", text):
        raise ConfigError(
            "challenger must read like runs:/<run>/<name>, runs:/<run>, models:/<name>/<version> or "
            f"models:/<name>@<alias>, got {text!r}. Leave it blank for none."
        )
    return text


def parse_schema(name: str, get: Get) -> str:
    """Read `schema` or `catalog.schema`."""
    text = parse_text(name, get)
    if not re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?", text):
        raise ConfigError(f"{name} must be a schema or catalog.schema of letters, digits and _, got {text!r}.")
    return text


def parse_run_id(get: Get) -> str:
    """Read the run's id: blank outside a job, else letters, digits and `_ . : -`."""
    text = get("run_id").strip()
    if not re.fullmatch(r"[A-Za-z0-9_.:-]*", text):
        raise ConfigError(f"run_id must be letters, digits, _ . : or -, got {text!r}.")
    return text


def parse_number(name: str, get: Get, *, least: int, most: int | None = None) -> int:
    """Read a whole number that is at least `least`, and at most `most` where that is given."""
    text = get(name).strip()
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise ConfigError(f"{name} must be a whole number >= {least}, got {text!r}.")
    if most is not None and int(text) > most:
        raise ConfigError(f"{name} must be at most {most}, got {text!r}.")
    return int(text)


def parse_optional_number(name: str, get: Get, *, least: int) -> int | None:
    """Read a whole number, or None where the text is blank."""
    return parse_number(name, get, least=least) if get(name).strip() else None


def parse_choice(name: str, get: Get, choices: Sequence[str]) -> str:
    """Read one of a few words."""
    text = get(name).strip()
    if text not in choices:
        raise ConfigError(f"{name} must be {' or '.join(choices)}, got {text!r}.")
    return text


def parse_as_of(get: Get, name: str = "as_of") -> date | None:
    """Read a day, or None where the text is blank."""
    text = get(name).strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{name} must be a date like 2024-06-01, got {text!r}.") from None


def parse_names(name: str, get: Get) -> tuple[str, ...]:
    """Read comma-separated names, sorted and each once."""
    names = {part.strip() for part in parse_text(name, get).split(",")} - {""}
    if not names:
        raise ConfigError(f"{name} names nothing: {get(name)!r}. Give one event type, or several with commas.")
    return tuple(sorted(names))


def parse_mapping(name: str, get: Get) -> dict[str, str]:
    """Read `ours=theirs` pairs with commas between; blank is an empty mapping."""
    pairs = [part.partition("=") for part in get(name).split(",") if part.strip()]
    broken = ["".join(pair) for pair in pairs if not (pair[0].strip() and pair[2].strip())]
    if broken:
        raise ConfigError(f"{name} must read like user_id=customer,event_time=ts; this part does not: {broken[0]!r}.")
    mapping = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    if len(mapping) < len(pairs):
        raise ConfigError(f"{name} maps one column twice: {get(name)!r}.")
    return mapping
