"""The catalogue and what is written from it: notebooks, YAML and docs say of a parameter what its field says."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.errors import CliError
from cli.rendering import METRICS, label, rendered_files, stale_files
from lib.config.catalogue import STAGES, WORKBENCH, all_parameters, group_parameters, stage_parameters
from lib.config.parameters import Group
from lib.config.question import Question
from lib.config.thresholds import Thresholds
from lib.evaluation.verdict import metric_limits
from localrun.bundle.bundle import load_bundle
from localrun.notebook.scan import scan

ROOT = Path(__file__).parents[2]
FILES = ("notebooks", "jobs", "README.md", "docs/operations.md", "databricks.yml")


@pytest.fixture
def project(tmp_path):
    """A copy of all that is written from the catalogue."""
    return lay_out(tmp_path, *FILES)


def lay_out(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    return root


def change(root, file, old, new):
    text = (root / file).read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    (root / file).write_text(text.replace(old, new))


def test_notebooks_yaml_and_docs_say_what_the_catalogue_says():
    assert list(stale_files(ROOT)) == []


# The same default in each place that shows it, changed there.
@pytest.mark.parametrize(("file", "old", "new"), [
    ("notebooks/train.py", '"Max ECE: 0.05"', '"Max ECE: 0.06"'),
    ("notebooks/retrain.py", '"Max ECE: 0.05"', '"Max ECE: 0.06"'),
    ("notebooks/train.py", '"max_ece", ""', '"max_ece", "0.06"'),
    ("notebooks/retrain.py", '["", "driver", "spark"]', '["", "driver", "spark", "gpu"]'),
    ("notebooks/extract_features.py", '"Cohort days: 90"', '"Cohort days: 60"'),
    ("notebooks/predict.py", '"Reasons: 3"', '"Reasons: 4"'),
    ("notebooks/publish.py", '"Held out share: 0.1"', '"Held out share: 0.2"'),
    ("jobs/propensity.yml", 'max_ece, default: ""', 'max_ece, default: "0.06"'),
    ("jobs/propensity.yml", "max_ece, default: \"\"} # blank: 0.05", "max_ece, default: \"\"} # blank: 0.06"),
    ("README.md", "| `max_ece` | 0.05 |", "| `max_ece` | 0.06 |"),
    ("README.md", "| `horizon_days` | 28 |", "| `horizon_days` | 30 |"),
    ("docs/operations.md", "| at most 0.05 | `max_ece` |", "| at most 0.06 | `max_ece` |"),
    ("docs/operations.md", "a factor of 1.28 |", "a factor of 1.30 |"),
])  # fmt: skip
def test_a_default_that_is_changed_elsewhere_is_found(project, capsys, file, old, new):
    change(project, file, old, new)
    assert main(["parameters", "--check", "--bundle", str(project)]) == 1
    assert (
        capsys.readouterr().out
        == f"{file} differs from lib/config. Run ./propensity parameters, or change lib/config.\n"
    )
    assert (project / file).read_text() != (ROOT / file).read_text()
    assert main(["parameters", "--bundle", str(project)]) == 0
    assert capsys.readouterr().out == f"wrote {file}\n"
    assert (project / file).read_text() == (ROOT / file).read_text()
    assert main(["parameters", "--check", "--bundle", str(project)]) == 0


def test_a_default_of_the_bundle_s_variables_is_shown_as_theirs(project):
    change(project, "databricks.yml", 'parameter\n    default: ""', 'parameter\n    default: "30"')
    change(project, "databricks.yml", "default: propensity.yml", "default: shop.yml")
    (text,) = stale_files(project).values()
    assert "| `horizon_days` | `30` |" in text
    assert "| `question_file` | `shop.yml` |" in text


@pytest.mark.job  # a process of its own: the catalogue is read when it is imported
def test_a_default_that_is_changed_in_its_one_place_is_written_everywhere(tmp_path):
    root = lay_out(tmp_path, *FILES, "lib", "cli", "localrun", "datasets", "pyproject.toml")
    change(
        root,
        "lib/config/thresholds.py",
        '"0.05", decimal(0, 1), "how far scores',
        '"0.06", decimal(0, 1), "how far scores',
    )
    command = [sys.executable, "-P", "-m", "cli", "parameters"]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(root)}, cwd=root, capture_output=True, text=True, check=True
    )
    changed = ["notebooks/train.py", "notebooks/retrain.py", "jobs/propensity.yml", "README.md", "docs/operations.md"]
    assert done.stdout.splitlines() == [f"wrote {name}" for name in changed]
    for name, old, new in zip(
        changed,
        ['Max ECE: 0.05"', 'Max ECE: 0.05"', '{name: max_ece, default: ""} # blank: 0.05\n', "| `max_ece` | 0.05 |",
         "at most 0.05 | `max_ece` |"],
        ['Max ECE: 0.06"', 'Max ECE: 0.06"', '{name: max_ece, default: ""} # blank: 0.06\n', "| `max_ece` | 0.06 |",
         "at most 0.06 | `max_ece` |"],
        strict=True,
    ):  # fmt: skip
        assert (root / name).read_text() == (ROOT / name).read_text().replace(old, new)
        assert old in (ROOT / name).read_text()


@pytest.mark.parametrize("mark", ["parameters begin: metrics", "parameters end"])
def test_a_file_without_its_marks_is_named(project, mark):
    change(project, "docs/operations.md", mark, "gone")
    with pytest.raises(CliError, match=r"docs/operations\.md has no lines with 'parameters begin: metrics' and"):
        rendered_files(project)


@pytest.mark.parametrize("stage", STAGES)
def test_a_notebook_has_the_widgets_that_its_stage_reads(stage):
    own = {"bundle_root"} | ({"start_retrain"} if stage == "train" else set())
    names = [each.name for each in stage_parameters(stage)]
    assert scan(ROOT / "notebooks" / f"{stage}.py").widgets == {*names, *own}
    source = (ROOT / "notebooks" / f"{stage}.py").read_text()
    places = [source.index(f'("{name}", ') for name in names]
    assert places == sorted(places)  # what matters comes first


def test_the_workbench_has_the_widgets_of_every_question_and_of_what_is_learnt_from():
    asked = {each.name for each in Question.parameters()}
    assert asked <= set(WORKBENCH)
    own = {"bundle_root", "question", "most_users", "user"}
    assert scan(ROOT / "notebooks" / "workbench.py").widgets == {*WORKBENCH, *own}


def test_what_the_job_gives_the_catalogue_knows():
    given = {item.name for item in load_bundle(ROOT).job("propensity").settings.parameters}
    known = {name for name in all_parameters() if name != "resolved_as_of"}  # which the first task hands on
    assert given == {"bundle_root", *known}


def test_in_production_the_job_is_live_and_runs_once_at_a_time():
    for target in ("prod", "staging"):
        jobs = load_bundle(ROOT, target).jobs.values()
        live = {job.key: job.settings.schedule.pause_status.value for job in jobs if job.settings.schedule}
        assert live == {"propensity": "UNPAUSED"}
        assert {(job.settings.max_concurrent_runs, job.settings.queue.enabled) for job in jobs} == {(1, True)}
        # the presets' tag is laid over no other: by it `remote` finds the job that answers questions
        tags = {job.key: (job.settings.tags or {}).get("product") for job in jobs}
        assert tags == {"propensity": None, "forget": "propensity forget"}
    (schedule,) = [job.settings.schedule for job in load_bundle(ROOT, "dev").jobs.values() if job.settings.schedule]
    assert schedule.pause_status is None


def test_the_job_gives_nothing_but_places_and_the_bundle_s_own_variables():
    defaults = {item.name: item.default for item in load_bundle(ROOT).job("propensity").settings.parameters}
    assert {name for name, text in defaults.items() if text} == {
        "bundle_root", "run_id", "repair_count", "schema", "models", "experiment", "reports", "compute", "run_date",
        "question_file",
    }  # fmt: skip


@pytest.mark.parametrize(("target", "variable", "value"), [
    ("dev", "event_columns", "user_id=customer,event_time=ts"), ("prod", "cohort_days", "60"),
    ("staging", "max_source_gap_days", "3"), ("prod", "export", "/Volumes/main/propensity/exports/list.csv"),
    ("prod", "events", "main.shop.events"), ("prod", "action", "share,favorite"), ("prod", "horizon_days", "7"),
])  # fmt: skip
def test_what_differs_from_one_company_to_the_next_needs_no_edit_of_the_job(target, variable, value):
    jobs = load_bundle(ROOT, target, {variable: value}).jobs
    assert {item.name: item.default for item in jobs["propensity"].settings.parameters}[variable] == value


def test_all_that_says_what_a_source_is_and_what_is_asked_of_it_has_a_variable():
    without = {each.name for each in group_parameters(Group.QUESTION) if each.job != f"${{var.{each.name}}}"}
    assert without == {"as_of"}  # of one run


@pytest.mark.parametrize("name", METRICS)
def test_each_metric_of_operations_is_judged_by_the_threshold_beside_it(name):
    plain = Thresholds.from_widgets(lambda _: "")
    moved = replace(plain, **{name: getattr(plain, name) + 0.01})
    before, after = metric_limits(plain), metric_limits(moved)
    differ = {one.metric for one, other in zip(before, after, strict=True) if one != other}
    assert differ - {f"live_{METRICS[name][0]}"} == {METRICS[name][0]}


def test_every_threshold_that_judges_a_metric_is_in_operations():
    assert {*METRICS, "promote_probability"} == {each.name for each in Thresholds.parameters()}


def test_a_label_says_what_blank_comes_to():
    assert [label(all_parameters()[name]) for name in ("max_ece", "as_of", "export", "action", "run_id")] == [
        "Max ECE: 0.05", "As of: day of the last event", "Export: none", "Action", "Run id",
    ]  # fmt: skip
