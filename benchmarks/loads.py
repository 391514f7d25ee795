"""Loads, sound and broken, over four logs: which stop a run, what is told of the others, and what these lead to.

    python -m benchmarks.loads [--retail FILE] [--logs complete_journey cdnow invented online_retail]
                               [--judge-only] [--weeks] [--only WORDS] [--out FILE] [--kept FOLDER]

A home has run a week before. Each load is judged by the checks of `lib.features`, on its numbers by day; one that
goes on is trained on, scored and published by the stages, in memory, beside the sound load. Harmful is what moves the
expected actions by more than a tenth, or AUC by more than 0.02. `--judge-only` leaves the stages out; `--weeks` counts
instead what stops and what is told on every sound week of each log, 52 at the most. Lines that stand in FILE are not
done again, and what a home was before is kept in FOLDER.
"""

import argparse
import json
import pickle
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from benchmarks.broken_loads import Load, each_load
from benchmarks.journey import widgets
from benchmarks.load_logs import Log, count_days, read_logs
from benchmarks.load_weeks import count_weeks
from lib.config.stages import ExtractConfig, PredictConfig, PublishConfig, RetrainConfig
from lib.errors import PropensityError, SourceError
from lib.evaluation.metrics import measure
from lib.features import extraction, likeness, loads, planning
from lib.features.days import Ingestion
from lib.features.freshness import check_not_stale
from lib.features.log import Log as SourceLog
from lib.features.log import Source
from lib.features.remarks import Remark, list_days, marked, write_remarks
from lib.features.source import Reading
from lib.features.thin import tell_thin
from lib.labels.labels import labelled_sql
from lib.registry.memory import MemoryRegistry
from lib.stages import predict, publish, retrain, train
from lib.stages.context import Context
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema

NAMES = ("complete_journey", "cdnow", "invented", "online_retail")
SMALL = {"n_trials": "2", "max_cutoffs": "8", "max_training_rows": "30000", "reasons": "0"}
WEEK = timedelta(days=7)
LATE = "a tenth of last week's rows came late"


@dataclass
class Outcome:
    """What became of one load."""

    log: str
    load: str
    sound: bool
    stopped: str = ""  # by which check, or by which stage
    told: int = 0  # remarks in the first lines
    expected: float | None = None
    auc: float | None = None
    new_pair: bool = False

    def is_harmful(self, sound: "Outcome") -> bool:
        """Whether its list differs from that of the sound load by more than it may."""
        if self.expected is None or sound.expected is None or self.auc is None or sound.auc is None:
            return False
        return abs(self.expected / sound.expected - 1) > 0.1 or abs(self.auc - sound.auc) > 0.02


class Home:
    """A home of one log, which has run a week before."""

    def __init__(self, log: Log, *, run: bool, kept: Path | None = None) -> None:
        self.log, self.start = log, log.as_of - WEEK
        self.whole = log.activity.to_pandas()
        self.tables, self.registry = MemoryTables(), MemoryRegistry()
        self._keep(self.whole[self.whole["day"] < self.start])
        file = kept / f"{log.name}.pickle" if kept else None
        if run and file and file.exists():
            self.tables.stored, self.tables.notes, self.registry = pickle.loads(file.read_bytes())
        elif run:
            self.run(self.tables, self.registry, self.start)
            if file:
                file.write_bytes(pickle.dumps((self.tables.stored, self.tables.notes, self.registry)))

    def config(self, kind: Any, as_of: date) -> Any:
        """The configuration of a stage."""
        log = self.log
        asked = {"action": log.action, "horizon_days": log.horizon_days, "cohort_days": log.cohort_days, **SMALL}
        return kind.from_widgets(widgets(**asked, as_of=as_of, run_id=f"run-{as_of}").__getitem__)

    def run(self, tables: MemoryTables, registry: MemoryRegistry, as_of: date) -> None:
        """The stages after the source was read."""
        extraction.build_missing(self.config(ExtractConfig, as_of), tables, as_of)
        context = Context(self.config(RetrainConfig, as_of), tables, registry, _silent)
        if train.run(context).retrain_needed:
            retrain.run(context)
        predict.run(Context(self.config(PredictConfig, as_of), tables, registry, _silent))
        publish.run(Context(self.config(PublishConfig, as_of), tables, registry, _silent))

    def take(self, name: str, sound: bool, load: Load, *, run: bool) -> Outcome:
        """What becomes of a load; the home is as it was afterwards."""
        outcome = Outcome(self.log.name, name, sound)
        tables, registry = MemoryTables(), self.registry.copy()
        tables.stored, tables.notes = dict(self.tables.stored), dict(self.tables.notes)
        if name == LATE:
            stored = _as_rows(tables)
            late = (stored["day"] >= self.start - WEEK) & (stored.index % 10 == 0)
            tables.stored["daily_activity"] = _as_arrow(stored[~late])
        source = load(
            self.whole[self.whole["day"] < self.log.as_of].reset_index(drop=True), self.start, self.log.action
        )
        source = source[source["day"] < self.log.as_of]
        try:
            plan, remarks = self._judge(tables, source)
        except SourceError as refused:
            outcome.stopped = _name(refused)
            return outcome
        before = _as_rows(tables)
        read = [plan.is_read(day) for day in before["known_day"]]
        new = source[[plan.is_read(day) for day in source["known_day"]]]
        if not plan.is_empty:
            first = plan.first_day()
            if tables.exists("features"):
                tables.delete("features", f"cutoff > DATE '{first}'")
            tables.stored["daily_activity"] = _as_arrow(pd.concat([before[[not one for one in read]], new]))
        told = [*remarks, *tell_thin(tables, self.log.as_of, self.config(ExtractConfig, self.log.as_of).load_limits)]
        outcome.told = len(told)
        write_remarks(tables, self.log.as_of, "log", told)
        if run:
            self._go_on(outcome, tables, registry)
        return outcome

    def _go_on(self, outcome: Outcome, tables: MemoryTables, registry: MemoryRegistry) -> None:
        as_of, before = self.log.as_of, registry.champion(self.config(RetrainConfig, self.log.as_of).question)
        try:
            self.run(tables, registry, as_of)
        except PropensityError as refused:
            outcome.stopped = type(refused).__name__
            return
        question = self.config(RetrainConfig, as_of).question
        scores = tables.query(f"SELECT * FROM {{predictions}} WHERE cutoff = DATE '{as_of}'")
        truth = MemoryTables()
        truth.stored["daily_activity"] = self.log.activity
        truth.stored["predictions"] = tables.stored["predictions"]
        rows = f"SELECT user_id, cutoff, propensity FROM {{predictions}} WHERE cutoff = DATE '{as_of}'"
        known = truth.query(labelled_sql(rows, question, [as_of], date.max))
        quality = measure(
            known["label"].to_numpy(), known["propensity"].to_numpy(), None, known["user_id"].to_numpy(), 0
        )
        outcome.expected, outcome.auc = float(scores["propensity"].sum()), quality.metrics["auc"].value
        outcome.new_pair = registry.champion(question) != before

    def _judge(self, tables: MemoryTables, source: pd.DataFrame) -> tuple[Ingestion, list[Remark]]:
        """As `lib.features.ingest` judges a load, on numbers that are counted here."""
        config, as_of = self.config(ExtractConfig, self.log.as_of), self.log.as_of
        stored, acts = count_days(_as_rows(tables), self.log.action)
        log = SourceLog([Source("log", (), Reading(), ())], None, stored, False)  # type: ignore[arg-type]
        recent = planning.recent_days(self.start)
        rows = _as_counted(source[source["known_day"] >= recent.start], self.log.action)
        first = min(source["known_day"], default=None)
        days = loads.compare_days(stored, rows, recent, as_of).after(first)
        limits = config.load_limits
        remarks = loads.check_not_shrunk("log", days, as_of, None, limits)
        acted = loads.compare_days(acts, rows, recent, as_of, (), "acts").after(first)
        loads.check_action_not_shrunk("log", "actions", acted, as_of, None, limits)
        remarks += loads.check_not_doubled("log", days, as_of, None, limits)
        changed = tuple(day for day in days.changed_days if day not in list_days(marked(remarks)))
        plan = Ingestion(self.start, as_of, changed)
        held = {day for known, day in stored if known < as_of} | {row["day"] for row in rows}
        check_not_stale("log", None, held, as_of)
        remarks += planning.check_weeks(config, log, rows, plan, acts, [])
        kept = _as_rows(tables)
        kept = kept[[not plan.is_read(day) for day in kept["known_day"]]]
        taken = pd.concat([kept, source[[plan.is_read(day) for day in source["known_day"]]]])
        remarks += likeness.check_likeness("log", taken.rename(columns={"count": "n"}), as_of, None, limits)
        return plan, remarks

    def _keep(self, rows: pd.DataFrame) -> None:
        self.tables.stored["daily_activity"] = _as_arrow(rows)


def _as_rows(tables: MemoryTables) -> pd.DataFrame:
    rows: pd.DataFrame = tables.stored["daily_activity"].to_pandas()
    return rows


def _as_arrow(rows: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows, schema=arrow_schema(DAILY_ACTIVITY), preserve_index=False)


def _as_counted(rows: pd.DataFrame, action: str) -> list[dict[str, Any]]:
    """Numbers by day as `lib.features.counting` gives them."""
    counts, acts = count_days(rows, action)
    return [
        {"source": 0, "known_day": known, "day": day, "broken": None, "n": n, "acts": acts[known, day]}
        for (known, day), n in counts.items()
    ]


def _name(refused: SourceError) -> str:
    text = str(refused)
    kinds = {
        "than were read": "shrunk",
        "hold rows twice": "doubled",
        "are there twice": "doubled week",
        "other users": "other users",
        "lack users": "users gone",
        "exchanged": "exchanged users",
        "is thin": "thin week",
        "are missing": "stale",
        "nothing": "empty",
    }
    return next(name for words, name in kinds.items() if words in text)


def _silent(*_: object) -> None:
    """Say nothing."""


def main() -> None:
    """Print one line a load, and a table at the end."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--retail", type=Path)
    asked.add_argument("--logs", nargs="+", default=NAMES, choices=NAMES)
    asked.add_argument("--judge-only", action="store_true")
    asked.add_argument("--weeks", action="store_true")
    asked.add_argument("--only", default="", help="loads whose name has these words, and the sound one")
    asked.add_argument("--out", type=Path, help="a file of JSON lines: what it holds is not done again")
    asked.add_argument("--kept", type=Path, help="a folder of this command's own")
    given = asked.parse_args()
    for log in read_logs(given.logs, given.retail):
        if given.weeks:
            print(log.name, count_weeks(log), flush=True)
            continue
        for outcome in _take_all(log, given):
            print(json.dumps(asdict(outcome)), flush=True)


def _take_all(log: Log, given: argparse.Namespace) -> Iterator[Outcome]:
    done = [Outcome(**json.loads(line)) for line in given.out.open()] if given.out and given.out.exists() else []
    home: Home | None = None
    reference: Outcome | None = None
    for name, sound, load in each_load():
        if reference is not None and given.only not in name:
            continue
        outcome = next((one for one in done if (one.log, one.load) == (log.name, name)), None)
        if outcome is None:
            home = home or Home(log, run=not given.judge_only, kept=given.kept)
            outcome = home.take(name, sound, load, run=not given.judge_only)
            if given.out:
                with given.out.open("a") as file:
                    file.write(json.dumps(asdict(outcome)) + "\n")
        reference = reference or outcome
        if outcome.is_harmful(reference) and not outcome.stopped:
            print(f"HARMFUL AND NOT STOPPED: {log.name}, {name}")
        yield outcome


if __name__ == "__main__":
    main()
