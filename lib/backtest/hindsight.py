"""What runs of the past scored beside what then happened, and what a rule that knew it would have done."""

from collections.abc import Iterable
from datetime import date

import pandas as pd

from lib.attributes.columns import read_note
from lib.backtest.replay import ORACLE, Replayed, read_registered_metrics
from lib.config.question import Question
from lib.errors import ModelError
from lib.evaluation.metrics import log_losses
from lib.labels import cohorts
from lib.models.pair import Pair
from lib.registry.protocol import Registry
from lib.stages import ledger
from lib.stages.champion import load_of_today
from lib.tables.protocol import Tables


def read_scored(tables: Tables, question: Question, cutoffs: Iterable[date], until: date) -> pd.DataFrame:
    """The scores of matured cutoffs, and what happened to their users as far as it was known before `until`.

    Returns DataFrame[user_id string, cutoff date, propensity double, acted int].
    """
    days = sorted(cutoffs)
    if not days or not tables.exists("predictions"):
        return pd.DataFrame(columns=["user_id", "cutoff", "propensity", "acted"])
    return tables.query(
        f"SELECT user_id, cutoff, propensity, label AS acted FROM ({ledger.scored_sql(question, days, until)}) s "
        "ORDER BY cutoff, user_id"
    )


def choose_in_hindsight(
    runs: Iterable[Replayed], tables: Tables, registry: Registry, question: Question, scored: pd.DataFrame
) -> tuple[list[Replayed], pd.DataFrame]:
    """What a rule could have had that only decides when to retrain, and knows what will happen.

    For each of the runs of `every`, the pair that scores its users best in the light of what they did then, among
    those made up to that run; of equally good ones the oldest.

    Parameters
    ----------
    tables : Tables
        With the features of all cutoffs, and what is known of users where a pair reads it.
    scored : DataFrame[user_id string, cutoff date, propensity double, acted int]
        What `read_scored` gives of `every`.
    """
    note = read_note(tables)
    attributes = note.attributes if note else ()  # a pair reads those that it has learnt
    pairs: dict[str, Pair] = {}
    choices: list[Replayed] = []
    frames = [scored.head(0)]
    for run in sorted(runs, key=lambda one: one.as_of):
        if run.version:
            pairs[run.version] = load_of_today(registry, question, run.version)
        rows = scored[scored["cutoff"] == run.as_of]
        if rows.empty:
            continue
        cohort = tables.query(f"{cohorts.cohort_sql(question, [run.as_of], attributes)} ORDER BY user_id")
        scores = {version: pair.score(cohort) for version, pair in pairs.items()}
        y = rows.sort_values("user_id")["acted"].to_numpy()
        if list(cohort["user_id"]) != sorted(rows["user_id"]):
            raise ModelError(f"The scores at {run.as_of} are not those of its cohort. Delete the backtest's home.")
        best = min(scores, key=lambda version: float(log_losses(y, scores[version]).mean()))
        before = choices[-1].version if choices else ""
        promised = read_registered_metrics(registry, question, best)
        choices.append(Replayed(ORACLE, run.as_of, promoted=best != before, version=best, promised=promised))
        frames.append(rows.sort_values("user_id").assign(propensity=scores[best]))
    return choices, pd.concat(frames, ignore_index=True)
