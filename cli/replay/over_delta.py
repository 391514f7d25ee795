"""Replays over Delta tables and MLflow: the whole job but its notebooks, one schema and model prefix per policy."""

import os
import time
from dataclasses import replace

from cli.local.home import Home
from cli.local.spark import start_spark
from cli.local.tracking import ensure_experiment
from cli.replay.progress import Progress, be_silent
from cli.replay.request import Request
from cli.replay.source import LOG, read_delta
from cli.replay.store import State, Store, read_activity
from lib.backtest import replay
from lib.backtest.replay import RUN_BY_RUN, Replayed
from lib.config.stages import ExtractConfig
from lib.registry.protocol import Registry
from lib.stages import extract_features
from lib.tables.delta import DeltaTables


def run_all(request: Request, parameters: dict[str, str], home: Home, store: Store, progress: Progress) -> None:
    """Do all runs that are not done yet, one after the other."""
    runs = finished_runs(store)
    os.environ.update(home.environment())  # before MLflow is asked for anything
    ensure_experiment(home, parameters["experiment"])
    if all(len(runs[policy]) == len(request.days) for policy in RUN_BY_RUN):
        return
    _, written = read_activity(store)  # by when the tables of users were, as in memory
    with start_spark(home, list(RUN_BY_RUN), LOG) as spark:
        for number, as_of in enumerate(request.days):
            for policy in RUN_BY_RUN:
                if number < len(runs[policy]):
                    continue
                values = {**parameters, **_place(policy)}
                tables, began = DeltaTables(spark, values["schema"]), time.perf_counter()
                models = open_registry(home, policy, values["experiment"])
                extract = ExtractConfig.from_widgets(replay.widget_values(values, policy, as_of))
                log = extract_features.read([extract], tables, be_silent)
                extract_features.prepare(replace(extract, run_date=written), tables, log, be_silent)
                run = replay.replay(policy, as_of, values, tables, models, be_silent)
                runs[policy].append(replace(run, seconds=time.perf_counter() - began))
                store.write(store.state("delta"), runs)
                progress.report(policy, as_of, run, sum(len(request.days) - len(done) for done in runs.values()))


def finished_runs(store: Store) -> dict[str, list[Replayed]]:
    """The runs that are done, by policy."""
    path = store.state("delta")
    if not path.exists():
        return {policy: [] for policy in RUN_BY_RUN}
    runs: dict[str, list[Replayed]] = store.read(path)
    return runs


def read_state(home: Home, store: Store, policy: str) -> State:
    """What a policy has come to, its tables read without Spark; without its models."""
    folder = home.warehouse / policy
    names = ("predictions", "features", "named_features")
    tables = {name: read_delta(folder / name) for name in names if (folder / name).is_dir()}
    return State(finished_runs(store)[policy], tables)


def open_registry(home: Home, policy: str, experiment: str) -> Registry:
    """The models of a policy."""
    from lib.registry.mlflow_registry import MlflowRegistry

    os.environ.update(home.environment())
    return MlflowRegistry(_place(policy)["models"], experiment)


def _place(policy: str) -> dict[str, str]:
    schema = f"spark_catalog.{policy}"
    return {"schema": schema, "models": f"{schema}.propensity"}
