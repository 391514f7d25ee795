"""The whole job over Spark Connect, as on serverless compute, and over a classic session: the same tables.

Both run the notebooks from a folder laid out as a deployment lays it out, in a process whose working directory is
elsewhere. One pair of models, trained once, serves both. Catalog, schemas and models have names with hyphens, reserved
words and as many letters as there may be.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from lib.registry.mlflow_registry import MlflowRegistry
from lib.tables.contracts import CONTRACTS
from localrun.spark.access import client_environment
from tests.builders.layouts import lay_out
from tests.builders.runs import AS_OF, WIDGETS, World, ago, log
from tests.builders.sources import write_events
from tests.fakes import names

pytestmark = pytest.mark.job

PROJECT = Path(__file__).parents[2]
LATER = ago(-14, AS_OF)  # by then a cutoff has matured that the pair has not learnt from
LONG = "order-by-" + "customers-of-all-our-shops-" * 8 + "and-more"  # with .db nearly the 255 that a name may have
SCHEMAS = f"{names.CATALOG}.select", f"{names.CATALOG}.{LONG}"
MODELS = f"{names.CATALOG}.select.table-of-{'long-names-' * 10}"


@pytest.fixture(scope="module")
def warehouses(spark_server, spark_url, job_home, tmp_path_factory, empty_store):
    """Trains a pair in memory, then runs the job over each kind of session; says where its tables lie."""
    folder = tmp_path_factory.mktemp("two_sparks")
    files = lay_out(folder / "files")
    (folder / "elsewhere").mkdir()
    shutil.copy(empty_store, folder)
    events = f"{names.CATALOG}.log-book.from"
    given = WIDGETS | {"events": events, "as_of": str(LATER), "models": MODELS}
    given["evaluations"], given["suppress"] = "yes", str(folder / "staff.csv")
    (folder / "staff.csv").write_text("user_id,reason\n" + "".join(f"u{n},staff\n" for n in range(20)))
    (folder / "members.csv").write_text("user_id,country\n" + "".join(f"u{n},C{n % 3}\n" for n in range(200)))
    given["users"] = str(folder / "members.csv")
    del given["run_id"], given["resolved_as_of"]  # these the job fills in
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.chdir(folder)  # MLflow puts its files there
        world = World(log())
        world.registry = MlflowRegistry(given["models"], given["experiment"])
        world.extract(AS_OF)
        world.retrain()
        world.predict()  # a list that has matured when the job runs
        pq.write_table(world.tables.stored["predictions"], folder / "predictions.parquet")
        spark_server.wait_ready()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "PYTHONPATH"))}
        environment |= client_environment(spark_url)

    log_file = write_events(log(), folder / "events.parquet")

    def drive(spark, schema):
        there = {f"{schema}.predictions": str(folder / "predictions.parquet"), events: log_file}
        done = subprocess.run(
            [sys.executable, "-P", PROJECT / "tests" / "fakes" / "driver.py", files, spark,
             json.dumps([given | {"schema": schema}]), json.dumps(there)],
            cwd=folder / "elsewhere", env=environment, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        ended = json.loads(done.stdout.splitlines()[-1])  # before it, Java may have its say
        assert ended["lib"] == str(files / "lib" / "__init__.py")
        (states,) = ended["runs"]
        assert {states[task] for task in ("extract_features", "train", "predict", "publish")} == {"SUCCESS"}, (
            done.stderr
        )
        assert states["retrain"] == "EXCLUDED", done.stderr  # so that both score with one pair
        return ended["spark"]

    (folder / "classic").mkdir()
    with ThreadPoolExecutor() as pool:
        kinds = list(pool.map(drive, [spark_url, str(folder / "classic")], SCHEMAS))
    assert ["connect" in kind for kind in kinds] == [True, False]
    connected, classic = (f"{names.known_as(schema.partition('.')[2])}.db" for schema in SCHEMAS)
    return job_home / "warehouse" / connected, folder / "classic" / classic


OTHERS = {  # of no file, of a second list, of several questions, and of what nobody asks here
    "source_checks", "forgotten", "contacts", "earlier_lists", "question_runs", "profiles", "identities",
    "named_activity", "named_features",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(CONTRACTS) - OTHERS))
def test_both_sparks_give_the_same_table(warehouses, name, capsys):
    keys = [column for column, kind in CONTRACTS[name].items() if kind in ("string", "date") and column != "run_id"]
    frames = [DeltaTable(folder / name).to_pandas().drop(columns="run_id", errors="ignore") for folder in warehouses]
    connected, classic = (frame.sort_values(keys, ignore_index=True) for frame in frames)
    with capsys.disabled():  # for whoever reads CI's log
        print(f"\n{name}: {len(connected)} rows over Connect, {len(classic)} over a classic session", end=" ")
    assert len(connected) > 0
    pd.testing.assert_frame_equal(connected, classic, rtol=0, atol=1e-9, check_like=True)
