"""What users really did after as_of, where a built-in source knows: the list held against it."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from pyarrow import csv

from lib.config.question import Question
from lib.evaluation.metrics import area_under_curve, log_losses
from lib.timeline import Window


def format_what_happened(
    audience: Path, run_id: str, parameters: Mapping[str, str], question: str = ""
) -> Iterator[str]:
    """Say how the list that a run published turned out; nothing where the horizon goes beyond the events.

    Parameters
    ----------
    audience : path of the Delta table `audience`
    parameters : those of the question; `events` is a path of built-in events, Parquet, CSV or Delta
    question : its slug, where the run asked several
    """
    if not (audience / "_delta_log").is_dir():
        return
    events = Path(parameters["events"])
    asked = Question.of(parameters)
    if not asked.is_plain or asked.kinds != asked.actions:  # whether it was often enough, built-in events are not asked
        return
    of = {"question": question, "run_id": run_id} if question else {"run_id": run_id}
    rows = DeltaTable(audience).to_pyarrow_table(columns=[*of, "user_id", "cutoff", "propensity"])
    for name, value in of.items():
        rows = rows.filter(pc.equal(rows[name], value))
    if not len(rows):
        return
    cutoff: date = pc.max(rows["cutoff"]).as_py()
    days = asked.window(cutoff)
    actors, last = _read_actors(events, asked.actions, days)
    if days.end > last:
        return
    did_it = np.isin(rows["user_id"].to_numpy(zero_copy_only=False), list(actors))
    acted = (did_it != asked.without).astype(np.int64)
    scores = rows["propensity"].to_numpy()
    verb = "did not do it" if asked.without else "did it"
    did = f"{acted.sum()} of {len(acted)} users {verb}, {acted.mean():.1%}"
    yield f"What really happened from {days.start} until {days.end}: {did}."
    if 0 < acted.sum() < len(acted):
        quality = f"AUC {area_under_curve(acted, scores):.4f}, log loss {log_losses(acted, scores).mean():.4f}"
        yield f"  {quality}; by decile of the list:"
        yield "  decile  expected  observed"
        for number, decile in enumerate(np.array_split(np.argsort(-scores, kind="stable"), 10), start=1):
            if len(decile):
                yield f"  {number:6}  {scores[decile].mean():8.1%}  {acted[decile].mean():8.1%}"


def _read_actors(events: Path, actions: Collection[str], days: Window) -> tuple[set[str], date]:
    """Who did one of the actions on some days, and the day up to which the events go, exclusive."""
    table = _read_events(events, ["user_id", "event_time", "event_type"])
    day = table["event_time"].cast(pa.date32())
    inside = pc.and_(pc.greater_equal(day, days.start), pc.less(day, days.end))
    did = table.filter(pc.and_(inside, pc.is_in(table["event_type"], value_set=pa.array(list(actions)))))
    return set(did["user_id"].to_pylist()), pc.max(day).as_py()


def _read_events(path: Path, columns: list[str]) -> pa.Table:
    if path.is_dir():
        return DeltaTable(path).to_pyarrow_table(columns=columns)
    if path.suffix == ".csv":  # ids are texts there, whatever they look like
        texts = csv.ConvertOptions(column_types={"user_id": pa.string()}, include_columns=columns)
        return csv.read_csv(path, convert_options=texts)
    return pq.read_table(path, columns=columns)
