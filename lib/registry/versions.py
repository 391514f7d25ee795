"""Which version was in use when and why, and how two differ: read from versions and decisions; changes nothing."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol, Self

import pandas as pd

from lib.config.bases import ModelConfig
from lib.config.question import Question
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import measure_change
from lib.models.pair import Params

CHAMPION = "champion"  # the alias of the prediction version in use
PARTNER = "preprocessing_version"  # tag of a prediction version


def model_names(prefix: str, question: Question) -> tuple[str, str]:
    """Names of the two registered models of a question: preprocessing, prediction."""
    return f"{prefix}_{question.slug}_preprocessing", f"{prefix}_{question.slug}_prediction"


class Registered(Protocol):
    """One version of a registered model, as its store has it."""

    @property
    def version(self) -> Any:
        """Its number."""

    @property
    def tags(self) -> Mapping[str, str]:
        """What it says of itself."""

    @property
    def creation_timestamp(self) -> int:
        """Milliseconds since 1970."""


@dataclass(frozen=True)
class Version:
    """What a registry knows of one registered pair without loading it."""

    prediction_version: str  # blank: a preprocessing version that no prediction version names
    preprocessing_version: str
    created: str = ""  # UTC, to the minute; blank where nobody noted it
    as_of: str = ""
    holdout: str = ""  # newest cutoff that it was judged on
    trained_through: str = ""
    decision: str = ""  # what the run that made it decided
    why: str = ""
    params: Params = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    champion_since: str = ""  # as_of of the decision that last put it in use
    champion_until: str = ""
    in_use: bool = False

    @classmethod
    def of(cls, versions: tuple[str, str], tags: Mapping[str, str], champion: str | None, **others: Any) -> Self:
        """Read what the tags say; `versions` are those of prediction and preprocessing, `known` what else is."""
        names = ("as_of", "holdout", "trained_through", "decision", "why", "champion_since", "champion_until")
        texts: dict[str, Any] = {name: tags.get(name, "") for name in names}
        in_use = bool(versions[0]) and versions[0] == champion
        return cls(prediction_version=versions[0], preprocessing_version=versions[1], in_use=in_use, **texts, **others)

    @property
    def was_in_use(self) -> bool:
        """Whether it is in use or was once: a kill between alias and tag leaves one of the signs."""
        return self.in_use or bool(self.champion_since or self.champion_until)


def pair_versions(
    predictors: Sequence[Registered],
    transformers: Sequence[Registered],
    champion: str | None,
    recorded: Callable[[str], Mapping[str, Any]],
) -> list[Version]:
    """Every pair, in the order of its prediction versions, then the preprocessing versions that none of them names.

    `recorded` gives what was recorded with a pair, by the id of its run; nothing where that is gone.
    """

    def known(one: Registered) -> dict[str, Any]:
        created = f"{datetime.fromtimestamp(one.creation_timestamp / 1000, UTC):%Y-%m-%d %H:%M}"
        return {"created": created, **(recorded(one.tags["pair"]) if one.tags.get("pair") else {})}

    pairs = [
        Version.of((str(one.version), one.tags.get(PARTNER, "")), one.tags, champion, **known(one))
        for one in predictors
    ]
    orphans = [one for one in transformers if str(one.version) not in {pair.preprocessing_version for pair in pairs}]
    return pairs + [Version.of(("", str(one.version)), one.tags, None, **known(one)) for one in orphans]


@dataclass(frozen=True)
class Period:
    """A span of days over which one version was in use, by the as_of of the decisions."""

    version: str
    since: date
    until: date | None  # None: still
    kind: str
    why: str


def periods_in_use(decisions: pd.DataFrame, were_in_use: Collection[str]) -> list[Period]:
    """Tell from a question's decisions which version was in use from when to when, oldest first.

    Parameters
    ----------
    decisions : DataFrame[number, as_of, kind, prediction_version, why]
        All rows of `decisions` on one question, in any order.
    were_in_use : prediction versions
        A promotion that a kill cut off before the alias moved stands in `decisions`, and never came into use.
    """
    periods: list[Period] = []
    for row in _effective_decisions(decisions, were_in_use):
        if periods and periods[-1].version == row["prediction_version"]:
            continue
        if periods:
            last = periods.pop()
            periods.append(Period(last.version, last.since, row["as_of"], last.kind, last.why))
        periods.append(Period(row["prediction_version"], row["as_of"], None, row["kind"], row["why"]))
    return periods


def version_before(decisions: pd.DataFrame, champion: str, were_in_use: Collection[str]) -> str | None:
    """The version that was in use before the champion came to be; None when it was the first.

    Promotions pile up and a rollback takes the uppermost off: going back twice goes two versions back, not to and
    fro. An alias that somebody moved by hand counts for more than what the decisions say.
    """
    pile: list[str] = []
    for row in _effective_decisions(decisions, were_in_use):
        version = row["prediction_version"]
        if version in pile and row["kind"] != "promoted":
            while pile[-1] != version:
                pile.pop()
        elif pile[-1:] != [version]:
            pile.append(version)
    if champion in pile:
        while pile.pop() != champion:
            pass
    return pile[-1] if pile else None


def compare_versions(
    one: Version, other: Version, columns: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, str, str]]:
    """What differs between two versions: name, value in the one and in the other, and of metrics by how much.

    Equal things are left out. The interval of a difference has the noise of both metrics, as if of other users: where
    these were the same, the difference is surer than it says.

    Parameters
    ----------
    columns : {prediction version: feature columns that its pair reads}
    """
    left, right = _facts(one), _facts(other)
    names = [*left, *(name for name in right if name not in left)]
    rows = [(name, left.get(name, "-"), right.get(name, "-"), _format_difference(one, other, name)) for name in names]
    mine, theirs = (list(columns[version.prediction_version]) for version in (one, other))
    rows += [
        ("number of feature columns", str(len(mine)), str(len(theirs)), f"{len(theirs) - len(mine):+}"),
        ("feature columns of its own", _columns_besides(mine, theirs), _columns_besides(theirs, mine), ""),
    ]
    return [row for row in rows if row[1] != row[2]]


def format_metrics(metrics: Mapping[str, float], intervals: Mapping[str, tuple[float, float]]) -> dict[str, str]:
    """Metrics as texts, each with its interval where there is one."""
    texts = {}
    for name, value in metrics.items():
        low_high = intervals.get(name)
        texts[name] = f"{value:.4f}" + (f" ({low_high[0]:.4f} to {low_high[1]:.4f})" if low_high else "")
    return texts


def format_params(params: Params) -> str:
    """Parameters in one line."""
    return ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in params.items())


def _facts(version: Version) -> dict[str, str]:
    plain = ("preprocessing_version", "created", "as_of", "holdout", "trained_through", "decision")
    return (
        {name: str(getattr(version, name)) for name in plain}
        | {name: format_params({name: value}).partition(" ")[2] for name, value in version.params.items()}
        | format_metrics(version.metrics, version.intervals)
    )


def _format_difference(one: Version, other: Version, name: str) -> str:
    """The other's metric less the one's; blank for what is no metric of both."""
    if name not in one.metrics or name not in other.metrics:
        return ""
    if name not in one.intervals or name not in other.intervals:
        return f"{other.metrics[name] - one.metrics[name]:+.4f}"
    then, now = (Measured(version.metrics[name], *version.intervals[name]) for version in (one, other))
    return f"{measure_change(then, now):+.4f}"


def _columns_besides(columns: Sequence[str], others: Sequence[str]) -> str:
    return ", ".join(column for column in columns if column not in others) or "-"


def _effective_decisions(decisions: pd.DataFrame, were_in_use: Collection[str]) -> list[dict[Hashable, Any]]:
    rows = decisions[decisions["prediction_version"].isin(list(were_in_use))]
    return rows.sort_values("number").to_dict("records")


def questions_of(models: Iterable[tuple[str, Mapping[str, str]]]) -> list[ModelConfig]:
    """One configuration for each question that has models, by the names and tags of all registered ones."""
    configs = []
    for name, tags in models:
        if "question" in tags and name.endswith("_prediction"):
            question = Question.of(tags)
            configs.append(ModelConfig(
                schema=tags["schema"], run_id="", as_of=None, question=question,
                models=name.removesuffix(f"_{question.slug}_prediction"), experiment=tags["experiment"],
            ))  # fmt: skip
    return configs
