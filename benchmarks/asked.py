"""Every kind of question on the built-in year: how good its list is, beside the naive rule of the same question.

    .venv/bin/python -m benchmarks.asked [--only NAME ...]

Each is trained as a first run does, as of the last day whose outcome the year still holds, and its list is held
against what then happened. Prints a row per question; `docs/questions.md` keeps the table.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import pandas as pd

from benchmarks.journey import activity, widgets
from lib.config.stages import ExtractConfig, RetrainConfig
from lib.errors import NotPromoted
from lib.evaluation.metrics import measure
from lib.evaluation.naive_rule import NaiveRule
from lib.features import extraction
from lib.labels import labels
from lib.labels.rows import Rows
from lib.registry.memory import MemoryRegistry
from lib.stages import champion, retrain, train
from lib.stages.context import Context
from lib.tables.memory import MemoryTables

END = date(2018, 1, 1)  # the year's last day is over
QUESTIONS: Mapping[str, Mapping[str, str]] = {
    "any of two": {"action": "buy_deli,buy_seafood", "horizon_days": "14"},
    "all of two": {"action": "buy_deli,buy_seafood", "all_actions": "true", "horizon_days": "28"},
    "at least k times": {"action": "buy_deli", "at_least": "3", "horizon_days": "14"},
    "at least so much": {"action": "basket", "at_least_value": "50", "horizon_days": "7"},
    "not at all: churn": {"action": "buy_deli", "without": "true", "horizon_days": "28"},
    "not all of two": {"action": "buy_deli,buy_seafood", "all_actions": "true", "without": "true",
                       "horizon_days": "28"},
    "a later window": {"action": "buy_deli", "starts_in_days": "7", "horizon_days": "14"},
    "cohort by behaviour": {"action": "buy_deli", "horizon_days": "14",
                            "cohort_where": "events('basket', 90) > 2 AND value('basket', 90) > 100"},
    "never before": {"action": "buy_seafood", "horizon_days": "28", "cohort_where": "events('buy_seafood') = 0"},
    "not just now": {"action": "buy_deli", "horizon_days": "14", "cohort_where": "events('buy_deli', 14) = 0"},
    "win-back": {"action": "buy_deli", "horizon_days": "28", "cohort_days": "180",
                 "cohort_where": "days_since_last('buy_deli') BETWEEN 29 AND 120"},
    "upsell": {"action": "basket", "at_least_value": "100", "horizon_days": "14",
               "cohort_where": "value('basket', 14) < 100 AND events('basket', 14) > 0"},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(QUESTIONS), choices=list(QUESTIONS))
    heads = ("question", "users", "rate", "AUC", "log loss", "naive rule's", "base rate's", "CPU s")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name in parser.parse_args().only:
        for line in judge(name, QUESTIONS[name]):
            print(line, flush=True)


def judge(name: str, texts: Mapping[str, str]) -> Iterator[str]:
    """Train, score and judge one question; a row of the table."""
    began, given = time.process_time(), widgets(**texts)
    tables, registry = MemoryTables(), MemoryRegistry()
    tables.replace("daily_activity", activity(), "1 = 1")
    config = RetrainConfig.from_widgets(given.__getitem__)
    as_of = END - timedelta(days=config.question.reach_days)
    cutoffs = extraction.build_missing(ExtractConfig.from_widgets(given.__getitem__), tables, as_of)[0].cutoffs
    context = Context(config, tables, registry, lambda _: None)
    train.run(context)
    try:
        version = retrain.run(context).pair.prediction_version
    except NotPromoted:
        version = "1"
    pair = registry.load(config.question, version)
    rows, parts = champion.read_labelled(config, tables, cutoffs)
    learnt = rows.at(parts.training)
    rule = NaiveRule.fit(config.question, learnt.X, learnt.y, learnt.weight)
    cohort: pd.DataFrame = tables.query(labels.labelled_cohort_sql(config.question, [as_of], END))
    future = Rows(cohort)
    quality = measure(future.y, pair.score(future.X), rule.score(future.X), future.users, 0).metrics
    figures = (f"{quality[one]:.4f}" for one in ("auc", "log_loss"))
    beside = (f"{quality[one].value:.4f}" for one in ("naive_log_loss", "base_rate_log_loss"))
    cells = [
        name,
        f"{len(future):,}",
        f"{future.y.mean():.3f}",
        *figures,
        *beside,
        f"{time.process_time() - began:.0f}",
    ]
    yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
