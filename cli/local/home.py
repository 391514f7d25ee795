"""The folder that holds all that runs store, and the lock that keeps two runs apart."""

import fcntl
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cli.errors import CliError
from lib.config.kinds import NONE


@dataclass(frozen=True)
class Home:
    """Names of everything below one home; deleting the folder deletes it all."""

    root: Path

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def sources(self) -> Path:
        return self.root / "sources"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def database(self) -> Path:
        return self.root / "mlflow.db"

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.database}"

    def parameters(self) -> dict[str, str]:
        """Job parameters that say where this machine keeps things."""
        return {
            "compute": NONE,  # this machine, which is none of a workspace's
            "experiment": "propensity",
            "optuna_storage": f"sqlite:///{self.root / 'optuna.db'}",
            "reports": str(self.root / "reports"),
        }

    def environment(self) -> dict[str, str]:
        """What every task's process finds in its environment."""
        return {
            "MLFLOW_TRACKING_URI": self.tracking_uri,
            "MLFLOW_REGISTRY_URI": self.tracking_uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing that runs here calls home
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # two files of this machine need none
            "PYSPARK_PYTHON": sys.executable,  # Spark's workers must be of the driver's version
            "TZ": "UTC",
            "OMP_WAIT_POLICY": "PASSIVE",  # Spark shares the cores: threads that spin while waiting slow fits threefold
        }


def open_home(path: Path) -> Home:
    """The home at `path`, made if it is not there."""
    root = path.expanduser().resolve()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CliError(f"--home {path} cannot be used as a folder: {error.strerror}.") from error
    return Home(root)


def new_run_id(start: datetime) -> str:
    """An id for what is done in a home: ids sort by their start."""
    return f"{start:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


@contextmanager
def lock_home(home: Home) -> Iterator[None]:
    """Hold the home for one run.

    The lock is the operating system's and ends with its process, so one that a killed run left is no lock.

    Raises
    ------
    CliError
        If another run holds it; the message names that process.
    """
    with (home.root / "run.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CliError(
                f"A run is under way in {home.root}, process {file.read().strip()}. Wait for it, stop it, or "
                "choose another --home."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
