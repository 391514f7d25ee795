"""Pairs in Unity Catalog, by configuration alone: MLflow's own client for it, against a catalog on this machine.

The catalog is as strict as MLflow's client is (a signature with inputs and outputs, names of three parts) and answers
as the platform is documented to; what the real one adds, permissions above all, only a workspace can show.
"""

import pytest

from lib.config.bases import ModelConfig
from lib.config.question import Question
from lib.errors import ModelError
from lib.registry.mlflow_registry import MlflowRegistry
from lib.registry.versions import compare_versions
from lib.stages import by_hand
from lib.stages.context import Context
from lib.tables.memory import MemoryTables
from tests.builders.runs import ago, as_told, asked, labelled, registered

QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)
PREFIX = "main.shop.propensity_buy_7d_cohort28d_"


@pytest.fixture
def registry(catalog):
    """The registry, before its first pair."""
    return MlflowRegistry("main.shop.propensity", "propensity")


def test_a_pair_is_registered_under_names_of_three_parts_and_scores_as_it_did(catalog, registry):
    assert registry.champion(QUESTION) is None
    pair = registered(registry, QUESTION)
    assert (pair.preprocessing_version, pair.prediction_version) == ("1", "1")
    assert set(catalog.models) == {f"{PREFIX}preprocessing", f"{PREFIX}prediction"}
    (version,) = catalog.versions[f"{PREFIX}prediction"]
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert (tags["question"], tags["preprocessing_version"]) == ("buy_7d_cohort28d", "1")
    assert version["description"].startswith("buy within 7 days, users active in the last 28 days. Trained through ")
    rows = labelled(ago(7)).X
    assert registry.load(QUESTION, "1").score(rows).tolist() == pair.score(rows).tolist()


def test_nothing_is_in_use_before_the_alias_is_set_and_stages_are_never_used(catalog, registry):
    registered(registry, QUESTION)
    assert registry.champion(QUESTION) is None
    registry.promote(QUESTION, "1", ago(0))
    assert registry.champion(QUESTION) == "1"
    assert catalog.models[f"{PREFIX}prediction"]["aliases"] == [{"alias": "champion", "version": "1"}]
    assert catalog.models[f"{PREFIX}preprocessing"]["aliases"] == []


def test_versions_are_listed_with_what_their_tags_say_although_no_search_tells_tags(registry):
    assert registry.versions(QUESTION) == []  # no model of that name: an error of the platform, and no version
    for through in (7, 14, 7):  # more than a page of them
        registered(registry, QUESTION, through=through)
    registry.promote(QUESTION, "1", ago(3))
    registry.promote(QUESTION, "3", ago(1))
    found = registry.versions(QUESTION)
    assert [(one.prediction_version, one.trained_through, one.in_use, one.champion_since) for one in found] == [
        ("3", str(ago(7)), True, str(ago(1))), ("2", str(ago(14)), False, ""), ("1", str(ago(7)), False, str(ago(3))),
    ]  # fmt: skip
    columns = {version: registry.columns(QUESTION, version) for version in ("2", "3")}
    assert [row[0] for row in compare_versions(found[1], found[0], columns)] == [
        "preprocessing_version", "trained_through",
    ]  # fmt: skip


def test_versions_are_promoted_and_rolled_back_by_hand(registry):
    for through in (7, 14):
        registered(registry, QUESTION, through=through)
    tables = MemoryTables()

    def context(run):
        return Context(asked(ModelConfig, run_id=f"by-hand-{run}"), tables, registry, as_told)

    assert by_hand.promote(context(1), "1").version == "1"
    assert by_hand.promote(context(2), "2").version == "2"
    assert by_hand.rollback(context(3)).version == "1"
    assert registry.champion(QUESTION) == "1"
    with pytest.raises(ModelError, match="Version 1 is the first that was in use"):
        by_hand.rollback(context(4))


def test_a_registered_pair_challenges_by_its_alias_or_its_number(registry):
    pair = registered(registry, QUESTION)
    registry.promote(QUESTION, "1", ago(0))
    for uri in (f"models:/{PREFIX}prediction@champion", f"models:/{PREFIX}prediction/1"):
        own = registry.load_own(uri)
        assert type(own.prediction) is type(pair.prediction)
    with pytest.raises(ModelError, match=r"The challenger models:/.*@best cannot be found: .*Alias best"):
        registry.load_own(f"models:/{PREFIX}prediction@best")


def test_a_version_that_is_not_there_is_told_from_an_orphan(catalog, registry):
    registered(registry, QUESTION)
    catalog.create_version({"name": f"{PREFIX}preprocessing"})  # as a kill leaves it
    with pytest.raises(ModelError, match=r"Version 3 of .* is not registered. Promote one that is"):
        registry.promote(QUESTION, "3", ago(0))
    with pytest.raises(ModelError, match=r"a kill left version 2 of .*_preprocessing an orphan"):
        registry.promote(QUESTION, "2", ago(0))


@pytest.mark.parametrize(("route", "missing"), [
    ("GET registered-models/get", "User does not have EXECUTE on Routine or Model 'main.shop'."),
    ("POST registered-models/create", "User does not have CREATE MODEL on Schema 'main.shop'."),
    ("POST model-versions/create", "User does not have CREATE MODEL VERSION on Model 'main.shop'."),
    ("POST registered-models/alias", "User is not an owner of Model 'main.shop'."),
])  # fmt: skip
def test_a_missing_right_is_named_with_who_has_to_have_it(catalog, registry, route, missing):
    def use():
        registry.champion(QUESTION)
        registered(registry, QUESTION)
        registry.promote(QUESTION, "1", ago(0))

    catalog.denied = {route: missing}
    with pytest.raises(ModelError) as refused:
        use()
    assert str(refused.value) == (
        f"The registry refuses: PERMISSION_DENIED: {missing} Grant that right to who runs the job; see Who may do what "
        "in docs/deploy.md."
    )
