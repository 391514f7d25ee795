"""What a schema need not keep for ever: found by the periods of the job, told, then removed.

Days are counted back from the newest ones that a table has, so that the same is found whenever it is asked. What later
runs may read stays, however old: the newest cutoffs, what the last extraction prepared, scores that a list, a record or
an outcome that may still change goes by, the last of each question, pairs that were in use. `outcomes`, `decisions`,
`publications`, `model_checks`, `source_checks`, `contacts` and the activity stay; other tables are replaced as a whole.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pandas as pd

from lib import timeline
from lib.config.keeping import Periods
from lib.config.question import Question
from lib.config.stages import PublishConfig
from lib.features.cache import EXTRACTION
from lib.features.days import LATE_DAYS
from lib.features.extraction import Extraction
from lib.features.source_note import BEGAN
from lib.registry.protocol import Registry
from lib.stages.context import Context
from lib.stages.earlier_lists import is_carried_over
from lib.stages.records import read_decisions
from lib.tables.delta_versions import KEPT_DAYS
from lib.tables.protocol import Tables
from lib.tables.sql import days_sql

NEWEST_CUTOFFS = 29  # a run reads so many at the most by default: 26 to learn from, the holdout's, as_of's
NOTES = ("drift", "attribute_checks", "question_runs")  # what a run notes for itself and its report
COLUMNS = ["question", "day", "number", "written"]
_MARKS = {  # what there is of each table, as these columns: no others have to be read
    "features": ("NULL", "cutoff", "0", "NULL"),
    "predictions": ("question", "cutoff", "horizon_days + COALESCE(starts_in_days, 0)", "NULL"),
    "outcomes": ("question", "cutoff", "0", "as_of"),
    "audience": ("question", "cutoff", "0", "NULL"),
    "earlier_lists": ("question", "cutoff", "number", "NULL"),
    **dict.fromkeys(NOTES, ("question", "as_of", "0", "NULL")),
}
_OF_SCORES = ("suppressions", "evaluations", "predictions")  # what stands of a scored cutoff; by the last it is found
Marks = Mapping[str, pd.DataFrame]  # by table


@dataclass(frozen=True)
class Removable:
    """Something that need not be kept any more."""

    what: str  # a run, a report, ...
    name: str
    remove: Callable[[], object]
    number: int = 1
    megabytes: float = 0.0  # where that is known


def clean_up(contexts: Sequence[Context[PublishConfig]]) -> str:
    """Clean up a schema, its models and its folder of reports, after lists were published; what became of it.

    What goes wrong is a warning: a list that is published must not look as if it were not.
    """
    config, tables = contexts[0].config, contexts[0].tables
    periods = config.periods
    try:
        settled = periods if tables.get_property("daily_activity", BEGAN) else periods.without_usual()
        if periods.versions.is_said:  # else tables keep what they were made with
            tables.keep_versions(periods.versions.days)
        removable = list(find_rows(tables, settled))
        removable += find_reports(Path(config.reports), settled.reports.days) if config.reports else []
        for one in contexts:
            removable += find_models(one.config.question, tables, one.registry, settled.models.days)
        for each in removable:
            each.remove()
    except Exception as error:  # noqa: BLE001 - whatever it was
        return f"warning: cleaning up broke off: {type(error).__name__}: {error}"
    return f"cleaned up: {format_total(removable)}" if removable else "cleaned up: nothing is older than its period"


def format_total(removable: Sequence[Removable]) -> str:
    """How many of which kind, and their size where any is known."""
    kinds: Counter[str] = Counter()
    for one in removable:
        kinds[one.what] += one.number
    named = {what: re.sub(r"(?= of | with |$)", "s", what, count=1) if n > 1 else what for what, n in kinds.items()}
    counts = ", ".join(f"{number} {named[what]}" for what, number in kinds.items())
    size = sum(one.megabytes for one in removable)
    return f"{counts}, {size:.1f} MB" if size else counts


def find_rows(tables: Tables, periods: Periods) -> Iterator[Removable]:
    """Rows of tables that are older than their period and that nothing needs any more."""
    marks = _read_marks(tables, periods)
    if periods.features.days is not None:
        yield from _find_features(tables, marks["features"], periods.features.days)
    if periods.predictions.days is not None:
        yield from _find_scores(tables, marks, periods.predictions.days)
    if periods.lists.days is not None and is_carried_over(tables):
        yield from _find_lists(tables, marks["earlier_lists"], periods.lists.days)
    for name in NOTES:
        if periods.notes.days is not None:
            yield from _find_notes(tables, name, marks[name], periods.notes.days)


def find_reports(folder: Path, days: int | None) -> Iterator[Removable]:
    """Reports of lists long before the newest one, but for the newest of each question."""
    reports = [(path, date.fromisoformat(path.stem)) for path in sorted(folder.glob("*/????-??-??.html"))]
    newest = max((day for _, day in reports), default=None)
    last = {path.parent: path for path, _ in reports}
    for path, day in reports:
        if days is not None and newest and day < newest - timedelta(days=days) and path != last[path.parent]:
            size = path.stat().st_size / 2**20
            yield Removable("report", f"{path.parent.name} {day}", path.unlink, megabytes=size)


def find_models(question: Question, tables: Tables, registry: Registry, days: int | None) -> Iterator[Removable]:
    """Pairs made long before the newest one that were never in use and that no decision put there."""
    if days is None or not tables.exists("decisions"):
        return
    decisions = read_decisions(tables, question)
    first = decisions["as_of"].max() - timedelta(days=days) if len(decisions) else date.min
    if not (decisions["challenger_version"].notna() & (decisions["as_of"] < first)).any():
        return  # most runs need not ask the registry
    in_use = set(decisions["prediction_version"].dropna())
    for one in registry.versions(question):
        is_old = bool(one.as_of) and date.fromisoformat(one.as_of) < first
        if is_old and not one.was_in_use and one.prediction_version not in in_use:
            name = f"{question.slug} {one.prediction_version or one.preprocessing_version} of {one.as_of}"
            yield Removable("pair of models", name, partial(registry.remove, question, one))


def _read_marks(tables: Tables, periods: Periods) -> Marks:
    """What there is of the tables that may be cleaned up, by one query: DataFrame[question, day, number, written]."""
    kept = {"features": periods.features, "earlier_lists": periods.lists, **dict.fromkeys(NOTES, periods.notes)}
    names = [name for name in _MARKS if kept.get(name, periods.predictions).days is not None and tables.exists(name)]
    queries = []
    for name in names:
        question, day, number, written = _MARKS[name]
        queries.append(
            f"SELECT DISTINCT '{name}' AS name, CAST({question} AS STRING) AS question, {day} AS day, "
            f"CAST({number} AS BIGINT) AS number, CAST({written} AS DATE) AS written FROM {{{name}}}"
        )
    none = pd.DataFrame(columns=COLUMNS)
    if not queries:
        return dict.fromkeys(_MARKS, none)
    by_table = tables.query(" UNION ALL ".join(queries)).groupby("name")
    return dict.fromkeys(_MARKS, none) | {str(name): rows[COLUMNS] for name, rows in by_table}


def _find_features(tables: Tables, marks: pd.DataFrame, days: int) -> Iterator[Removable]:
    """Cutoffs that no run reads any more; one that asks for them computes them again."""
    cutoffs = sorted(marks["day"], reverse=True)
    notes = [text for key, text in tables.properties("features").items() if text and key.startswith(EXTRACTION)]
    prepared = {day for text in notes for day in Extraction.from_json(text).cutoffs.all}  # stages may work on these yet
    old = [day for day in cutoffs[NEWEST_CUTOFFS:] if day < cutoffs[0] - timedelta(days=days) and day not in prepared]
    if old:
        where = f"cutoff IN ({days_sql(sorted(old))})"
        # those of named actions first: without the others nobody would ask for them
        yield _rows("cutoff of features", tables, ("named_features", "features"), where, old)


def _find_scores(tables: Tables, marks: Marks, days: int) -> Iterator[Removable]:
    """Scores of cutoffs whose outcome was written for good, and that neither list nor record reads any more."""
    written = marks["outcomes"].groupby(["question", "day"])["written"].max().to_dict()
    listed = set(marks["audience"][["question", "day"]].itertuples(index=False, name=None))
    for question, own in marks["predictions"].sort_values("day", ascending=False).groupby("question"):
        newest, old = own["day"].iloc[0], []
        undone = newest - timedelta(days=KEPT_DAYS["daily_activity"])  # outcomes since then may be written again
        older = own[["day", "number"]].drop_duplicates("day").iloc[NEWEST_CUTOFFS:]
        for cutoff, reach in older.itertuples(index=False):
            as_of = written.get((question, cutoff))
            is_final = as_of is not None and timeline.is_final(cutoff, reach, as_of, LATE_DAYS) and as_of < undone
            is_read = (question, cutoff) in listed or cutoff >= timeline.track_record_window(newest, reach).start
            old += [cutoff] if is_final and not is_read and cutoff < newest - timedelta(days=days) else []
        if old:
            where = f"question = '{question}' AND cutoff IN ({days_sql(sorted(old))})"
            yield _rows("cutoff of predictions", tables, _OF_SCORES, where, old, str(question))


def _find_lists(tables: Tables, marks: pd.DataFrame, days: int) -> Iterator[Removable]:
    """Earlier lists of days long before the newest of them, but for the last one of each question."""
    for question, own in marks.sort_values("number").groupby("question"):
        old = own.iloc[:-1][own.iloc[:-1]["day"] < own["day"].max() - timedelta(days=days)]
        if len(old):
            where = f"question = '{question}' AND number IN ({', '.join(map(str, old['number']))})"
            yield _rows("earlier list", tables, ("earlier_lists",), where, list(old["day"]), str(question))


def _find_notes(tables: Tables, name: str, marks: pd.DataFrame, days: int) -> Iterator[Removable]:
    """What runs long before the newest one noted, but for the last one of each question."""
    for question, own in marks.groupby("question"):
        first = marks["day"].max() - timedelta(days=days)
        old = [day for day in own["day"] if day < first and day < own["day"].max()]
        if old:
            where = f"question = '{question}' AND as_of IN ({days_sql(sorted(old))})"
            yield _rows(f"day of {name}", tables, (name,), where, old, str(question))


def _rows(
    what: str, tables: Tables, names: Sequence[str], where: str, days: Sequence[date], question: str = ""
) -> Removable:
    span = f"{min(days)}" if len(days) == 1 else f"{min(days)} to {max(days)}"
    return Removable(what, f"{question} {span}".strip(), partial(_delete, tables, names, where), len(days))


def _delete(tables: Tables, names: Sequence[str], where: str) -> None:
    for name in names:
        if tables.exists(name):
            tables.delete(name, where)
