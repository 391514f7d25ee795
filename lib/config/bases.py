"""What several stages need to know; the order of fields, those of the last base first, is the order of parameters."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from lib.config.kinds import day, file_of, flag, optional, run_name, schema_name, whole, word
from lib.config.parameters import FromWidgets, Get, Group, parameter
from lib.config.question import Question
from lib.timeline import MOST_DAYS


@dataclass(frozen=True, kw_only=True)
class Chance(FromWidgets, group=Group.LEARNING):
    """What all drawing follows from."""

    seed: int = parameter("0", whole(0), "seed of all chance: the same run gives the same rows")


@dataclass(frozen=True, kw_only=True)
class RunConfig(FromWidgets, group=Group.QUESTION):
    """What every stage needs to know."""

    question: Question
    as_of: date | None = parameter(  # None: the day of the source's last event, or of the newest extraction
        "",
        optional(day(), None),
        "the run's now, a day of the log's zone: what happens on that day or later does not exist",
        shown="day of the last event",
        of_run=True,
    )
    question_file: str = parameter(  # read before all else: its questions are what the stages are asked
        "",
        optional(file_of(".yml", ".yaml"), ""),
        "a file of questions and their parameters; what is given besides counts over it",
        job="${var.question_file}",
        of_run=True,
        unread="",
    )
    label_complete_after_days: int = parameter(
        "0",
        whole(0, MOST_DAYS, "days"),
        "so many days after its end a horizon counts as matured: late events are waited for",
        group=Group.LEARNING,
        unread=0,
    )
    run_date: date | None = parameter(  # None: nothing is known to lie in the past, or beyond today
        "",
        optional(day(), None),
        "the day on which the run takes place: no event is later",
        job="{{job.start_time.iso_date}}",
        group=Group.JOB,
        unread=None,
    )
    schema: str = parameter(
        "",
        schema_name(),
        "schema of all tables; on one machine choose a --home instead",
        job="${var.catalog}.${resources.schemas.tables.name}",
        widget="spark_catalog.propensity",
        group=Group.PLACES,
    )


@dataclass(frozen=True, kw_only=True)
class StageConfig(RunConfig, group=Group.JOB):
    """What a stage needs to know besides, so that it finds what the others of its run have left."""

    run_id: str = parameter(  # blank outside a job
        "", run_name(), "the run's id; blank outside a job", job="{{job.run_id}}"
    )
    repair_count: int = parameter(  # a repair runs tasks again under the same id, with the settings of by then
        "0", whole(0), "how often the run was repaired", job="{{job.repair_count}}", unread=0
    )
    resolved_as_of: date | None = parameter(
        "", optional(day(), None), "what extract_features made of a blank as_of", unread=None
    )

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        # extract_features resolves a blank as_of once, for all stages of the run
        config = super().from_widgets(get)
        return replace(config, as_of=config.resolved_as_of or config.as_of)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(StageConfig, group=Group.PLACES):
    """What a stage that loads or registers models needs besides."""

    models: str = parameter(
        "",
        word("a name"),
        "prefix of the registered models' names",
        job="${var.catalog}.${resources.schemas.tables.name}.propensity",
        widget="spark_catalog.propensity.propensity",
    )
    experiment: str = parameter(
        "",
        word("a name"),
        "MLflow experiment of the searches",
        job="${resources.experiments.searches.name}",
        widget="propensity",
    )


@dataclass(frozen=True, kw_only=True)
class ChangeConfig(ModelConfig, group=Group.LIMITS):
    """What a stage needs besides that may change what is in use."""

    replace_newer: bool = parameter(
        "false", flag(), "whether a run for a day before the newest list may change what is in use"
    )
