"""What the core tests are made of: activity rows written by hand, a small log by a generator, a run's parameters."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from functools import cache, partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig, PredictConfig, PublishConfig, RetrainConfig
from lib.config.thresholds import LoadLimits, Thresholds
from lib.features import extraction
from lib.features.build import build_features
from lib.features.vocabulary import choose_vocabulary
from lib.labels.rows import Rows
from lib.registry.memory import MemoryRegistry
from lib.registry.protocol import Evidence
from lib.stages import (
    predict as predict_rules,
)
from lib.stages import (
    publish as publish_rules,
)
from lib.stages import (
    retrain as retrain_rules,
)
from lib.stages import (
    train as train_rules,
)
from lib.stages.attributes import choose_attributes
from lib.stages.context import Context
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema
from lib.training import space
from lib.training.fit import fit_pair

CUTOFF = date(2024, 6, 3)  # a Monday
WIDGETS = defaults() | {
    "schema": "app", "events": "app.events", "models": "app.propensity", "experiment": "tests", "run_id": "run-1",
    "action": "buy", "horizon_days": "7", "cohort_days": "28", "max_cutoffs": "4", "min_positives": "20",
    "n_trials": "2", "max_training_rows": "0",
}  # fmt: skip
THRESHOLDS = Thresholds.from_widgets(WIDGETS.__getitem__)
LOAD_LIMITS = LoadLimits.from_widgets(WIDGETS.__getitem__)
PLAIN = {"lifetime": True, "groups": "all", "history": 0, "scale": "log"}
QUICK = (PLAIN | {"family": "logistic", "C": 0.01}, PLAIN | {"family": "logistic", "C": 1.0, "lifetime": False})
LOGISTIC = {"family": "logistic", "C": 0.25, "lifetime": True}
EVIDENCE = Evidence(
    as_of="2024-06-03", holdout="2024-05-27", run_id="run-1", tables="app", kind="promoted", why="First model.",
    intervals={"auc": (0.6, 0.8)},
)  # fmt: skip
AS_OF = date(2024, 4, 26)  # of a first run on the log made below
NEXT = AS_OF + timedelta(days=7)


def ago(days, cutoff=CUTOFF):
    """The day so many days before the cutoff; 0 is the cutoff itself."""
    return cutoff - timedelta(days=days)


def row(user, day, kind="view", *, count=1, value=None, items=(), known=None):
    """One row of daily_activity; known on its own day unless told."""
    return {
        "user_id": user, "day": day, "event_type": kind, "known_day": known or day, "count": count, "value": value,
        "items": None if items is None else list(items),
    }  # fmt: skip


def activity(*rows):
    """Rows as the daily_activity table holds them."""
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(DAILY_ACTIVITY))


def first_seen(table, before=date.max):
    """How many users showed each event type first on which known day."""
    first = {}
    for one in table.select(["user_id", "event_type", "known_day"]).to_pylist():
        key = one["event_type"], one["user_id"]
        if one["known_day"] < before:
            first[key] = min(first.get(key, date.max), one["known_day"])
    seen = defaultdict(Counter)
    for (kind, _), day in first.items():
        seen[kind][day] += 1
    return {kind: sorted(days.items()) for kind, days in seen.items()}


def plan(table, *cutoffs, most=24, actions=()):
    """What build_features is asked for: the event types known at each cutoff, and which of them are asked about."""
    seen = first_seen(table)
    return {cutoff: choose_vocabulary(seen, cutoff, most, actions) for cutoff in cutoffs or (CUTOFF,)}


def features(*rows, cutoff=CUTOFF, most=24, actions=()):
    """The features of hand-made rows at one cutoff: {user: {feature: value}}."""
    table = activity(*rows)
    built = build_features(table, plan(table, cutoff, most=most, actions=actions))
    return {one.pop("user_id"): one for one in built.drop_columns(["cutoff"]).to_pylist()}


@cache
def log(*, seed=0, users=250, days=130, start=date(2024, 1, 1), drift=None):
    """A log of views, buys and shares: who is keen does more of all. From day `drift` on everybody buys far more."""
    rng = np.random.default_rng(seed)
    keen = rng.normal(size=(users, 1))
    views = rng.poisson(np.exp(-1.2 + 0.8 * keen), (users, days))
    rate = np.exp(-3.6 + 1.1 * keen) * np.where(np.arange(days) < (days if drift is None else drift), 1.0, 12.0)
    buys = (rng.random((users, days)) < rate).astype(int)
    shares = (rng.random((users, days)) < 0.03).astype(int)
    rows = []
    for kind, counts in (("view", views), ("buy", buys), ("share", shares)):
        user, day = np.nonzero(counts)
        dates = np.datetime64(start, "D") + day
        rows.append(pd.DataFrame({
            "user_id": np.char.add("u", user.astype(str)), "day": dates, "event_type": kind, "known_day": dates,
            "count": counts[user, day], "value": np.where(kind == "buy", rng.integers(1, 50, len(user)), np.nan),
            "items": [[f"i{n}"] for n in rng.integers(0, 20, len(user))],
        }))  # fmt: skip
    return pa.Table.from_pandas(pd.concat(rows), schema=arrow_schema(DAILY_ACTIVITY), preserve_index=False)


def labelled(*cutoffs, users=120, seed=0, flip=()):
    """Labelled rows at some cutoffs: recency says who acts, and at the cutoffs of `flip` who does not."""
    rng = np.random.default_rng(seed)
    frames = []
    for cutoff in cutoffs:
        recency = rng.integers(1, 60, users)
        sign = -1 if cutoff in flip else 1
        acted = rng.random(users) < 1 / (1 + np.exp(sign * (recency - 20) / 8))
        frames.append(pd.DataFrame({
            "user_id": [f"u{n}" for n in range(users)], "cutoff": cutoff, "label": acted.astype(int),
            "recency": recency, "events_7": rng.poisson(2, users), "tenure": rng.integers(60, 90, users),
            "buy__recency": recency, "buy__events_90": rng.poisson(1, users),
        }))  # fmt: skip
    return Rows(pd.concat(frames, ignore_index=True))


def fitted_pair(question, params=LOGISTIC, through=7):
    """A pair fitted on labelled rows; one that learns from fewer scores otherwise."""
    rows = labelled(ago(7), ago(14)).at([ago(through), ago(14)])
    made = fit_pair(rows, params, question, ago(through), 0)
    return replace(made, metrics={"auc": 0.75, "log_loss": 0.5})


def registered(registry, question, *, trials=(), trial_runs="", plots=None, **changes):
    """Register a fitted pair."""
    evidence = replace(EVIDENCE, trials=trials, trial_runs=trial_runs, plots=plots or {})
    return registry.register(question, fitted_pair(question, **changes), labelled(ago(7)).X, evidence)


def asked(kind, **changes):
    """A configuration as the notebooks parse it, with some widgets set otherwise."""
    return kind.from_widgets((WIDGETS | {name: str(text) for name, text in changes.items()}).__getitem__)


def as_told(*_):
    """Say nothing."""


class World:
    """One home in memory: tables, registry, and the job's stages on them."""

    def __init__(self, table=None):
        self.tables, self.registry = MemoryTables(), MemoryRegistry()
        if table is not None:
            self.tables.replace("daily_activity", table, "1 = 1")

    def copy(self):
        """The same home again: what happens in it stays in it."""
        twin = World()
        twin.tables.earlier = self.tables.earlier
        twin.tables.stored, twin.tables.notes = dict(self.tables.stored), dict(self.tables.notes)
        twin.registry = self.registry.copy()
        return twin

    def extract(self, as_of, **changes):
        config = asked(ExtractConfig, **changes)
        finish = partial(choose_attributes, config, self.tables, say=as_told)
        return extraction.build_missing(config, self.tables, as_of, finish=finish)

    def train(self, **changes):
        return train_rules.run(Context(asked(RetrainConfig, **changes), self.tables, self.registry, as_told))

    def retrain(self, **changes):
        with pytest.MonkeyPatch.context() as patch:  # the two trials of the search: quick ones
            patch.setattr(space, "STARTS", QUICK)
            return retrain_rules.run(Context(asked(RetrainConfig, **changes), self.tables, self.registry, as_told))

    def predict(self, **changes):
        return predict_rules.run(Context(asked(PredictConfig, **changes), self.tables, self.registry, as_told))

    def publish(self, **changes):
        return publish_rules.run(Context(asked(PublishConfig, **changes), self.tables, self.registry, as_told))

    def run(self, as_of, **changes):
        """The whole job by its own order: retrain only where train asks for it. Returns what train found."""
        self.extract(as_of, **changes)
        checked = self.train(**changes)
        if checked.retrain_needed:
            self.retrain(**changes)
        self.predict(**changes)
        self.publish(**changes)
        return checked

    def rows(self, name, where="1 = 1"):
        """A table's rows without their run, in one order."""
        frame = self.tables.query(f"SELECT * FROM {{{name}}} WHERE {where}").drop(columns="run_id", errors="ignore")
        return frame.sort_values([name for name in frame if frame[name].dtype != float], ignore_index=True)

    def differs(self, other, names, where="1 = 1"):
        """The tables that do not hold the same rows as another home's: doubles to 1e-9, whatever run wrote them."""
        found = []
        for name in names:
            try:
                assert_frame_equal(
                    self.rows(name, where), other.rows(name, where), check_exact=False, rtol=0, atol=1e-9
                )
            except AssertionError as error:
                found.append(f"{name}: {error}")
        return found


@cache
def two_lists():
    """A home whose first list, of AS_OF, has matured, and whose second, of NEXT, has not. Copy it to change it."""
    made = World(log())
    made.run(AS_OF)
    made.run(NEXT, run_id="run-2")
    return made
