"""databricks.yml, its includes and targets, become the SDK's job dataclasses, and nothing gets lost on the way."""

from pathlib import Path

import pytest

from localrun.bundle.bundle import load_bundle, target_names
from localrun.bundle.files import merge
from localrun.errors import LocalRunError
from tests.builders import bundles

ROOT = Path(__file__).parents[2]


def settings(root, target=None, **variables):
    return load_bundle(root, target, variables).jobs["toy"].settings


def test_our_own_bundle_loads_whole():
    for target in target_names(ROOT):
        job = load_bundle(ROOT, target, {"catalog": "spark_catalog"}).jobs["propensity"]
        raw = job.settings.as_dict()
        assert job.file == "jobs/propensity.yml"
        assert {"name": "schema", "default": "spark_catalog.propensity"} in raw["parameters"]
        assert [task["task_key"] for task in raw["tasks"]] == [
            "extract_features", "train", "retrain_needed", "retrain", "predict", "publish",
        ]  # fmt: skip
        assert raw["tasks"][4]["run_if"] == "NONE_FAILED"


@pytest.mark.parametrize("compute", ["serverless", "classic"])
def test_one_variable_chooses_our_compute(compute):
    job = load_bundle(ROOT, None, {"compute": compute}).jobs["propensity"].settings
    notebooks = [task for task in job.tasks if task.notebook_task]
    keys = {(task.environment_key, task.job_cluster_key, len(task.libraries)) for task in notebooks}
    assert keys == {("default", "", 0) if compute == "serverless" else ("", "default", 1)}
    with pytest.raises(LocalRunError, match=r"\$\{var\.compute_kinds\.other\.environment_key\} has no value"):
        load_bundle(ROOT, None, {"compute": "other"})


def test_our_names_come_from_resources_so_that_a_targets_prefix_holds_everywhere():
    """The local runner fills them in; what the CLI makes of the prefix is written down in docs/deploy.md."""
    raw = (ROOT / "jobs" / "propensity.yml").read_text()
    for name, value in (
        ("schema", "${var.catalog}.${resources.schemas.tables.name}"),
        ("models", "${var.catalog}.${resources.schemas.tables.name}.propensity"),
        ("experiment", "${resources.experiments.searches.name}"),
    ):
        assert f'- {{name: {name}, default: "{value}"}}' in raw
    for target in target_names(ROOT):
        given = {item.name: item.default for item in load_bundle(ROOT, target).jobs["propensity"].settings.parameters}
        # catalog and schema; tables add the third part themselves
        assert (given["schema"], given["models"]) == ("main.propensity", "main.propensity.propensity")


def test_our_targets_differ_where_they_should():
    dev, prod, staging = (load_bundle(ROOT, target) for target in ("dev", "prod", "staging"))
    assert (dev.tree["mode"], dev.tree.get("run_as")) == ("development", None)
    for bundle in (prod, staging):
        job = bundle.jobs["propensity"].settings
        assert bundle.tree["mode"] == "production"
        assert set(bundle.tree["run_as"]) == {"service_principal_name"}
        assert bundle.tree["workspace"]["root_path"] == (
            f"/Workspace/Users/<service_principal>/.bundle/propensity/{bundle.target}"  # each deployment says who
        )
        assert (job.schedule.pause_status.value, job.max_concurrent_runs, job.queue.enabled) == ("UNPAUSED", 1, True)
        assert {task.max_retries for task in job.tasks if task.notebook_task} == {1}
    assert prod.tree["presets"].get("name_prefix") is None
    assert staging.tree["presets"]["name_prefix"] == "[staging] "
    assert staging.tree["presets"]["tags"] == {"product": "propensity", "target": "staging"}


@pytest.mark.parametrize("target", target_names(ROOT))
def test_our_dashboard_asks_the_deployed_schema_as_whoever_looks_at_it(target):
    (board,) = load_bundle(ROOT, target, {"schema": "mine"}).tree["resources"]["dashboards"].values()
    assert (board["dataset_catalog"], board["dataset_schema"], board["embed_credentials"]) == ("main", "mine", False)
    assert (ROOT / "resources" / board["file_path"]).is_file()
    raw = (ROOT / "resources" / "dashboard.yml").read_text()
    assert "dataset_schema: ${resources.schemas.tables.name}" in raw  # a target's prefix holds


def test_paths_are_meant_from_the_file_they_stand_in(tmp_path):
    job = settings(bundles.write(tmp_path))
    assert job.tasks[0].notebook_task.notebook_path == str(tmp_path / "notebooks" / "extract.py")
    assert job.environments[0].spec.dependencies == [f"-r {tmp_path / 'requirements.txt'}"]


def test_variables_are_filled_in_and_keep_their_type(tmp_path):
    job = settings(bundles.write(tmp_path))
    assert (job.parameters[1].default, job.tasks[0].max_retries) == ("shop", 0)


def test_a_target_and_the_caller_override_variables(tmp_path):
    bundles.write(tmp_path)
    assert settings(tmp_path, "prod").tasks[0].max_retries == 2
    job = settings(tmp_path, "prod", schema="here", retries="3")
    assert (job.parameters[1].default, job.tasks[0].max_retries) == ("here", 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${bundle.name}-${bundle.target}", "toy-dev"),
        ("${var.outer}.events", "main.shop.events"),  # a variable that refers to a variable
        ("${workspace.file_path}/lib", "ROOT/lib"),
        ("${var.${var.which}}", "shop"),  # the inner one names the outer one
        ("$5 and {x}", "$5 and {x}"),
    ],
)
def test_references_are_filled_in_inside_text(tmp_path, text, value):
    databricks = bundles.replaced(
        bundles.DATABRICKS,
        "variables:\n",
        "variables:\n  outer: {default: 'main.${var.schema}'}\n  which: {default: schema}\n",
    )
    root = bundles.write(tmp_path, job=bundles.replaced(bundles.JOB, "${var.schema}", text), databricks=databricks)
    assert settings(root).parameters[1].default == value.replace("ROOT", str(root))


def test_a_targets_task_is_laid_over_the_jobs_task(tmp_path):
    override = """\
  stage:
    resources:
      jobs:
        toy:
          schedule: {pause_status: UNPAUSED}
          tasks:
            - {task_key: train, timeout_seconds: 60}
            - {task_key: extra, notebook_task: {notebook_path: notebooks/retrain.py}}
"""
    job = settings(bundles.write(tmp_path, databricks=bundles.DATABRICKS + override), "stage")
    assert [task.task_key for task in job.tasks] == ["extract", "train", "gate", "retrain", "predict", "extra"]
    assert (job.tasks[1].timeout_seconds, job.tasks[1].depends_on[0].task_key) == (60, "extract")
    assert job.tasks[5].notebook_task.notebook_path == str(tmp_path / "notebooks" / "retrain.py")
    assert job.schedule.as_dict() == {
        "quartz_cron_expression": "0 0 6 ? * MON", "timezone_id": "Europe/Berlin", "pause_status": "UNPAUSED",
    }  # fmt: skip


def test_yaml_scalars_are_read_as_the_cli_reads_them(tmp_path):
    job = bundles.replaced(
        bundles.JOB,
        "name: toy\n",
        "name: toy\n      tags: {on: yes, day: 2024-06-01, half: 0.5, one: 1, ten: 10.0, text: '4.0'}\n",
    )
    assert settings(bundles.write(tmp_path, job=job)).tags == {
        "on": "yes",
        "day": "2024-06-01",
        "half": "0.5",
        "one": "1",
        "ten": "10",
        "text": "4.0",
    }


def test_a_bare_true_becomes_the_text_that_conditions_compare(tmp_path):
    job = bundles.replaced(bundles.JOB, 'right: "true"', "right: true")
    assert settings(bundles.write(tmp_path, job=job)).tasks[2].condition_task.right == "true"


def test_kinds_of_resources_are_passed_over_or_refused_by_name(tmp_path):
    databricks = "resources: {schemas: {tables: {name: '${var.schema}_x', catalog_name: main}}}\n" + bundles.DATABRICKS
    bundle = load_bundle(bundles.write(tmp_path / "known", databricks=databricks))
    assert bundle.tree["resources"]["schemas"]["tables"]["name"] == "shop_x"
    root = bundles.write(tmp_path / "unknown", databricks="resources: {pipelines: {p: {}}}\n" + bundles.DATABRICKS)
    message = r"^databricks\.yml: resources of the kind pipelines are not known on one machine\. Remove them\.$"
    with pytest.raises(LocalRunError, match=message):
        load_bundle(root)


def test_all_of_the_bundle_is_resolved_not_only_jobs(tmp_path):
    databricks = "resources: {volumes: {v: {name: '${var.shema}'}}}\n" + bundles.DATABRICKS
    with pytest.raises(LocalRunError, match=r"\$\{var\.shema\} has no value"):
        load_bundle(bundles.write(tmp_path, databricks=databricks))


@pytest.mark.parametrize(
    "name", ["permissions: [{level: CAN_VIEW, group_name: users}]", "lifecycle: {prevent_destroy: true}"]
)
def test_keys_that_only_bundles_know_are_let_through(tmp_path, name):
    job = bundles.replaced(bundles.JOB, "name: toy\n", f"name: toy\n      {name}\n")
    assert settings(bundles.write(tmp_path, job=job)).name == "toy"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: toy\n", "name: toy\n      max_concurent_runs: 1\n", "max_concurent_runs is no setting.*'max_concurrent_runs'"),  # noqa: E501
        ("run_if: NONE_FAILED", "run_if: NONE_FALIED", r"tasks\[predict\].run_if should be one of .*, got 'NONE_FALIED'"),  # noqa: E501
        ("max_retries: ${var.retries}", "max_retries: often", r"tasks\[extract\].max_retries should be a whole number"),
        ("max_retries: ${var.retries}", "max_retries: true", "should be a whole number, got True"),
        ("max_retries: ${var.retries}", "retry_on_timeout: maybe", "should be true or false, got 'maybe'"),
        ("environment_key: default\n          max", "environment_key: [a]\n          max", "should be text, got a list"),  # noqa: E501
        ("{day:", "{day: {deep: 1}, month:", r"base_parameters.day should be text, got a mapping"),
        ("op: EQUAL_TO, ", "", r"tasks\[gate\].condition_task lacks op"),
        ("- task_key: extract\n          notebook_task", "- notebook_task", r"tasks\[0\] lacks task_key"),
        ("depends_on: [{task_key: extract}]", "depends_on: extract", "depends_on should be a list, got 'extract'"),
        ("${var.schema}", "${var.shema}", r"\$\{var.shema\} has no value"),
        ("${var.schema}", "${ var.schema }", "has no value"),
        ("${var.schema}", "${resources.schemas.x.id}", "has no value"),
        ("- task_key: gate\n", "- task_key: train\n", "job toy: tasks has train twice"),
        ("{name: schema,", "{name: run_id,", "job toy: parameters has run_id twice"),
        ("name: toy\n", "name: toy\n      name: other\n", "line 5: the key 'name' stands here and in line 4"),
        ("      tasks:\n", "      tasks: [\n", "line 13: "),
        ("resources:", "resource:", "resource is no part of a bundle"),
    ],
)  # fmt: skip
def test_what_the_sdk_would_drop_or_let_through_is_named(tmp_path, old, new, message):
    root = bundles.write(tmp_path, job=bundles.replaced(bundles.JOB, old, new))
    with pytest.raises(LocalRunError, match=rf"^jobs/toy\.yml: (job toy: )?.*{message}"):
        load_bundle(root)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  - jobs/*.yml\n", "  - job/*.yml\n", "include 'job/\\*.yml' matches no file"),
        ("dev: {default: true}", "dev: {default: true, variables: {x: 1}}", "a target sets x, which is not declared"),
        ("dev: {default: true}", "dev: {}", "mark one of dev, prod with default: true"),
        ("{default: shop}", "{default: '${var.schema}'}", r"\$\{var.schema\} refers to itself"),
        ("bundle:\n  name: toy", "- a", "line"),
    ],
)
def test_what_is_wrong_in_databricks_yml_is_named(tmp_path, old, new, message):
    root = bundles.write(tmp_path, databricks=bundles.replaced(bundles.DATABRICKS, old, new))
    with pytest.raises(LocalRunError, match=message):
        load_bundle(root)


def test_every_problem_of_a_job_has_its_line(tmp_path):
    job = bundles.replaced(bundles.JOB, "name: toy\n", "name: toy\n      nmae: x\n      timeout_seconds: soon\n")
    with pytest.raises(LocalRunError) as caught:
        load_bundle(bundles.write(tmp_path, job=job))
    assert sorted(str(caught.value).splitlines()) == [
        "jobs/toy.yml: job toy: nmae is no setting that the platform knows. Did you mean 'name'?",
        "jobs/toy.yml: job toy: timeout_seconds should be a whole number, got 'soon'.",
    ]


@pytest.mark.parametrize("kind", ["jobs", "model_serving_endpoints"])
def test_two_resources_cannot_have_one_key_of_whatever_kind_they_are(tmp_path, kind):
    bundles.write(tmp_path)
    (tmp_path / "jobs" / "twin.yml").write_text(f"resources: {{{kind}: {{toy: {{name: twin}}}}}}")
    with pytest.raises(LocalRunError) as refused:
        load_bundle(tmp_path)
    assert str(refused.value) == (
        f"jobs/twin.yml: {kind}.toy has the key of jobs.toy in jobs/toy.yml. A key names one resource, of whatever "
        "kind; rename or remove one."
    )


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(LocalRunError, match=r"databricks\.yml: cannot be read as YAML"):
        load_bundle(tmp_path)
    bundles.write(tmp_path)
    with pytest.raises(LocalRunError, match="there is no target 'test', only dev, prod"):
        load_bundle(tmp_path, "test")
    with pytest.raises(LocalRunError, match="there is no variable shema"):
        load_bundle(tmp_path, None, {"shema": "x"})
    with pytest.raises(LocalRunError, match="'other' is no job of this bundle; it has toy"):
        load_bundle(tmp_path).job("other")


def test_merging_follows_the_cli():
    base = {"a": {"x": 1}, "other": [1], "tasks": [{"task_key": "t", "n": 1}], "gone": None}
    over = {"a": {"y": 2}, "other": [2], "tasks": [{"task_key": "t", "n": 2}], "gone": 3}
    assert merge(base, over) == {
        "a": {"x": 1, "y": 2}, "other": [1, 2], "tasks": [{"task_key": "t", "n": 2}], "gone": 3,
    }  # fmt: skip
    with pytest.raises(LocalRunError, match="a is a list or mapping in one place"):
        merge({"a": {}}, {"a": 1})
