"""One Spark server for all tests of tests/spark and tests/job, started when the first of them asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localrun.spark import SparkServer

SCHEMA = "propensity"


@pytest.fixture(scope="session")
def job_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the shared server."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def server(job_home: Path) -> Iterator[SparkServer]:
    """The shared server; its Python workers have no copy of the project on their path."""
    with SparkServer(job_home, [SCHEMA], job_home / "spark.log") as running:
        yield running


@pytest.fixture(scope="session")
def spark_url(server: SparkServer) -> str:
    """The shared server's address."""
    return server.url
