"""The pipelines for GitHub, GitLab and Azure: what they may do, in which order, and with which pinned tools."""

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
GITLAB = read_yaml(ROOT / ".gitlab-ci.yml", ".gitlab-ci.yml")
AZURE = read_yaml(ROOT / "azure-pipelines.yml", "azure-pipelines.yml")
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


def test_a_fork_gets_no_token():
    bundle = WORKFLOWS["pull-request"]["jobs"]["bundle"]
    assert bundle["if"] == "github.event.pull_request.head.repo.full_name == github.repository"


def test_one_deployment_at_a_time_in_order_and_prod_after_an_approval():
    workflow = WORKFLOWS["deploy"]
    assert workflow["concurrency"] == {"group": "deploy", "cancel-in-progress": False}
    assert [(key, job.get("needs"), job.get("environment")) for key, job in workflow["jobs"].items()] == [
        ("test", None, None), ("staging", "test", "staging"), ("prod", "staging", "prod"),
    ]  # fmt: skip
    assert [GITLAB[key]["resource_group"] for key in ("staging", "prod")] == ["deploy", "deploy"]
    assert [GITLAB[key]["environment"] for key in ("staging", "prod")] == ["staging", "prod"]
    assert GITLAB["stages"] == ["test", "staging", "prod"]
    assert [rule.get("when") for rule in GITLAB["prod"]["rules"]] == ["manual"]
    assert AZURE["trigger"]["batch"] is True
    assert [(stage["stage"], stage.get("dependsOn")) for stage in AZURE["stages"]] == [
        ("test", None), ("staging", "test"), ("prod", "staging"),
    ]  # fmt: skip
    deployments = [stage["jobs"][0] for stage in AZURE["stages"][1:]]
    assert [job["environment"] for job in deployments] == ["staging", "prod"]


# What each pipeline does, wherever it runs: the one description that GitHub's, GitLab's and Azure's are held against.
TESTED = ["./propensity validate", "./propensity test"]  # lint, types and tests
STEPS = {
    "test": TESTED,
    "bundle": ["databricks bundle validate --strict --target dev"],
    **{
        target: [
            f"databricks bundle validate --strict --target {target}",
            f"databricks bundle deploy --target {target}",  # nobody approves here that a schema be deleted
            f"./propensity remote run --target {target}",  # fails unless every task ended as it should
        ]
        for target in ("staging", "prod")
    },
}
MINUTES = {"test": 60, "bundle": 10, "staging": 300, "prod": 300}
CLI = "https://github.com/databricks/cli/releases/download/v1.27.0/databricks_cli_1.27.0_linux_amd64.zip"


def github():
    jobs = WORKFLOWS["deploy"]["jobs"] | WORKFLOWS["pull-request"]["jobs"]
    return {key: (commands(job), job["timeout-minutes"]) for key, job in jobs.items()}


def gitlab():
    jobs = {key: job for key, job in GITLAB.items() if isinstance(job, dict) and "script" in job}
    return {key: (job["script"], int(job["timeout"].split()[0])) for key, job in jobs.items()}


def azure():
    found = {}
    for job in (job for stage in AZURE["stages"] for job in stage["jobs"]):
        steps = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
        own = [step["script"] for step in steps if "script" in step and "displayName" not in step]
        found[job.get("job") or job["deployment"]] = (own, job["timeoutInMinutes"])
    return found


@pytest.mark.parametrize("pipelines", [github, gitlab, azure])
def test_every_kind_of_pipeline_does_what_the_one_description_says(pipelines):
    assert pipelines() == {key: (steps, MINUTES[key]) for key, steps in STEPS.items()}


def test_a_pull_request_and_main_are_tested_by_the_same_commands():
    assert (
        commands(WORKFLOWS["deploy"]["jobs"]["test"]) == commands(WORKFLOWS["pull-request"]["jobs"]["test"]) == TESTED
    )


def test_no_pipeline_stores_a_secret_and_all_install_the_same_cli():
    assert GITLAB[".workspace"]["variables"] == {
        "DATABRICKS_AUTH_TYPE": "env-oidc", "BUNDLE_VAR_service_principal": "${DATABRICKS_CLIENT_ID}", "CLI": CLI,
    }  # fmt: skip
    assert AZURE["variables"] == {
        "DATABRICKS_AUTH_TYPE": "azure-devops-oidc", "BUNDLE_VAR_service_principal": "$(DATABRICKS_CLIENT_ID)",
        "CLI": CLI,
    }  # fmt: skip
    assert all(GITLAB[key]["extends"] == ".workspace" for key in STEPS if key != "test")
    for job in azure_jobs_that_ask():
        assert [step["env"] for step in job] == [{"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"}] * len(job)


def azure_jobs_that_ask():
    for job in (job for stage in AZURE["stages"] for job in stage["jobs"]):
        steps = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
        asking = [s for s in steps if any(f" {w} " in f" {s.get('script', '')} " for w in ("bundle", "remote"))]
        if asking:
            yield asking


def test_the_targets_that_are_deployed_to_are_there():
    assert {"staging", "prod"} <= set(target_names(ROOT))
