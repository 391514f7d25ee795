"""Models of another schema in Unity Catalog: they challenge, and come into use on the evidence of this schema alone."""

import copy

import pytest

from lib.config.stages import RetrainConfig
from lib.errors import ModelError
from lib.evaluation.verdict import Verdict
from lib.registry.mlflow_registry import MlflowRegistry
from tests.builders.runs import AS_OF, World, asked, log

QUESTION = asked(RetrainConfig).question
DEV, PROD = "main.dev_ana_propensity", "main.propensity"
HALVES = tuple(f"propensity_{QUESTION.slug}_{half}" for half in ("preprocessing", "prediction"))
FOUND = f"{DEV}.{HALVES[1]}"


@pytest.fixture(scope="module")
def worlds(shared_catalog):
    """Two schemas, each with events of its own and a first pair in use."""
    worlds = []
    for seed, schema in enumerate((DEV, PROD)):
        world = World(log(seed=seed))
        world.registry = MlflowRegistry(f"{schema}.propensity", schema)
        world.extract(AS_OF)
        world.retrain(schema=schema)
        worlds.append(world)
    return worlds


def test_it_is_fitted_anew_and_comes_into_use_by_what_it_is_worth_here(shared_catalog, worlds):
    dev, prod = worlds
    before = copy.deepcopy([(shared_catalog.models[f"{DEV}.{half}"], shared_catalog.versions[f"{DEV}.{half}"])
                            for half in HALVES])  # fmt: skip
    made = prod.retrain(challenger=f"models:/{FOUND}@champion", run_id="run-2", schema=PROD)

    number = made.pair.prediction_version
    own, theirs = prod.registry.load(QUESTION, number), dev.registry.load(QUESTION, "1")
    assert own.params["challenger"] == f"models:/{FOUND}@champion"
    assert (type(own.prediction), own.prediction.C) == (type(theirs.prediction), theirs.prediction.C)
    rows = prod.tables.query("SELECT * FROM {features}")
    assert own.score(rows).tolist() != theirs.score(rows).tolist()
    (decision,) = prod.tables.query("SELECT * FROM {decisions} WHERE run_id = 'run-2'").to_dict("records")
    print(decision, made.summary)
    assert (decision["challenger_version"], decision["prediction_version"]) == (
        number,
        number if made.promoted else "1",
    )
    assert [(shared_catalog.models[f"{DEV}.{half}"], shared_catalog.versions[f"{DEV}.{half}"])
            for half in HALVES] == before  # fmt: skip


def test_one_that_was_copied_does_not_hold_by_its_alias_alone(worlds):
    _, prod = worlds
    client, tags = prod.registry.client, {}
    for half in HALVES:
        theirs = client.get_model_version(f"{DEV}.{half}", "1")
        copied = client.create_model_version(
            f"{PROD}.{half}", f"models:/{DEV}.{half}/1", theirs.run_id, tags=theirs.tags | tags
        )
        tags = {"preprocessing_version": copied.version}
    in_use = prod.registry.champion(QUESTION)
    client.set_registered_model_alias(f"{PROD}.{HALVES[1]}", "champion", copied.version)
    checked = prod.train(run_id="run-3", schema=PROD)
    assert checked.verdict == Verdict("cannot_tell", (
        f"Version {copied.version} has learnt through 2024-04-19: nothing newer has matured, and no decision of this "
        "schema names it.",
    ))  # fmt: skip
    client.set_registered_model_alias(f"{PROD}.{HALVES[1]}", "champion", in_use)


@pytest.mark.parametrize(("closed", "missing"), [
    (DEV, "PERMISSION_DENIED: User does not have USE SCHEMA on Schema 'main.dev'."),
    (FOUND, "PERMISSION_DENIED: User does not have EXECUTE on Routine or Model 'main.dev.x'."),
    (f"{DEV}.{HALVES[0]}", f"models:/{DEV}.{HALVES[0]}/1: Forbidden."),  # of a file no more is said
], ids=["schema", "prediction", "preprocessing"])  # fmt: skip
def test_a_right_that_is_missing_there_is_named_before_anything_is_fitted(shared_catalog, worlds, closed, missing):
    _, prod = worlds
    before, challenger = copy.deepcopy(shared_catalog.versions), f"models:/{FOUND}/1"
    said = missing.removeprefix("PERMISSION_DENIED: ")
    with shared_catalog.closed_to_the_job(closed, said), pytest.raises(ModelError) as refused:
        prod.retrain(challenger=challenger, run_id="run-4", schema=PROD)
    assert str(refused.value) == (
        f"The challenger {challenger} may not be read: {missing} Grant who runs the job USE SCHEMA on the schema of "
        "that model, and EXECUTE on both models of the pair."
    )
    assert shared_catalog.versions == before
