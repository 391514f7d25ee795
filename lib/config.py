"""What a run was asked to do: parsed once from the notebook's widgets, then never changed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha1
from typing import Any, Self

from lib.errors import ConfigError
from lib.thresholds import Bounds, Contacts, Thresholds, parse_decimal
from lib.timeline import NEVER_DAYS

Get = Callable[[str], str]
MAX_SLUG = 80
MAX_REASONS = 10  # more than that nobody reads
OBJECTIVES = ("log_loss", "average_precision")  # what a search can tune for
PLACES = ("driver", "spark")  # where its trials can run
MAX_DAYS = 3650  # ten years: what is longer was mistyped, and at some length dates end
MAX_COHORT_DAYS = NEVER_DAYS - 1  # beyond that recencies tell nobody apart


@dataclass(frozen=True, kw_only=True)
class Question:
    """What one pair of models answers: will a user of this cohort perform the action within the horizon?"""

    actions: tuple[str, ...]  # sorted event types, any of which counts
    horizon_days: int  # length of the predicted future
    cohort_days: int  # a user is asked about when active this many days before the cutoff

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        return cls(
            actions=parse_names("action", get),
            horizon_days=parse_number("horizon_days", get, least=1, most=MAX_DAYS),
            cohort_days=parse_number("cohort_days", get, least=1, most=MAX_COHORT_DAYS),
        )

    @property
    def action(self) -> str:
        """The action as tables carry it: its event types joined by a comma."""
        return ",".join(self.actions)

    @property
    def slug(self) -> str:
        """A name for models: letters, digits and underscores, distinct for distinct questions."""
        plain = "_or_".join(re.sub(r"[^0-9a-z]+", "_", action.lower()) for action in self.actions)
        exact = "_or_".join(self.actions)
        if plain != exact or len(self.actions) > 1 or len(plain) > MAX_SLUG:
            mark = sha1("\n".join(self.actions).encode(), usedforsecurity=False).hexdigest()[:8]
            plain = f"{plain[:MAX_SLUG]}_{mark}"
        return f"{plain}_{self.horizon_days}d_cohort{self.cohort_days}d"

    def __str__(self) -> str:
        return (
            f"{' or '.join(self.actions)} within {self.horizon_days} days, "
            f"users active in the last {self.cohort_days} days"
        )


@dataclass(frozen=True, kw_only=True)
class ExtractConfig:
    """What `extract_features` needs to know."""

    schema: str
    events: str  # a table name, a Delta folder, Parquet or CSV files
    event_columns: dict[str, str]  # our column name -> the source's
    as_of: date | None  # None: the day of the source's last event
    question: Question
    cadence_days: int
    max_cutoffs: int  # 0: all history
    max_event_types: int
    max_source_gap_days: int | None  # None: the longest gap that the last 90 days show
    accept_shrunk: date | None  # where it is this run's as_of, days read before may hold far fewer events now

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        return cls(
            schema=parse_schema("schema", get),
            events=parse_text("events", get),
            event_columns=parse_mapping("event_columns", get),
            as_of=parse_as_of(get),
            question=Question.from_widgets(get),
            cadence_days=parse_number("cadence_days", get, least=1, most=MAX_DAYS),
            max_cutoffs=parse_number("max_cutoffs", get, least=0),
            max_event_types=parse_number("max_event_types", get, least=1),
            max_source_gap_days=parse_optional_number("max_source_gap_days", get, least=0),
            accept_shrunk=parse_as_of(get, "accept_shrunk"),
        )


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """What every later stage needs to know."""

    schema: str
    run_id: str  # blank outside a job
    as_of: date | None  # None: the as_of of the newest extraction
    question: Question

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        return cls(**_stage(get))


@dataclass(frozen=True, kw_only=True)
class ModelConfig(StageConfig):
    """What a stage that loads or registers models needs besides."""

    models: str  # prefix of the registered models' names
    experiment: str

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        return cls(**_stage(get), **_models(get))


@dataclass(frozen=True, kw_only=True)
class TrainConfig(ModelConfig):
    """What `train` needs to know."""

    min_positives: int  # the holdout takes in older cutoffs until so many of its users acted
    thresholds: Thresholds
    max_training_rows: int  # more labelled rows than that are sampled, the holdout's as well; 0: never
    seed: int
    challenger: str  # blank, or the MLflow URI of somebody's own models: they are compared whatever the verdict

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        return cls(**_stage(get), **_models(get), **_judging(get))


@dataclass(frozen=True, kw_only=True)
class RetrainConfig(TrainConfig):
    """What `retrain` needs to know."""

    n_trials: int
    search_seconds: int  # no trial begins later than that; 0: no limit
    search_on: str  # driver: its cores; spark: tasks on the executors
    search_workers: int  # trials at the same time
    objective: str
    optuna_storage: str  # an Optuna storage URL that keeps the studies; blank keeps none

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        return cls(
            **_stage(get), **_models(get), **_judging(get),
            n_trials=parse_number("n_trials", get, least=1),
            search_seconds=parse_number("search_seconds", get, least=0),
            search_on=parse_choice("search_on", get, PLACES),
            search_workers=parse_number("search_workers", get, least=1, most=64),
            objective=parse_choice("objective", get, OBJECTIVES),
            optuna_storage=get("optuna_storage").strip(),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PredictConfig(ModelConfig):
    """What `predict` needs to know."""

    reasons: int  # how many a user gets at the most; 0: none are looked for

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        return cls(**_stage(get), **_models(get), reasons=parse_number("reasons", get, least=0, most=MAX_REASONS))


@dataclass(frozen=True, kw_only=True)
class PublishConfig(ModelConfig):
    """What `publish` needs to know."""

    held_out_share: float  # of the users, whom nobody is to contact
    bounds: Bounds
    max_source_gap_days: int | None  # None: the longest gap that the last 90 days show
    contacts: Contacts  # whom an exported file names
    export: str  # blank, or a .csv or .parquet file to write the list to
    reports: str  # blank, or a folder for the report pages
    seed: int

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        export = get("export").strip()
        if export and not export.endswith((".csv", ".parquet")):
            raise ConfigError(f"export must end in .csv or .parquet, got {export!r}. Leave it blank for none.")
        return cls(
            **_stage(get), **_models(get),
            held_out_share=parse_decimal("held_out_share", get, least=0, most=1), bounds=Bounds.from_widgets(get),
            max_source_gap_days=parse_optional_number("max_source_gap_days", get, least=0),
            contacts=parse_contacts(get), export=export, reports=get("reports").strip(),
            seed=parse_number("seed", get, least=0),
        )  # fmt: skip


def _stage(get: Get) -> dict[str, Any]:
    return {
        "schema": parse_schema("schema", get),
        "run_id": parse_run_id(get),
        # extract_features resolves a blank as_of once, for all stages of the run
        "as_of": parse_as_of(get, "resolved_as_of") or parse_as_of(get),
        "question": Question.from_widgets(get),
    }


def _models(get: Get) -> dict[str, Any]:
    return {"models": parse_text("models", get), "experiment": parse_text("experiment", get)}


def _judging(get: Get) -> dict[str, Any]:
    return {
        "min_positives": parse_number("min_positives", get, least=1),
        "thresholds": Thresholds.from_widgets(get),
        "max_training_rows": parse_number("max_training_rows", get, least=0),
        "seed": parse_number("seed", get, least=0),
        "challenger": parse_model(get),
    }


def parse_text(name: str, get: Get) -> str:
    """Read a text that must not be blank."""
    text = get(name).strip()
    if not text:
        raise ConfigError(f"{name} is blank. Give the job or the notebook's widget a value for it.")
    return text


def parse_contacts(get: Get) -> Contacts:
    """Read how contacts are chosen: value and cost come together, or neither."""
    texts = [get(name).strip() for name in ("value_of_action", "cost_of_contact")]
    if any(texts) and not all(texts):
        raise ConfigError(
            f"value_of_action and cost_of_contact are given together or not at all, got {texts[0]!r} and {texts[1]!r}. "
            "Give both in one currency, or leave both blank."
        )
    value = parse_decimal("value_of_action", get, least=0, most=1e9) if texts[0] else None
    cost = parse_decimal("cost_of_contact", get, least=0, most=1e9) if texts[1] else None
    return Contacts(top=parse_number("export_top", get, least=0), value_of_action=value, cost_of_contact=cost)


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
