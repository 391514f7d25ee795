"""What reasons cost: seconds of one core to score 100,000 users with and without them, by family of model.

    .venv/bin/python -m benchmarks.reasons [--users 100000] [--rounds 3]

A year of grocery shopping gives the features; its users are drawn again until there are enough. Batches are as large
as Spark's. That asking for reasons moves no score is checked first.
"""

import argparse
import statistics
import time
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer
from threadpoolctl import threadpool_limits

from benchmarks.journey import Task, activity
from lib.explain import reasons
from lib.labels import cohorts, labels
from lib.labels.rows import Rows
from lib.models.pair import Pair
from lib.stages.scoring import make_scorer
from lib.training.fit import fit_pair
from lib.training.space import STARTS

AS_OF = date(2017, 12, 17)
BATCH = 10_000  # rows that Spark hands over at once


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with threadpool_limits(1):
        bench = Bench(options.users)
        for name, pair in bench.pairs().items():
            bench.run(name, pair, options.rounds)


class Bench:
    """One log, one cutoff to learn from, one cohort to score."""

    def __init__(self, users: int) -> None:
        task = Task("buy_deli", 14, AS_OF, max_cutoffs=1)
        self.question = question = task.config.question
        self.learn = Rows(task.tables.query(labels.labelled_cohort_sql(question, task.cutoffs.training[:1], AS_OF)))
        cohort = task.tables.table(cohorts.cohort_sql(question, [AS_OF]))
        self.kinds = sorted(set(activity()["event_type"].to_pylist()))
        self.users = cohort.take(pa.array(np.random.default_rng(0).integers(0, len(cohort), users)))
        print(f"{users:,} users, {self.users.num_columns - 2} features, seconds of one core per 100,000 users")

    def pairs(self) -> dict[str, Pair]:
        """Our families by their first parameters, and a pair whose groups cannot be told apart in its inputs."""
        X, y = self.learn.X, self.learn.y
        blend = dict(STARTS[1])
        fitted = {
            family: fit_pair(self.learn, params, self.question, AS_OF, 0)
            for family, params in {
                "logistic": STARTS[0], "blend": blend, "boosting": blend | {"family": "boosting"},
            }.items()
        }  # fmt: skip
        bins = make_pipeline(KBinsDiscretizer(5, encode="onehot-dense", quantile_method="averaged_inverted_cdf")).fit(X)
        model = LogisticRegression(max_iter=200).fit(bins.transform(X), y)
        fitted["binned, its own"] = Pair(bins, model, tuple(X.columns), self.question.slug, "2017-11-19")
        return {
            name: replace(pair, notes=reasons.explanation_notes(pair, X, self.learn, self.kinds, 0))
            for name, pair in fitted.items()
        }

    def run(self, name: str, pair: Pair, rounds: int) -> None:
        """Score with and without reasons in turn; print the middle of the rounds."""
        seconds: dict[int, list[float]] = {0: [], 3: []}
        scores = {}
        for _ in range(rounds):
            for most, taken in seconds.items():
                begin = time.process_time()
                score = make_scorer(pair, self.question, "benchmark", most)
                parts = [score(self.users.slice(at, BATCH)) for at in range(0, len(self.users), BATCH)]
                taken.append(time.process_time() - begin)
                scores[most] = pa.concat_tables(parts)
        assert scores[0]["propensity"].equals(scores[3]["propensity"])
        share = 1 - scores[3]["reasons"].null_count / len(self.users)
        without, having = (statistics.median(taken) * 100_000 / len(self.users) for taken in seconds.values())
        print(f"{name:16} without {without:6.1f} s, with {having:6.1f} s; {share:.0%} have reasons")


if __name__ == "__main__":
    main()
