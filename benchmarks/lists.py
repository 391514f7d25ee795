"""Lists of many users: seconds and memory to score one, to settle one that has matured, and to publish the next.

    .venv/bin/python -m benchmarks.lists [--users 1000000] [--export]

Features, cohorts and actions are drawn; a pair of two features is fitted to a thousand users, and scores all. The peak
is the most that this process had resident, which stands for a notebook's: Spark's Java and its workers are others.
Asked for: at most 2 GiB at ten million users. `--export` writes the file of a list, too.
"""

import argparse
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import psutil
from deltalake import write_deltalake
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from benchmarks.journey import widgets
from lib.config.question import Question
from lib.config.stages import PredictConfig, PublishConfig, TrainConfig
from lib.features.cache import EXTRACTION
from lib.features.extraction import Extraction
from lib.features.vocabulary import DEFINITION
from lib.models.notes import PairNotes
from lib.models.pair import Pair
from lib.stages import ledger, predict, publish
from lib.stages.context import Context
from lib.tables.contracts import PUBLICATIONS
from lib.tables.delta import DeltaTables
from lib.timeline import Cutoffs
from localrun.spark.server import SparkServer
from localrun.spark.session import session

SCHEMA, AS_OF, HORIZON = "propensity", date(2024, 6, 3), 7
BEFORE = AS_OF - timedelta(days=HORIZON)  # the cutoff of the list that has matured
USER = "'user-' || lpad(CAST(range AS VARCHAR), 9, '0')"
CHANCE = "pow(CAST(hash(range, {seed}) % 1000000 AS DOUBLE) / 1000000, 4) / 2"
DRAWN = {
    "predictions": f"SELECT '{{slug}}' AS question, 'buy' AS action, CAST({HORIZON} AS INT) AS horizon_days, {USER} AS "
    f"user_id, DATE '{{day}}' AS cutoff, {CHANCE} AS propensity, '1' AS preprocessing_version, '1' AS "
    "prediction_version, '' AS run_id, 'buy: 3 in 28 days (raises)' AS reasons FROM range({first}, {last})",
    "features": f"SELECT {USER} AS user_id, DATE '{{day}}' AS cutoff, CAST(1 AS FLOAT) AS recency, "
    f"CAST(ln(greatest({CHANCE}, 1e-6) / (1 - {CHANCE})) AS FLOAT) AS tenure FROM range({{first}}, {{last}})",
    "daily_activity": f"SELECT {USER} AS user_id, DATE '{{day}}' AS day, 'buy' AS event_type, DATE '{{day}}' AS "
    f"known_day, CAST(1 AS BIGINT) AS count, CAST(NULL AS DOUBLE) AS value, CAST(NULL AS VARCHAR[]) AS items "
    f"FROM range({{first}}, {{last}}) WHERE CAST(hash(range, 7) % 1000000 AS DOUBLE) / 1000000 < {CHANCE}",
}


class OnePair:
    """A registry that holds one pair, and knows no more of it than that it is in use.

    It scores a user by its `tenure`, which is drawn as the log-odds of its chance.
    """

    def __init__(self, question: Question) -> None:
        as_it_is = FunctionTransformer().fit(np.zeros((1, 1)))
        model = LogisticRegression()
        model.classes_, model.coef_, model.intercept_ = np.array([0, 1]), np.ones((1, 1)), np.zeros(1)
        model.feature_names_in_ = np.array(["tenure"], object)
        noted = PairNotes(definition=DEFINITION)
        self._pair = Pair(
            as_it_is, model, ("tenure",), question.slug, str(BEFORE),
            preprocessing_version="1", prediction_version="1", notes=noted,
        )  # fmt: skip

    def champion(self, _: Question) -> str:
        return "1"

    def load(self, *_: object) -> Pair:
        return self._pair

    def notes(self, *_: object) -> PairNotes:
        return self._pair.notes

    def versions(self, *_: object) -> list[Any]:
        return []


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--export", action="store_true")
    options = parser.parse_args()
    users = options.users
    home = Path(tempfile.mkdtemp(prefix="propensity-lists-"))
    file = {"export": home / "list.csv"} if options.export else {}
    given = widgets(action="buy", horizon_days=HORIZON, schema=SCHEMA, as_of=AS_OF, max_rate_ratio=10, **file)
    values = {name: "" if text.startswith(("${", "{{")) else text for name, text in given.items()}.__getitem__
    config = PublishConfig.from_widgets(values)
    try:
        drawing = get_context("spawn").Process(
            target=draw, args=(home / "warehouse" / SCHEMA, users, config.question.slug)
        )
        drawing.start()
        drawing.join()
        with SparkServer(home, [SCHEMA], home / "spark.log") as server:
            server.wait_ready()
            with session(server.url) as spark:
                tables = DeltaTables(spark, f"spark_catalog.{SCHEMA}")
                note(tables, config.question)
                print(f"{users:,} users")
                train, asked = TrainConfig.from_widgets(values), PredictConfig.from_widgets(values)
                registry: Any = OnePair(config.question)
                report("scored", lambda: predict.run(Context(asked, tables, registry, lambda _: None)))
                report("settled", lambda: ledger.write_outcomes(train, tables, AS_OF))
                report("published", lambda: publish.run(Context(config, tables, registry, lambda _: None)))
    finally:
        shutil.rmtree(home)


def draw(folder: Path, users: int, slug: str) -> None:
    """Write what was scored a week before, who could be, and who acted; a tenth of the users are others each week."""
    for name, sql in DRAWN.items():
        for seed, day in enumerate((BEFORE, AS_OF)[: 1 if name == "predictions" else 2]):
            span = {"first": seed * users // 10, "last": users + seed * users // 10}
            when = day - timedelta(days=1) if seed and name == "daily_activity" else day
            rows = duckdb.connect().sql(sql.format(seed=seed, day=when, slug=slug, **span))
            write_deltalake(folder / name, rows.to_arrow_reader(), mode="append")


def note(tables: DeltaTables, question: Question) -> None:
    """Note what the job notes: what was extracted, and that the first list was published."""
    cutoffs = Cutoffs(AS_OF, (BEFORE,), ())
    tables.set_property("features", EXTRACTION, Extraction(question.slug, cutoffs).to_json())
    row = dict.fromkeys(PUBLICATIONS) | {
        "question": question.slug, "run_id": "", "cutoff": BEFORE, "kind": "published", "number": 1,
        "held_out_share": 0.1, "seed": 0,
    }  # fmt: skip
    tables.replace("publications", pd.DataFrame([row]), "1 = 1")


def report(what: str, step: Callable[[], object]) -> None:
    """Say how long a step took, and the most that this process held."""
    peak, done, began = [0], threading.Event(), time.perf_counter()

    def watch() -> None:
        while not done.wait(0.2):
            peak[0] = max(peak[0], psutil.Process().memory_info().rss)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    step()
    done.set()
    watching.join()
    print(f"{what:10} {time.perf_counter() - began:6.1f} s, {peak[0] / 2**20:,.0f} MiB at most", flush=True)


if __name__ == "__main__":
    main()
