"""What commands do without: told by the modules that a process of its own has loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"pandas", "numpy", "pyarrow", "mlflow", "sklearn", "pyspark", "optuna", "matplotlib", "databricks.sdk.core"}


def loaded(code: str) -> tuple[list[str], set[str]]:
    """What a process printed, and which heavy packages it had at its end."""
    whole = f"import sys; from cli.__main__ import main\n{code}\nprint('loaded', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", whole], env={"PYTHONPATH": str(ROOT), "PATH": os.defpath}, cwd=ROOT,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    *lines, last = done.stdout.splitlines()
    return lines, HEAVY & set(last.split())


@pytest.mark.job
def test_the_checks_of_a_bundle_need_no_client_of_a_workspace():
    lines, heavy = loaded("main(['validate'])")
    assert lines[-1].startswith("0 findings")
    assert heavy == set()


@pytest.mark.job
def test_a_run_starts_spark_and_kernels_before_it_imports_what_takes_long():
    before = ("commands.run", "local.plan", "local.job_run", "local.machine")
    assert loaded("\n".join(f"import cli.{name}" for name in before)) == ([], set())


@pytest.mark.job
def test_listings_and_a_rollback_read_tables_without_spark_mlflow_or_sklearn():
    names = ("cli.commands.models", "cli.commands.audience", "cli.local.file_tables", "cli.local.landing",
             "lib.stages.publications")  # fmt: skip
    assert loaded("\n".join(f"import {name}" for name in names)) == ([], {"pandas", "numpy", "pyarrow"})


@pytest.mark.job
def test_the_sdk_is_whole_for_who_asks_for_more_of_it():
    lines, heavy = loaded(
        "from localrun.sdk import JobSettings\nimport databricks.sdk\nprint('databricks.sdk.core' in sys.modules)\n"
        "from databricks.sdk import WorkspaceClient\nfrom databricks.sdk.service import jobs\n"
        "print(databricks.sdk.service.jobs.JobSettings is jobs.JobSettings is JobSettings, WorkspaceClient.__name__)"
    )
    assert lines == ["False", "True WorkspaceClient"]
    assert heavy == {"databricks.sdk.core"}
