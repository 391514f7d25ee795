"""What several core tests start from."""

import itertools

import pytest

pytest.register_assert_rewrite("tests.core.table_contract", "tests.core.dashboard_contract")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def after_first_run():
    """A home after the whole job ran once: read it, or copy it."""
    from made import AS_OF, World, log

    world = World(log())
    world.first = world.run(AS_OF)
    return world


@pytest.fixture
def world(after_first_run):
    """A home of one's own, after the first run."""
    return after_first_run.copy()


@pytest.fixture(scope="session")
def mlflow_home(tmp_path_factory):
    """A folder for MLflow's store and files; the store's tables are made once, which is what costs."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def mlflow_registry(mlflow_home):
    """The registry on that store, named by the environment as a job names it."""
    from mlflow import MlflowClient

    from lib.registry import MlflowRegistry

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{mlflow_home}/mlflow.db")
        patch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{mlflow_home}/mlflow.db")
        if MlflowClient().get_experiment_by_name("tests") is None:
            MlflowClient().create_experiment("tests", artifact_location=f"{mlflow_home}/artifacts")
        yield MlflowRegistry("app.propensity", "tests")


@pytest.fixture
def question():
    """A question that no other test has asked."""
    from lib.config import Question

    return Question(actions=(f"action {next(_numbers)}",), horizon_days=7, cohort_days=28)
