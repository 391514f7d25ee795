"""What a run was asked to do: parsed once from the notebook's widgets, then never changed."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from lib.config.numbers import parse_decimal
from lib.config.parameters import (
    Get,
    parse_as_of,
    parse_choice,
    parse_mapping,
    parse_model,
    parse_number,
    parse_optional_number,
    parse_run_id,
    parse_schema,
    parse_text,
)
from lib.config.question import MAX_DAYS, Question
from lib.config.thresholds import Contacts, PublishLimits, Thresholds
from lib.errors import ConfigError

MAX_REASONS = 10  # more than that nobody reads
OBJECTIVES = ("log_loss", "average_precision")  # what a search can tune for
PLACES = ("driver", "spark")  # where its trials can run


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
    bounds: PublishLimits
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
            held_out_share=parse_decimal("held_out_share", get, least=0, most=1),
            bounds=PublishLimits.from_widgets(get),
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
