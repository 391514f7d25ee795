"""One Spark server for all job tests, started when the first of them asks for it."""

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
def spark_url(job_home: Path) -> Iterator[str]:
    """The shared server's address."""
    with SparkServer(job_home, [SCHEMA], job_home / "spark.log") as server:
        yield server.url
