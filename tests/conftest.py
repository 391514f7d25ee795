"""What tests of several rooms start from. Spark, a kernel or a whole job is started when the first test asks for it."""

import contextlib
import itertools
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from localrun.spark.server import SparkServer

# One thread each: two processes with two threads each wait for one another, and small models take five times as long.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # read when numpy and sklearn are loaded
pytest_plugins = ["tests.marks", "pytester"]
SCHEMA = "propensity"
_numbers = itertools.count()


def pytest_configure() -> None:
    """Answer Ctrl-C also where the shell has it ignored, as for `nohup ... &`: some tests wait for their own."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def job_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the shared Spark server."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def spark_server(job_home: Path) -> Iterator[SparkServer]:
    """The shared server; its Python workers have no copy of the project on their path. Who asks is marked `spark`."""
    with SparkServer(job_home, [SCHEMA], job_home / "spark.log") as running:
        yield running


@pytest.fixture(scope="session")
def spark_url(spark_server: SparkServer) -> str:
    """The shared server's address."""
    return spark_server.url


@pytest.fixture(scope="session")
def spark(spark_server):
    """A session on the shared server, as a notebook has it."""
    from localrun.spark.session import session

    spark_server.wait_ready()
    with session(spark_server.url) as spark:
        yield spark


@contextlib.contextmanager
def empty_schema(spark):
    """Delta tables of an empty schema, which is dropped at the end."""
    from lib.tables.delta import DeltaTables
    from tests.marks import note_start

    note_start("a schema on the shared Spark server")
    schema = f"t{next(_numbers)}"
    spark.sql(f"CREATE SCHEMA {schema}")
    yield DeltaTables(spark, schema)
    spark.sql(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def delta_tables(spark):
    """Delta tables of an empty schema of the test's own."""
    with empty_schema(spark) as tables:
        yield tables


@pytest.fixture(scope="module")
def module_delta_tables(spark):
    """Delta tables of an empty schema that the tests of a module share."""
    with empty_schema(spark) as tables:
        yield tables


@pytest.fixture(scope="session")
def after_first_run():
    """A home after the whole job ran once, in memory: read it, or copy it."""
    from tests.builders.runs import AS_OF, World, log

    world = World(log())
    world.first = world.run(AS_OF)
    return world


@pytest.fixture
def world(after_first_run):
    """A home of one's own, after the first run."""
    return after_first_run.copy()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """An empty store of MLflow, to be copied: making its tables is what costs."""
    from mlflow import MlflowClient

    store = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{store}", f"sqlite:///{store}").search_registered_models()
    return store


@pytest.fixture(scope="session")
def mlflow_home(tmp_path_factory, empty_store):
    """A folder for MLflow's store and files."""
    home = tmp_path_factory.mktemp("mlflow")
    shutil.copy(empty_store, home)
    return home


@pytest.fixture(scope="module")
def mlflow_registry(mlflow_home):
    """The registry on that store, named by the environment as a job names it."""
    from mlflow import MlflowClient

    from lib.registry.mlflow_registry import MlflowRegistry

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{mlflow_home}/mlflow.db")
        patch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{mlflow_home}/mlflow.db")
        if MlflowClient().get_experiment_by_name("tests") is None:
            MlflowClient().create_experiment("tests", artifact_location=f"{mlflow_home}/artifacts")
        yield MlflowRegistry("app.propensity", "tests")


@pytest.fixture
def question():
    """A question that no other test has asked."""
    from lib.config.question import Question

    return Question(actions=(f"action {next(_numbers)}",), horizon_days=7, cohort_days=28)


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A toy bundle, and a `run` whose notebooks and Spark are played."""
    from tests.fakes.stage import set_stage

    return set_stage(tmp_path, monkeypatch)
