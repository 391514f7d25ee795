"""The MLflow database of a home, with its experiment: made before the first task.

MLflow takes seconds to import and to make its database: a process of its own does it while Spark starts.
"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

from cli.errors import CliError
from cli.local.home import Home

_CREATE = """
import sys
from mlflow import MlflowClient
uri, name, folder = sys.argv[1:]
client = MlflowClient(uri, uri)
if client.get_experiment_by_name(name) is None:
    client.create_experiment(name, artifact_location=folder)
"""


def ensure_experiment(home: Home, name: str) -> None:
    """Make the database and the experiment, unless they are there.

    Raises
    ------
    CliError
        If MLflow cannot; with the last line of what it said.
    """
    if _has_experiment(home, name):
        return
    command = [sys.executable, "-c", _CREATE, home.tracking_uri, name, str(home.artifacts)]
    env = os.environ | home.environment()
    done = subprocess.run(command, cwd=home.root, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        last_line = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise CliError(f"MLflow cannot make the experiment {name!r} in {home.database}: {last_line}")


def _has_experiment(home: Home, name: str) -> bool:
    if not home.database.exists():
        return False
    with closing(sqlite3.connect(home.database)) as database:
        try:
            return bool(database.execute("SELECT 1 FROM experiments WHERE name = ?", (name,)).fetchone())
        except sqlite3.DatabaseError:
            return False  # half made by a run that was killed: MLflow will finish it, or say what is wrong
