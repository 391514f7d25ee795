"""The workflows for GitHub: what they may do, in which order, and with which pinned tools."""

import re
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from localrun.bundle.bundle import target_names
from localrun.bundle.files import read_yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {path.stem: read_yaml(path, path.name) for path in FILES}
JOBS = [(name, key, job) for name, workflow in WORKFLOWS.items() for key, job in workflow["jobs"].items()]
AUTH = {
    "DATABRICKS_AUTH_TYPE": "github-oidc",
    "DATABRICKS_HOST": "${{ vars.DATABRICKS_HOST }}",
    "DATABRICKS_CLIENT_ID": "${{ vars.DATABRICKS_CLIENT_ID }}",
}
RUN_AS = {"BUNDLE_VAR_service_principal": "${{ vars.SERVICE_PRINCIPAL || vars.DATABRICKS_CLIENT_ID }}"}
each_job = pytest.mark.parametrize(("name", "key", "job"), JOBS, ids=lambda part: part if isinstance(part, str) else "")


def commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def test_each_has_its_own_trigger():
    assert {name: workflow["on"] for name, workflow in WORKFLOWS.items()} == {
        "pull-request": {"pull_request": None},
        "deploy": {"push": {"branches": ["main"]}},
        "newest-cli": {"schedule": [{"cron": "0 5 * * 1"}], "workflow_dispatch": None},
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit_and_no_secret_is_stored(path):
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    assert "secrets." not in text
    assert "pull_request_target" not in text


def test_one_action_has_one_commit():
    used = {tuple(step["uses"].split("@")) for _, _, job in JOBS for step in job["steps"] if "uses" in step}
    assert len(used) == len({action for action, _ in used})


@each_job
def test_only_what_asks_the_workspace_gets_a_token(name, key, job):
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    asks = any("databricks" in command or "remote" in command for command in commands(job))
    assert job.get("permissions", {}) == ({"contents": "read", "id-token": "write"} if asks else {})
    assert job.get("env", {}) == (
        (AUTH | (RUN_AS if "environment" in job or name == "newest-cli" else {})) if asks else {}
    )


@each_job
def test_every_job_has_a_limit_and_a_fixed_machine(name, key, job):
    assert (job["runs-on"], job["timeout-minutes"] <= 300) == ("ubuntu-24.04", True)


@each_job
def test_the_cli_is_a_fixed_one_that_the_bundle_takes(name, key, job):
    setup = [step["with"]["version"] for step in job["steps"] if "setup-cli@" in step.get("uses", "")]
    least = read_yaml(ROOT / "databricks.yml", "databricks.yml")["bundle"]["databricks_cli_version"]
    uses_cli = any(command.startswith("databricks ") for command in commands(job))
    newest = "${{ steps.newest.outputs.version }}" if name == "newest-cli" else "1.27.0"
    assert setup == ([newest] if uses_cli else [])
    assert least == ">= 1.13.0"  # the one that was held against its own fake workspace
    assert name == "newest-cli" or all(Version(version) in SpecifierSet(least) for version in setup)


def test_the_newest_cli_is_asked_for_weekly_and_takes_every_target_as_it_is():
    (job,) = WORKFLOWS["newest-cli"]["jobs"].values()
    assert [command for command in commands(job) if command.startswith("databricks ")] == [
        "databricks --version",
        *(f"databricks bundle validate --strict --target {target}" for target in target_names(ROOT)),
    ]


def test_a_pull_request_is_tested_and_validated():
    jobs = WORKFLOWS["pull-request"]["jobs"]
    assert commands(jobs["test"]) == ["./propensity validate", "./propensity test"]  # lint, types and tests
    assert commands(jobs["bundle"]) == ["databricks bundle validate --strict --target dev"]
    assert jobs["bundle"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"


def test_main_goes_to_staging_is_run_there_and_then_goes_to_prod():
    workflow = WORKFLOWS["deploy"]
    jobs = workflow["jobs"]
    assert workflow["concurrency"] == {"group": "deploy", "cancel-in-progress": False}
    assert [(key, job.get("needs"), job.get("environment")) for key, job in jobs.items()] == [
        ("test", None, None), ("staging", "test", "staging"), ("prod", "staging", "prod"),
    ]  # fmt: skip
    assert commands(jobs["test"]) == commands(WORKFLOWS["pull-request"]["jobs"]["test"])
    assert commands(jobs["staging"]) == [
        "databricks bundle validate --strict --target staging",
        "databricks bundle deploy --target staging",
        "./propensity remote run --target staging",
    ]
    assert commands(jobs["prod"]) == [
        "databricks bundle validate --strict --target prod",
        "databricks bundle deploy --target prod",
    ]
    assert {"staging", "prod"} <= set(target_names(ROOT))
