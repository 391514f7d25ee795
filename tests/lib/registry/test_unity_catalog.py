"""Pairs in Unity Catalog, by configuration alone: MLflow's own client for it, against a catalog on this machine.

The catalog is as strict as MLflow's client is (a signature with inputs and outputs, names of three parts); what the
real one adds, permissions above all, only a workspace can show.
"""

import shutil
from typing import Any

import pytest

from lib.config.question import Question
from lib.registry.mlflow_registry import MlflowRegistry
from tests.builders.runs import ago, labelled, registered
from tests.fakes.workspace import workspace

QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)
PREFIX = "main.shop.propensity_buy_7d_cohort28d_"
API = "/api/2.0/mlflow/unity-catalog/"


class Catalog:
    """Models, their versions and aliases, as the REST API keeps them."""

    def __init__(self) -> None:
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.aliases: dict[str, dict[str, str]] = {}

    def routes(self):
        return {
            f"GET {API}registered-models/get": self.model,
            f"POST {API}registered-models/create": self.create,
            f"POST {API}registered-models/alias": self.alias,
            f"POST {API}model-versions/create": self.create_version,
            f"POST {API}model-versions/finalize": self.version,
            f"GET {API}model-versions/get": self.version,
            f"POST {API}model-versions/set-tag": self.tag,
        }

    def create(self, asked):
        if asked["name"] in self.versions:
            return {"status_code": 400, "error_code": "RESOURCE_ALREADY_EXISTS", "message": "It is there."}
        self.versions[asked["name"]] = []
        return {"registered_model": {"name": asked["name"]}}

    def model(self, asked):
        if asked["name"] not in self.versions:
            return {"status_code": 404, "error_code": "RESOURCE_DOES_NOT_EXIST", "message": "It is not there."}
        aliases = [{"alias": k, "version": v} for k, v in self.aliases.get(asked["name"], {}).items()]
        return {"registered_model": {"name": asked["name"], "aliases": aliases}}

    def alias(self, asked):
        self.aliases.setdefault(asked["name"], {})[asked["alias"]] = asked["version"]
        return {}

    def create_version(self, asked):
        made = asked | {"version": str(len(self.versions[asked["name"]]) + 1), "status": "READY"}
        self.versions[asked["name"]].append(made)
        return {"model_version": made}

    def tag(self, asked):
        self.version(asked)["model_version"]["tags"].append({"key": asked["key"], "value": asked["value"]})
        return {}

    def version(self, asked):
        return {"model_version": self.versions[asked["name"]][int(asked["version"]) - 1]}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory, empty_store):
    """A catalog, and an environment that names it as a job's does; runs are kept here, since they are no registry."""
    folder = tmp_path_factory.mktemp("uc")
    shutil.copy(empty_store, folder)
    catalog = Catalog()
    with workspace() as place, pytest.MonkeyPatch.context() as patch:
        place.answers |= catalog.routes()
        patch.setenv("DATABRICKS_HOST", place.url)
        patch.setenv("DATABRICKS_TOKEN", "token")
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("MLFLOW_REGISTRY_URI", "databricks-uc")
        patch.setenv("MLFLOW_USE_DATABRICKS_SDK_MODEL_ARTIFACTS_REPO_FOR_UC", "true")  # no cloud's own storage
        patch.chdir(folder)
        yield catalog


@pytest.fixture(scope="module")
def first(catalog):
    """The registry, before and after its first pair."""
    registry = MlflowRegistry("main.shop.propensity", "propensity")
    assert registry.champion(QUESTION) is None
    return registry, registered(registry, QUESTION)


def test_a_pair_is_registered_under_names_of_three_parts(catalog, first):
    _, pair = first
    assert (pair.preprocessing_version, pair.prediction_version) == ("1", "1")
    assert set(catalog.versions) == {f"{PREFIX}preprocessing", f"{PREFIX}prediction"}
    version = catalog.versions[f"{PREFIX}prediction"][0]  # another test adds a second one
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert (tags["question"], tags["preprocessing_version"]) == ("buy_7d_cohort28d", "1")
    assert version["description"].startswith("buy within 7 days, users active in the last 28 days. Trained through ")


def test_nothing_is_in_use_before_the_alias_is_set_and_stages_are_never_used(catalog, first):
    registry, pair = first
    assert registry.champion(QUESTION) is None
    registry.promote(QUESTION, pair.prediction_version, ago(0))
    assert registry.champion(QUESTION) == "1"
    assert catalog.aliases == {f"{PREFIX}prediction": {"champion": "1"}}


def test_the_pair_that_is_loaded_scores_as_the_one_that_was_registered(first):
    registry, pair = first
    rows = labelled(ago(7)).X
    assert registry.load(QUESTION, "1").score(rows).tolist() == pair.score(rows).tolist()


def test_a_second_pair_is_a_second_version_of_the_same_models(catalog, first):
    registry, _ = first
    assert registered(registry, QUESTION, through=14).prediction_version == "2"
    assert {name: len(versions) for name, versions in catalog.versions.items()} == {
        f"{PREFIX}preprocessing": 2, f"{PREFIX}prediction": 2,
    }  # fmt: skip
