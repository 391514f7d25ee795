"""The whole job, twice, on the packages of one interpreter: what `python -m benchmarks.runtimes --job` starts in each.

    PYTHON -m benchmarks.whole_job KIND FOLDER

KIND is connect, the session that serverless compute gives its notebooks, or classic, a cluster's. FOLDER has an
`asked.json` with the parameters of each run and a Parquet file of events. The notebooks run from a folder laid out as a
deployment lays it out, over a Spark and a Delta of the interpreter's own versions.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cli.prepare import bring_delta, bring_java
from datasets import synthetic
from localrun.spark.access import client_environment
from localrun.spark.server import SparkServer
from tests.builders.layouts import lay_out
from tests.fakes import driver

PROJECT = Path(__file__).parents[1]
SCHEMA = "shop"
EVENTS = f"{SCHEMA}.events"
DAYS = 137  # of the log, up to the second run
GIVEN = {
    "action": "cook", "schema": SCHEMA,
    "events": EVENTS, "models": f"{SCHEMA}.propensity", "experiment": "propensity",
    "horizon_days": "7", "cohort_days": "28", "max_cutoffs": "6", "min_positives": "20", "n_trials": "3",
}  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """What became of the job with one interpreter."""

    failure: str  # blank: both runs came to their end
    states: tuple[str, ...] = ()  # of each run's tasks, in words
    scores: pd.DataFrame | None = None  # user_id, cutoff, propensity: all that was predicted

    def apart(self, other: "Ran") -> float:
        """By how much a propensity differs at most from another run's; infinite where users or cutoffs differ."""
        if self.scores is None or other.scores is None:
            return float("inf")
        both = self.scores.merge(other.scores, on=["user_id", "cutoff"], how="outer")
        distance = (both["propensity_x"] - both["propensity_y"]).abs()
        return float("inf") if distance.isna().any() else float(distance.max())


def run_in(python: str, kind: str, folder: Path) -> Ran:
    """Run the job with an interpreter that has all that it needs: a first time, and a week later again."""
    folder.mkdir()
    log = synthetic.generate(seed=0, users=400, days=DAYS)
    pq.write_table(pa.concat_tables(log), folder / "events.parquet", coerce_timestamps="us")
    asked = [GIVEN | {"as_of": str(synthetic.START + timedelta(days=day))} for day in (DAYS - 7, DAYS)]
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    command = [python, "-P", "-m", "benchmarks.whole_job", kind, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    (folder / "said.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        return Ran(f"failed: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}, see {folder / 'said.log'}")
    runs = json.loads(done.stdout.splitlines()[-1])["runs"]
    states = tuple(", ".join(f"{task} {state}" for task, state in run.items()) for run in runs)
    broken = [text for text in states if "FAILED" in text]
    return Ran(f"failed: {broken[0]}, see {folder / 'said.log'}" if broken else "", states, _scores(folder))


def _scores(folder: Path) -> pd.DataFrame:
    from deltalake import DeltaTable

    (table,) = folder.glob("**/predictions/_delta_log")
    scores: pd.DataFrame = DeltaTable(table.parent).to_pandas()[["user_id", "cutoff", "propensity"]]
    return scores


def main(kind: str, folder: Path) -> None:
    runs = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    bring_delta(bring_java())
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    os.chdir(elsewhere)  # MLflow puts its files there
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlflow.db'}"
    tables = json.dumps({EVENTS: str(folder / "events.parquet")})
    if kind == "classic":
        driver.main(lay_out(folder / "files"), str(folder), json.dumps(runs), tables)
        return
    with SparkServer(folder, [], folder / "spark.log") as server:
        server.wait_ready()
        os.environ.update(client_environment(server.url))
        driver.main(lay_out(folder / "files"), server.url, json.dumps(runs), tables)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
