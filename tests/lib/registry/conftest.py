"""A Unity Catalog on this machine, for who asks as a job in a workspace does."""

import shutil
from contextlib import contextmanager

import pytest

from tests.fakes.catalog import Catalog
from tests.fakes.workspace import workspace


@contextmanager
def open_catalog(folder, empty_store):
    """A catalog, and an environment that names it as a job's does; runs are kept here, since they are no registry."""
    shutil.copy(empty_store, folder)
    with workspace() as place, pytest.MonkeyPatch.context() as patch:
        catalog = Catalog(place)
        patch.setenv("DATABRICKS_HOST", place.url)
        patch.setenv("DATABRICKS_TOKEN", "token")
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("MLFLOW_REGISTRY_URI", "databricks-uc")
        patch.setenv("MLFLOW_USE_DATABRICKS_SDK_MODEL_ARTIFACTS_REPO_FOR_UC", "true")  # no cloud's own storage
        patch.chdir(folder)
        yield catalog


@pytest.fixture
def catalog(tmp_path, empty_store):
    """A catalog of the test's own."""
    with open_catalog(tmp_path, empty_store) as catalog:
        yield catalog


@pytest.fixture(scope="module")
def shared_catalog(tmp_path_factory, empty_store):
    """A catalog that the tests of a module fill once."""
    with open_catalog(tmp_path_factory.mktemp("catalog"), empty_store) as catalog:
        yield catalog
