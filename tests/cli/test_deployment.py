"""`validate` finds what a deployment would break on: one change to a sound bundle, one finding."""

import re
from pathlib import Path

import pytest
from databricks.sdk.service.serving import EndpointCoreConfigInput

from cli.__main__ import main
from cli.workspace.deployment import deployment_findings
from lib.config.stages import COMPUTES
from lib.tables.contracts import EVALUATIONS
from localrun.bundle.bundle import load_bundle, target_names
from localrun.checks import job as job_rules
from tests.builders import bundles
from tests.fakes.workspace import EVERYBODY, managers

ROOT = Path(__file__).parents[2]


def findings(root, target=None):
    return deployment_findings(load_bundle(root, target))


def test_a_sound_bundle_has_no_findings(tmp_path):
    assert findings(bundles.write(tmp_path)) == []


@pytest.mark.parametrize("compute", COMPUTES)
@pytest.mark.parametrize("target", target_names(ROOT))
def test_our_own_bundle_is_sound_as_each_target_deploys_it_on_each_compute(target, compute):
    bundle = load_bundle(ROOT, target, {"compute": compute, "cluster_id": "0101-123456-abcdefgh"})
    assert job_rules.bundle_findings(bundle) + deployment_findings(bundle) == []


@pytest.mark.parametrize(("text", "changes", "message"), [
    ("acton: buy", {}, "propensity.yml, line 1, acton: there is no such parameter. Did you mean action?"),
    ("action: buy", {}, "propensity.yml: events is blank. Give the job or the notebook's widget a value for it."),
    ("events: a.b\nquestions:\n  one: {action: buy}\n  two: {action: buy}", {}, "propensity.yml, line 4, questions.two: it asks what propensity.yml, line 3, questions.one asks, buy_28d_cohort90d. Leave one out."),
    ("events: a.b\naction: buy", {"paths: [lib, notebooks, propensity.yml,": "paths: [lib, notebooks,"}, "needs propensity.yml, which is not uploaded: it lies outside of sync.paths. Add it there."),
    ("events: a.b\naction: buy", {"default: propensity.yml": "default: shop.yml"}, "question_file names {root}/shop.yml, which cannot be read: No such file or directory."),
])  # fmt: skip
def test_what_the_deployed_job_is_asked_by_is_read_before_it_is_deployed(tmp_path, text, changes, message):
    for name in ("jobs", "resources", "notebooks", "lib", "dashboards", "requirements.txt"):
        (tmp_path / name).symlink_to(ROOT / name)
    databricks = (ROOT / "databricks.yml").read_text()
    for old, new in changes.items():
        databricks = bundles.replaced(databricks, old, new)
    (tmp_path / "databricks.yml").write_text(databricks)
    (tmp_path / "propensity.yml").write_text(text)
    assert findings(tmp_path) == [f"jobs/propensity.yml: job propensity: {message.format(root=tmp_path)}"]


@pytest.mark.parametrize("target", target_names(ROOT))
def test_all_that_is_optional_is_sound_with_the_rest(tmp_path, target):
    for name in ("jobs", "resources", "notebooks", "lib", "dashboards"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("requirements.txt", "propensity.yml"):
        (tmp_path / name).symlink_to(ROOT / name)
    databricks = (ROOT / "databricks.yml").read_text()
    databricks = bundles.replaced(
        databricks, "  - resources/*.yml\n", "  - resources/*.yml\n  - resources/optional/*.yml\n"
    )
    (tmp_path / "databricks.yml").write_text(databricks)
    bundle = load_bundle(tmp_path, target)
    assert job_rules.bundle_findings(bundle) + deployment_findings(bundle) == []
    (monitor,) = bundle.tree["resources"]["quality_monitors"].values()
    assert {
        monitor["inference_log"][name] for name in ("timestamp_col", "model_id_col", "prediction_col", "label_col")
    } < {*EVALUATIONS}
    (endpoint,) = bundle.tree["resources"]["model_serving_endpoints"].values()
    assert EndpointCoreConfigInput.from_dict(endpoint["config"]).as_dict() == endpoint["config"]  # nothing is unknown
    (served,) = endpoint["config"]["served_entities"]
    # Neither has a default: a deployment that does not say what is served is refused.
    assert (served["entity_name"], served["entity_version"]) == ("<served_model>", "<served_version>")
    (alert,) = bundle.tree["resources"]["alerts"].values()
    assert "FROM `main`.`propensity`.publications GROUP BY question" in alert["query_text"]


def test_existing_compute_without_its_cluster_is_found_before_a_deployment():
    found = findings(ROOT, "dev") + deployment_findings(load_bundle(ROOT, "dev", {"compute": "existing"}))
    assert (
        "jobs/propensity.yml: job propensity: task extract_features: names no compute, so that it lacks the "
        "requirements. Set environment_key or job_cluster_key."
    ) in found
    assert len(found) == 6  # of each task with a notebook, that of the job forget too


@pytest.mark.parametrize(("version", "is_found"), [
    ("17.3.x-scala2.13", False), ("18.x-scala2.13", False), ("19.0.x-scala2.13", False),
    ("16.4.x-scala2.13", True), ("17.2.x-scala2.13", True), ("latest", True),
])  # fmt: skip
def test_a_runtime_that_nobody_held_our_packages_against_is_found(version, is_found):
    found = deployment_findings(load_bundle(ROOT, "dev", {"compute": "classic", "spark_version": version}))
    messages = [
        f"jobs/{job}.yml: job {job}: job cluster default: spark_version is {version!r}. Choose 17.3.x-scala2.13 or a "
        "newer one: the job's packages were not held against an older one's."
        for job in ("forget", "propensity")
    ]
    assert found == (messages if is_found else [])


def test_the_environment_is_one_of_those_that_were_read():
    assert deployment_findings(load_bundle(ROOT, "dev", {"environment_version": "6"})) == []
    found = deployment_findings(load_bundle(ROOT, "dev", {"environment_version": "4"}))
    assert len(found) == 2  # of the two jobs with notebooks
    assert all(line.endswith("environment_version is '4'. Choose 5 or 6, which bring MLflow 3.") for line in found)


COMPUTE = "environment_key: default\n          max"


@pytest.mark.parametrize(("old", "new", "message"), [
    (COMPUTE, "environment_key: large\n          max", r"task extract: environment_key 'large' is not among \['default'\]\. Define it\."),
    (COMPUTE, "job_cluster_key: small\n          max", r"task extract: job_cluster_key 'small' is not among \[\]\. Define it\."),
    (COMPUTE, "max", r"task extract: names no compute, so that it lacks the requirements\. Set environment_key or job_cluster_key\."),
    (COMPUTE, f"existing_cluster_id: c\n          {COMPUTE}", r"task extract: has environment_key and existing_cluster_id\. Keep one of them\."),
    (COMPUTE, f"libraries: [{{pypi: {{package: x}}}}]\n          {COMPUTE}", r"task extract: libraries need a cluster\. Put them into the environment's dependencies\."),
    ("retries}\n          disable_auto_optimization: true", "retries}", r"task extract: serverless compute tries a failed task again by itself, whatever max_retries says\. Set disable_auto_optimization: true\."),
    ('"5"', '"4"', r"environment default: environment_version is '4'\. Choose 5 or 6, which bring MLflow 3\."),
    ('environment_version: "5", ', "", r"environment default: environment_version is None\. Choose 5 or 6"),
    ("-r ../requirements.txt", "-r ../requirement.txt", r"environment default: there is no file .*requirement\.txt\. Correct the path\."),
    ("[-r ../requirements.txt]", "[pyspark==4.2.0]", r"environment default: dependencies asks for pyspark, which the compute brings\. Remove it there\."),
    ("[-r ../requirements.txt]", "['pyspark[connect]==4.2.0']", "asks for pyspark, which"),
    ("[-r ../requirements.txt]", "[Delta_Spark==4.4.0]", "asks for Delta_Spark, which"),
    ("[-r ../requirements.txt]", "[databricks-connect==19.3.0]", "asks for databricks-connect, which"),
    ("[-r ../requirements.txt]", "[databricks-sdk==0.156.0]", r"asks for databricks-sdk, which the compute brings\. Remove it there\."),
    ("[-r ../requirements.txt]", "[protobuf==7.36.2]", "asks for protobuf, which"),
    ("[-r ../requirements.txt]", "[numpy]", r"dependencies does not pin numpy: two runs could get two versions\. Write numpy==VERSION\."),
    ("[-r ../requirements.txt]", "[numpy>=2]", "does not pin numpy"),
    ("[-r ../requirements.txt]", "[numpy==2.*]", "does not pin numpy"),
    ("[-r ../requirements.txt]", "[--editable ..]", r"has '--editable \.\.', which is no package with a version\. Write one like numpy==2\.4\.6\."),
    ("name: toy\n", "name: toy\n      max_concurrent_runs: 1\n", r"sets max_concurrent_runs for development copies too\. Set it in the targets that need it\."),
    ("timezone_id: Europe/Berlin", "timezone_id: Europe/Berlin, pause_status: UNPAUSED", r"schedule sets pause_status, which development copies obey too\. Set it in the targets"),
])  # fmt: skip
def test_one_change_to_the_job_is_found(tmp_path, old, new, message):
    databricks = bundles.replaced(bundles.DATABRICKS, "dev: {default: true}", "dev: {default: true, mode: development}")
    root = bundles.write(tmp_path, job=bundles.replaced(bundles.JOB, old, new), databricks=databricks)
    (found,) = findings(root)
    assert re.search(message, found), found
    assert found.startswith("jobs/toy.yml: job toy: ")


def test_requirements_are_read_without_their_comments(tmp_path):
    root = bundles.write(tmp_path)
    (root / "requirements.txt").write_text("# what it needs\n\nnumpy==2.4.6 # for arrays\npandas\n")
    (found,) = findings(root)
    assert "environment default: requirements.txt does not pin pandas" in found


@pytest.mark.parametrize(
    "dependency", ["../dist/shop-1.0-py3-none-any.whl", "'shop @ https://example.org/shop.whl'", "'numpy[x]==2.4.6'"]
)
def test_a_wheel_and_an_address_are_versions_too(tmp_path, dependency):
    job = bundles.replaced(bundles.JOB, "-r ../requirements.txt", dependency)
    assert findings(bundles.write(tmp_path, job=job)) == []


ID = "11111111-2222-3333-4444-555555555555"
PROD = f"prod: {{mode: production, workspace: {{root_path: /Workspace/x}}, run_as: {{service_principal_name: {ID}}}, "


@pytest.mark.parametrize(("cut", "message"), [
    ("", None),
    ("workspace: {root_path: /Workspace/x}, ", r"databricks\.yml: target prod is production and has no root_path: each deployer would get a copy\. Add one\."),
    (f"run_as: {{service_principal_name: {ID}}}, ", r"databricks\.yml: target prod is production and has no run_as: its jobs would run as whoever deploys\. Add one\."),
])  # fmt: skip
def test_a_production_target_says_where_and_as_whom(tmp_path, cut, message):
    databricks = bundles.replaced(bundles.DATABRICKS, "prod: {", PROD.replace(cut, ""))
    found = findings(bundles.write(tmp_path, databricks=databricks), "prod")
    assert len(found) == (message is not None)
    assert all(re.fullmatch(message, text) for text in found)


@pytest.mark.parametrize(("principal", "found"), [
    (ID, None), ("${var.principal}", None),  # a variable that has no default: the CLI asks for it
    ("ana@example.com", "'ana@example.com'"), ("${workspace.current_user.userName}", "'me'"),
])  # fmt: skip
def test_production_runs_as_a_service_principal_and_never_as_whoever_deploys(tmp_path, principal, found):
    databricks = bundles.replaced(bundles.DATABRICKS, "prod: {", PROD.replace(ID, f'"{principal}"'))
    databricks = bundles.replaced(databricks, "variables:\n", "variables:\n  principal:\n    description: who runs\n")
    databricks = bundles.replaced(databricks, "name: toy\n", 'name: "toy ${var.principal}"\n')
    message = (
        f"databricks.yml: target prod runs as the service principal {found}, which is no application id. Write one, or a "
        "variable without a default: one that says who deploys names a person where a person does."
    )
    assert findings(bundles.write(tmp_path, databricks=databricks), "prod") == ([message] if found else [])


@pytest.mark.parametrize(("name", "message"), [
    ("/Users/${workspace.current_user.userName}/shop", None),
    ("shop", "is no path, and a deployment fails on that. Begin it with /Users/."),
    ("/Workspace/Users/me/shop", "loses /Workspace when it is made, and the job would ask for it with. Leave it out."),
    ("/Shared/shop", "lies where every user of the workspace may delete its runs. Put it under /Users/."),
])  # fmt: skip
def test_an_experiment_is_a_path_that_the_bundle_alone_manages(tmp_path, name, message):
    experiment = f"resources: {{experiments: {{searches: {{name: '{name}'}}}}}}\n"
    found = findings(bundles.write(tmp_path, databricks=bundles.DATABRICKS + experiment))
    assert found == ([f"databricks.yml: experiment searches: its name {name!r} {message}"] if message else [])


@pytest.mark.parametrize("target", target_names(ROOT))
def test_what_is_deployed_and_what_models_need_lies_where_its_owner_alone_may_delete_it(target):
    bundle = load_bundle(ROOT, target, {"service_principal": ID})
    places = [experiment["name"] for experiment in bundle.tree["resources"]["experiments"].values()]
    if target != "dev":  # the CLI puts a development copy below its owner's folder
        places.append(f"{bundle.tree['workspace']['root_path']}/files")
    assert [managers(place) for place in places] == [{ID}] * len(places)
    assert managers("/Shared/propensity") == {EVERYBODY}  # where it lay


def test_production_may_say_how_many_runs_there_are(tmp_path):
    limits = "resources: {jobs: {toy: {max_concurrent_runs: 1, schedule: {pause_status: UNPAUSED}}}}, "
    assert (
        findings(
            bundles.write(tmp_path, databricks=bundles.replaced(bundles.DATABRICKS, "prod: {", PROD + limits)), "prod"
        )
        == []
    )


def test_a_variable_that_nothing_uses_is_named(tmp_path):
    databricks = bundles.replaced(bundles.DATABRICKS, "variables:\n", "variables:\n  spare: {default: 1}\n")
    assert findings(bundles.write(tmp_path, databricks=databricks)) == [
        "databricks.yml: nothing uses the variable spare. Remove it."
    ]


@pytest.mark.parametrize(("sync", "ignored", "message"), [
    ("", "build/\n", None),
    ("paths: [notebooks, lib, requirements.txt]", "", None),
    ("paths: [notebooks, requirements.txt]", "", r"needs lib/shop\.py, which is not uploaded: it lies outside of sync\.paths\. Add it there\."),
    ("paths: [notebooks, lib]", "", r"needs requirements\.txt, which is not uploaded: it lies outside"),
    ("exclude: [notebooks/re*.py]", "", r"needs notebooks/retrain\.py, which is not uploaded: sync\.exclude names it\. Take it out there\."),
    ("", "lib/\n", r"needs lib/shop\.py, which is not uploaded: \.gitignore names it\. Take it out there, or add it to sync\.include\."),
    ("include: [lib/*.py]", "lib/\n", None),
])  # fmt: skip
def test_a_file_that_the_job_needs_and_the_sync_leaves_out_is_found(tmp_path, sync, ignored, message):
    source = "from lib import shop\nimport numpy as np\nfrom lib.shop import sell\n" + bundles.NOTEBOOKS["retrain"]
    root = bundles.write(tmp_path, databricks=f"sync: {{{sync}}}\n{bundles.DATABRICKS}", notebooks={"retrain": source})
    (root / "lib").mkdir()
    (root / "lib" / "shop.py").write_text("")
    (root / ".gitignore").write_text(ignored)
    found = findings(root)
    assert len(found) == (message is not None), found
    assert all(re.search(message, text) for text in found), found


def test_a_template_that_the_sync_leaves_out_is_found(tmp_path):
    source = "from lib import shop\n" + bundles.NOTEBOOKS["retrain"]
    databricks = f"sync: {{exclude: ['*.j2']}}\n{bundles.DATABRICKS}"
    root = bundles.write(tmp_path, databricks=databricks, notebooks={"retrain": source})
    (root / "lib").mkdir()
    (root / "lib" / "shop.html.j2").write_text("")
    (found,) = findings(root)
    assert "needs lib/shop.html.j2, which is not uploaded: sync.exclude names it." in found


def test_the_command_looks_at_every_target(tmp_path, capsys):
    databricks = bundles.replaced(bundles.DATABRICKS, "prod: {", "prod: {mode: production, ")
    bundles.write(tmp_path, databricks=databricks)
    assert main(["validate", "--bundle", str(tmp_path)]) == 1
    assert "target prod is production and has no run_as" in capsys.readouterr().out
