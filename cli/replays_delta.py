"""Replays over Delta tables and MLflow: the whole job but its notebooks, one schema and model prefix per policy."""

import os
import pickle
import time
from dataclasses import replace

from cli.home import Home
from cli.own_spark import spark_in
from cli.replay_request import Request
from cli.replay_source import LOG, arrow_of
from cli.replay_store import State, Store, write
from cli.replays import Told
from cli.tracking import ensure_experiment
from lib import backtest, pipeline
from lib.backtest import RUN_BY_RUN, Replayed
from lib.config import ExtractConfig
from lib.registered import Registry
from lib.tables import DeltaTables


def run_all(request: Request, parameters: dict[str, str], home: Home, store: Store, told: Told) -> None:
    """Do all runs that are not done yet, one after the other."""
    os.environ.update(home.environment())  # before MLflow is asked for anything
    ensure_experiment(home, parameters["experiment"])
    runs = kept(store)
    if all(len(runs[policy]) == len(request.days) for policy in RUN_BY_RUN):
        return
    with spark_in(home, list(RUN_BY_RUN), LOG) as spark:
        for number, as_of in enumerate(request.days):
            for policy in RUN_BY_RUN:
                if number < len(runs[policy]):
                    continue
                asked = {**parameters, **_own(policy)}
                tables, began = DeltaTables(spark, asked["schema"]), time.perf_counter()
                models = registry(home, policy, asked["experiment"])
                extract = ExtractConfig.from_widgets(backtest.widgets(asked, policy, as_of))
                pipeline.extract_features(extract, tables, _silent)
                run = backtest.replay(policy, as_of, asked, tables, models, _silent)
                runs[policy].append(replace(run, seconds=time.perf_counter() - began))
                write(store.state("delta"), pickle.dumps(runs))
                told(policy, as_of, run, sum(len(request.days) - len(done) for done in runs.values()))


def kept(store: Store) -> dict[str, list[Replayed]]:
    """The runs that are done, by policy."""
    path = store.state("delta")
    if not path.exists():
        return {policy: [] for policy in RUN_BY_RUN}
    found: dict[str, list[Replayed]] = pickle.loads(path.read_bytes())
    return found


def state(home: Home, store: Store, policy: str) -> State:
    """What a policy has come to, its tables read without Spark; without its models."""
    folder = home.warehouse / policy
    tables = {name: arrow_of(folder / name) for name in ("predictions", "features") if (folder / name).is_dir()}
    return State(kept(store)[policy], tables)


def registry(home: Home, policy: str, experiment: str) -> Registry:
    """The models of a policy."""
    from lib.registry import MlflowRegistry

    os.environ.update(home.environment())
    return MlflowRegistry(_own(policy)["models"], experiment)


def _own(policy: str) -> dict[str, str]:
    schema = f"spark_catalog.{policy}"
    return {"schema": schema, "models": f"{schema}.propensity"}


def _silent(_: str) -> None:
    """Each run is told of in one line."""
