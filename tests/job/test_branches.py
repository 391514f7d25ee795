"""Both branches of a job for real: kernels over one Spark, from the toy's YAML to its run page."""

import _thread
import json
import threading
from datetime import UTC, datetime

import psutil
import pytest

from localrun.bundle.bundle import load_bundle
from localrun.notebook.execution import run_notebook
from localrun.platform.rules import select_tasks
from localrun.run import page
from localrun.run.job import job_parameters, run_job
from localrun.run.machine import Machine
from localrun.run.record import JobRun, new_tasks
from tests.builders import bundles

pytestmark = pytest.mark.job

JOB = bundles.replaced(bundles.JOB, "{name: schema,", '{name: drift, default: ""}\n        - {name: schema,')
NOTEBOOKS = {
    "extract": """\
dbutils.widgets.text("schema", "")
table = dbutils.widgets.get("schema") + ".toy_days"
spark.sql("SELECT DATE'2024-06-01' AS day").write.format("delta").mode("overwrite").saveAsTable(table)
# COMMAND ----------
dbutils.jobs.taskValues.set(key="day", value=str(spark.table(table).first().day))
""",
    "train": """\
dbutils.widgets.text("day", "")
dbutils.widgets.text("drift", "")
print("judged on", dbutils.widgets.get("day"))
dbutils.jobs.taskValues.set(key="needed", value=dbutils.widgets.get("drift") != "")
""",
    "retrain": """\
dbutils.widgets.text("run_id", "")
dbutils.widgets.text("drift", "")
import time
class PropensityError(Exception): ...
# COMMAND ----------
if dbutils.widgets.get("drift") == "bad":
    raise PropensityError("the challenger is bad. Give it more history.")
print("retraining", flush=True)
time.sleep(0 if dbutils.widgets.get("drift") == "mild" else 600)
""",
    "predict": 'print(dbutils.jobs.taskValues.get(taskKey="extract", key="day"))\n',
}


@pytest.fixture
def run(tmp_path, spark_url):
    """Runs the toy with one value of `drift`; gives its record and all that its tasks printed."""
    job = load_bundle(bundles.write(tmp_path, job=JOB, notebooks=NOTEBOOKS), None, {"schema": "propensity"}).job("toy")
    lines: list[tuple[str, str]] = []

    def play(drift, line=lambda *said: None):
        start = datetime.now(UTC)
        selection = select_tasks(job.settings.tasks, None)
        record = JobRun(
            run_id="r1", job="toy", target="dev", started=start.isoformat(), changed=["drift"],
            parameters=job_parameters(job, {"drift": drift}, "r1", start), tasks=new_tasks(job, selection),
        )  # fmt: skip

        def said(task, text):
            lines.append((task, text))
            line(task, text)

        def stop():
            for child in psutil.Process().children(recursive=True):
                if any("localrun.notebook.kernel" in word for word in child.cmdline()):
                    child.kill()

        machine = Machine(
            run_notebook=run_notebook, folder=tmp_path, spark_url=spark_url, environment={}, stop=stop,
            changed=lambda now: page.write_page(tmp_path, now), line=said,
        )  # fmt: skip
        run_job(job, record, machine)
        return record, lines

    return play


def states(record):
    return {key: str(task.state) for key, task in record.tasks.items()}


def test_without_need_retrain_is_skipped_and_predict_runs(run, tmp_path):
    record, lines = run("")
    assert record.state == "SUCCESS"
    assert states(record)["retrain"] == "EXCLUDED"
    assert lines == [("train", "judged on 2024-06-01"), ("predict", "2024-06-01")]
    stored = json.loads((tmp_path / "run.json").read_text())
    assert (stored["state"], stored["tasks"]["train"]["values"]) == ("SUCCESS", {"needed": False})
    assert 'href="predict.html"' in (tmp_path / "index.html").read_text()
    assert (tmp_path / "predict.html").exists()


def test_a_need_spawns_retrain_before_predict(run):
    record, lines = run("mild")
    assert set(states(record).values()) == {"SUCCESS"}
    assert lines[1:] == [("retrain", "retraining"), ("predict", "2024-06-01")]


def test_a_failing_retrain_keeps_predict_from_running(run):
    record, _ = run("bad")
    assert (states(record)["retrain"], states(record)["predict"]) == ("FAILED", "UPSTREAM_FAILED")
    assert record.state == "FAILED"
    assert record.tasks["retrain"].error == "PropensityError: the challenger is bad. Give it more history."


@pytest.mark.timeout(60, func_only=True)  # the cell alone would take ten minutes
def test_ctrl_c_ends_a_notebook_in_the_middle_of_a_cell(run):
    def interrupt(task, text):
        if task == "retrain":
            threading.Timer(0.1, _thread.interrupt_main).start()

    record, _ = run("hang", interrupt)
    assert (record.state, states(record)["retrain"]) == ("CANCELED", "CANCELED")
    assert not [
        child for child in psutil.Process().children(True) if "localrun.notebook.kernel" in " ".join(child.cmdline())
    ]
