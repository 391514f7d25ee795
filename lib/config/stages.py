"""What each stage was asked to do: parsed once from its notebook's widgets, then never changed.

The order of the fields, those of the last base first, is the order in which parameters are shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from lib.config import secrets
from lib.config.bases import Chance, ChangeConfig, StageConfig
from lib.config.event_kinds import places
from lib.config.events import Events, QuietDays
from lib.config.exports import Export
from lib.config.keeping import Periods
from lib.config.kinds import (
    choice,
    day,
    decimal,
    model_uri,
    optional,
    secret_name,
    table_name,
    whole,
    word,
)
from lib.config.parameters import Get, Group, parameter
from lib.config.thresholds import Contacts, LoadLimits, PublishLimits, Thresholds
from lib.config.users import Identities, Segments, Users
from lib.errors import ConfigError
from lib.expressions.facts import FACTS
from lib.timeline import MOST_DAYS

MAX_EVENT_TYPES = 500  # ten columns each: wider tables no engine bears
MAX_REASONS = 10  # more than that nobody reads
OBJECTIVES = ("log_loss", "average_precision")  # what a search can tune for
PLACES = ("driver", "spark")  # where its trials can run
COMPUTES = ("serverless", "classic", "existing")  # what a deployed job can run on


@dataclass(frozen=True, kw_only=True)
class ExtractConfig(StageConfig, Chance, Segments, Identities, Users, QuietDays, Events, group=Group.LEARNING):
    """What `extract_features` needs to know."""

    cadence_days: int = parameter("7", whole(1, MOST_DAYS, "days"), "from one cutoff that is learnt from to the next")
    max_cutoffs: int = parameter("26", whole(0), "how many cutoffs to learn from, the newest; 0: all history")
    max_event_types: int = parameter(
        "24",
        whole(1, MAX_EVENT_TYPES),
        "event types with columns of their own, the most used, besides every action; the others share other",
        of_run=True,
    )
    accept_shrunk: date | None = (
        parameter(  # where it is this run's as_of, days read before may hold far fewer events now
            "",
            optional(day(), None),
            "the as_of of the one run that takes a source which has shrunk",
            group=Group.LIMITS,
            of_run=True,
        )
    )
    load_limits: LoadLimits
    feature_keys: str = parameter(
        "no",
        choice("no", "yes"),
        "whether the table of features gets a primary key, so that Unity Catalog's feature store takes it",
        job="${var.feature_keys}",
        group=Group.PLACES,
        of_run=True,
    )
    forgotten_key: str = parameter(
        "",
        optional(secret_name(), ""),
        "names the secret by which users who were forgotten are known again; on one machine the home has it",
        job="${var.forgotten_key}",
        group=Group.PLACES,
        of_run=True,
    )

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        config = super().from_widgets(get)
        where = config.question.cohort_where
        if where and where.attributes and not config.users:
            raise ConfigError(
                f"cohort_where reads {next(iter(where.attributes))!r}, and users names no table that has it. Name one; "
                f"what a user did is written with {', '.join(FACTS)}, like events('buy', 28) >= 2."
            )
        if config.question.newcomers and not config.users:
            raise ConfigError(
                f"newcomers is {config.question.newcomers!r}, and users names no table that has it. Name one, or leave "
                "newcomers blank."
            )
        if config.segments and not config.users:
            raise ConfigError(
                f"segments names {', '.join(config.segments)} and users names no table that has them. Name one, or "
                "leave segments blank."
            )
        return config

    def with_secrets(self, read: Callable[[str, str], str]) -> Self:
        """The same with the key in place, as `read(scope, key)` gives it."""
        return replace(self, forgotten_key=secrets.reveal(self.forgotten_key, read))


@dataclass(frozen=True, kw_only=True)
class TrainConfig(ChangeConfig, Chance, Segments, group=Group.LEARNING):
    """What `train` needs to know."""

    min_positives: int = parameter(
        "50", whole(1), "the holdout takes in older cutoffs until so many of its users acted"
    )
    thresholds: Thresholds
    max_training_rows: int = parameter(
        "1000000", whole(0), "more labelled rows than that are sampled, the holdout's as well; 0: never"
    )
    challenger: str = parameter(
        "", optional(model_uri(), ""), "a model of your own, compared instead of a search's", group=Group.SEARCH
    )
    score_table: str = parameter(
        "",
        optional(table_name(), ""),
        "a Delta table of scores (user_id, cutoff, score) from elsewhere, compared and never used",
        group=Group.SEARCH,
        unread="",
    )
    evaluations: str = parameter(
        "no",
        choice("no", "yes"),
        "whether each user's propensity is kept beside what happened, in a table for a data quality monitor",
        job="${var.evaluations}",
        group=Group.PLACES,
    )


@dataclass(frozen=True, kw_only=True)
class RetrainConfig(TrainConfig, group=Group.SEARCH):
    """What `retrain` needs to know."""

    n_trials: int = parameter("8", whole(1), "how many trials the search for a model has")
    search_seconds: int = parameter(
        "0", whole(0, unit="seconds"), "no trial begins later than that, and nothing repeats exactly; 0: no limit"
    )
    search_on: str = parameter(
        "driver", choice(*PLACES), "where trials run; spark: on its executors, and nothing repeats exactly"
    )
    search_workers: int = parameter(
        "1", whole(1, 64), "trials at the same time; with more than one nothing repeats exactly"
    )
    objective: str = parameter("log_loss", choice(*OBJECTIVES), "what the search tunes for")
    optuna_storage: str = parameter(
        "",
        optional(word("a storage URL", secret=True), ""),
        "where Optuna keeps the studies; on one machine the home has such a place",
    )
    compute: str = parameter(  # blank: nobody said, as by hand
        "",
        optional(choice(*COMPUTES), ""),
        "what the deployed job runs on",
        job="${var.compute}",
        group=Group.JOB,
    )

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        config = super().from_widgets(get)
        if config.search_on == "spark" and config.compute == "serverless":
            raise ConfigError(
                "search_on is spark and compute is serverless, whose executors reach no network and have 1 GB of "
                "memory: no trial could read its folds or note its result. Set search_on to driver, or deploy with "
                "compute: classic."
            )
        return config

    def with_secrets(self, read: Callable[[str, str], str]) -> Self:
        """The same with the secrets in place that a parameter names, as `read(scope, key)` gives them."""
        return replace(self, optuna_storage=secrets.reveal(self.optuna_storage, read))


@dataclass(frozen=True, kw_only=True)
class PredictConfig(ChangeConfig, group=Group.LIST):
    """What `predict` needs to know."""

    reasons: int = parameter(
        "3", whole(0, MAX_REASONS), "how many reasons a user gets at the most; 0: none, which is faster"
    )


@dataclass(frozen=True, kw_only=True)
class PublishConfig(ChangeConfig, QuietDays, Chance, Segments, group=Group.LIST):
    """What `publish` needs to know."""

    held_out_share: float = parameter(
        "0.1", decimal(0, 1), "share of the users whom nobody is to contact, to see what contacting adds"
    )
    hold_out_for: str = parameter(
        "question",
        choice("question", "home"),
        "question: users left alone for each question; home: the same for all of a home",
    )
    bounds: PublishLimits
    suppress: tuple[str, ...] = parameter(
        "",
        optional(places(), ()),
        "tables and .csv or .parquet files of users who are to be on no list: user_id, reason, until",
        job="${var.suppress}",
    )
    export: Export
    contacts: Contacts  # whom that file names
    periods: Periods  # by which it is cleaned up afterwards
    order: str = parameter(
        "propensity",
        choice("propensity", "uplift"),
        "whom a file holds first: the likeliest, or, once shown to be better, whom a contact moves most",
    )
    action_name: str = parameter(
        "",
        optional(word("words"), ""),
        "what users do, in the words of a report, like: buy coffee",
        shown="made of action",
    )
    currency: str = parameter(
        "",
        optional(word("a currency"), ""),
        "of value_of_action and cost_of_contact, like EUR, where amounts are shown",
    )
    contacted: tuple[str, ...] = parameter(
        "",
        optional(places(), ()),
        "tables and .csv or .parquet files of who was contacted: user_id, day, channel, question",
        job="${var.contacted}",
    )
    catch_up_to: date | None = parameter(
        "",
        optional(day(), None),
        "last day of a catch-up, set by --catch-up: lists of earlier days are recorded, not put in use",
        of_run=True,
    )
    reports: str = parameter(
        "",
        optional(word("a folder"), ""),
        "folder for the report of each list; on one machine the home has one",
        job="/Volumes/${var.catalog}/${resources.schemas.tables.name}/${resources.volumes.exports.name}/reports",
    )
