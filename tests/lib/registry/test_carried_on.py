"""A schema of an earlier commit in Unity Catalog goes on: its pair is shown, loaded and replaced.

What others have noted there, tags and aliases of their own, stands as it was; nothing is made anew, so grants do too.
"""

import pandas as pd
import pytest
from deltalake import DeltaTable
from mlflow import MlflowClient

from cli.local.place import settle
from lib.config.bases import ModelConfig
from lib.config.question import Question
from lib.errors import ModelError
from lib.features.vocabulary import DEFINITION
from lib.registry.mlflow_registry import MlflowRegistry
from lib.registry.versions import model_names
from lib.stages import by_hand
from lib.stages.context import Context
from lib.tables.memory import MemoryTables
from tests.builders.make_old_home import DAYS, HOME, unpack
from tests.builders.runs import as_told, asked, registered

QUESTION = Question(actions=("cook",), horizon_days=14, cohort_days=90)
PREFIX, BEFORE = "main.shop.propensity", "spark_catalog.propensity.propensity"
REVIEWED = {"reviewed_by": "ana", "ticket": "42"}


@pytest.fixture
def home(tmp_path):
    """The home, where the tables and the runs of that commit lie."""
    home = unpack(tmp_path)
    settle(home, str(HOME))
    return home


@pytest.fixture
def registry(catalog, home, monkeypatch):
    """The catalog with the pair that that commit registered and promoted, with tags and an alias of somebody else's."""
    store = f"sqlite:///{home}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    earlier, client = MlflowClient(store, store), MlflowClient()
    for old, new in zip(model_names(BEFORE, QUESTION), model_names(PREFIX, QUESTION), strict=True):
        made, aliases = earlier.get_model_version(old, "1"), earlier.get_registered_model(old).aliases
        client.create_registered_model(new)
        client.create_model_version(new, made.source, made.run_id, tags=made.tags | REVIEWED)
        for alias in {**aliases, "approved": "1"}:
            client.set_registered_model_alias(new, alias, "1")
    return MlflowRegistry(PREFIX, "propensity")


def test_its_pair_is_in_use_and_scores_as_it_did_and_says_of_which_definition_it_is(registry, home):
    assert registry.champion(QUESTION) == "1"
    (version,) = registry.versions(QUESTION)
    assert (version.as_of, version.champion_since, version.in_use) == (DAYS[0], DAYS[0], True)
    tables = home / "warehouse" / "propensity"
    features, stored = (
        DeltaTable(tables / name).to_pandas(filters=[("cutoff", "=", pd.Timestamp(DAYS[1]).date())])
        for name in ("features", "predictions")
    )
    cohort = features[features["recency"] <= QUESTION.cohort_days]
    pair = registry.load(QUESTION, "1")
    scores = pd.Series(pair.score(cohort), cohort["user_id"]).sort_index()
    assert scores.tolist() == pytest.approx(stored.set_index("user_id")["propensity"].sort_index().tolist(), abs=1e-12)
    assert pair.notes.definition < DEFINITION  # for which `train` refuses it, and asks for another


def test_another_comes_into_use_and_all_that_others_have_noted_stands(catalog, registry, home):
    names, tables = model_names(PREFIX, QUESTION), MemoryTables()
    decisions = DeltaTable(home / "warehouse" / "propensity" / "decisions").to_pandas()
    tables.append("decisions", decisions.assign(repair_count=0))
    before = {name: dict(registry.client.get_model_version(name, "1").tags) for name in names}

    def context(run):
        asked_then = {"action": "cook", "horizon_days": 14, "cohort_days": 90, "run_id": run}
        return Context(asked(ModelConfig, **asked_then), tables, registry, as_told)

    registered(registry, QUESTION)
    assert by_hand.promote(context("by-hand-1"), "2").version == "2"
    with pytest.raises(ModelError, match=f"Version 1 has learnt from features of definition 3, and .*{DEFINITION}"):
        by_hand.rollback(context("by-hand-2"))  # nobody is scored by features that mean something else
    assert registry.champion(QUESTION) == "2"
    assert [(one.prediction_version, one.champion_until) for one in registry.versions(QUESTION)] == [
        ("2", ""), ("1", DAYS[1]),
    ]  # fmt: skip
    assert dict(registry.client.get_model_version(names[0], "1").tags) == before[names[0]]
    assert dict(registry.client.get_model_version(names[1], "1").tags) == before[names[1]] | {"champion_until": DAYS[1]}
    aliases = [{one["alias"]: one["version"] for one in catalog.models[name]["aliases"]} for name in names]
    assert aliases == [{"approved": "1"}, {"approved": "1", "champion": "2"}]
