"""What is read of a home's MLflow database without MLflow."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cli.errors import CliError
from cli.local.home import open_home
from cli.local.registered import registered_models

ROOT = Path(__file__).parents[2]


def test_models_and_tags_are_those_that_mlflow_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    home = open_home(tmp_path)
    for name, value in home.environment().items():
        monkeypatch.setenv(name, value)
    client = MlflowClient(home.tracking_uri, home.tracking_uri)
    client.create_registered_model("shop.b_prediction", {"question": "b", "schema": "shop"})
    client.create_registered_model("shop.a_prediction", {"question": "a"})
    client.create_registered_model("untagged")
    client.set_registered_model_tag("shop.a_prediction", "question", "a, later")

    theirs = [(model.name, dict(model.tags)) for model in client.search_registered_models()]

    assert registered_models(home) == theirs
    assert [name for name, _ in theirs] == ["shop.a_prediction", "shop.b_prediction", "untagged"]


def test_a_home_without_a_whole_database_has_none_yet(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    assert registered_models(home) == []
    sqlite3.connect(home.database).close()
    assert registered_models(home) == []
    with sqlite3.connect(home.database) as half:
        half.execute("CREATE TABLE registered_models (name TEXT)")
    assert registered_models(home) == []


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    home.database.write_text("no database" * 100)
    with pytest.raises(CliError, match=r"mlflow\.db cannot be read: file is not a database\. Restore it\."):
        registered_models(home)


@pytest.mark.job
def test_listings_import_neither_mlflow_nor_spark_nor_sklearn(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom cli.__main__ import main\n"
        f"for name in ('audience', 'models'): main([name, '--home', {str(tmp_path)!r}])\n"
        "print(sorted({'mlflow', 'pyspark', 'sklearn', 'scipy', 'optuna', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert done.stderr.startswith("error: There are no models in ")
