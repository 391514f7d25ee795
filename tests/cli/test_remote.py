"""`remote` against a workspace on this machine: what it asks, what it tells, and when it says that a run went wrong."""

import os
import socket
import time

import pytest
from databricks.sdk.service.jobs import Run

from cli.__main__ import main
from cli.commands import remote as cli_remote
from cli.workspace import client as cli_workspace
from tests.fakes.workspace import ME, workspace

JOB = {
    "job_id": 7, "creator_user_name": ME,
    "settings": {"name": "[dev ana] propensity", "tags": {"product": "propensity", "target": "dev", "dev": "ana"}},
}  # fmt: skip
PARAMETERS = {
    "schema": "main.dev_ana_propensity", "models": "main.dev_ana_propensity.propensity", "action": "purchase",
}  # fmt: skip
KEYS = ("extract_features", "train", "retrain_needed", "retrain", "predict", "publish")


def state(result):
    return {"life_cycle_state": "TERMINATED", "result_state": result}


def a_run(outcome="false", state_of_run="SUCCESS", **results):
    """A run of the job as the API tells it; `results` are those of tasks that did not simply succeed."""
    tasks = [
        {
            "task_key": key, "run_id": 100 + number, "state": state(results.get(key, "SUCCESS")),
            "start_time": 1732500000000, "execution_duration": 12000, "notebook_task": {"notebook_path": key},
            "run_page_url": f"https://w/run/{100 + number}",
        }
        for number, key in enumerate(KEYS)
    ]  # fmt: skip
    del tasks[2]["notebook_task"]
    tasks[2]["condition_task"] = {"left": outcome, "op": "EQUAL_TO", "right": "true", "outcome": outcome}
    tasks[3]["depends_on"] = [{"task_key": "retrain_needed", "outcome": "true"}]
    return {
        "run_id": 55, "state": state(state_of_run), "tasks": tasks, "start_time": 1732500000000,
        "run_page_url": "https://w/run/55",
    }  # fmt: skip


HELD = a_run(retrain="EXCLUDED")


@pytest.fixture
def place(monkeypatch):
    """A workspace in which the dev target is deployed; the environment says where it is and who asks."""
    for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(cli_remote, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(cli_workspace, "_POLL_SECONDS", 0.0)
    with workspace() as place:
        monkeypatch.setenv("DATABRICKS_HOST", place.url)
        monkeypatch.setenv("DATABRICKS_TOKEN", "token")
        monkeypatch.setenv("DATABRICKS_CONFIG_FILE", "/nowhere")
        settings = JOB["settings"] | {"parameters": [{"name": k, "default": v} for k, v in PARAMETERS.items()]}
        place.answers |= {
            "GET /api/2.2/jobs/list": {"jobs": [JOB]},
            "GET /api/2.2/jobs/get": JOB | {"settings": settings},
            "GET /api/2.2/jobs/runs/list": {"runs": [HELD]},
            "GET /api/2.2/jobs/runs/get": HELD,
        }
        yield place


@pytest.fixture
def remote(place, capsys):
    """Calls the command; gives its exit code and what it said."""

    def call(*words):
        code = main(["remote", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def test_status_tells_runs_tasks_and_the_verdict(place, remote):
    code, said = remote("status", "--last", "1")
    assert code == 0
    assert said.splitlines() == [
        "[dev ana] propensity: its last runs",
        "",
        "run 55  2024-11-25 02:00 UTC  SUCCESS  https://w/run/55",
        "  extract_features   SUCCESS 12 s",
        "  train              SUCCESS 12 s",
        "  retrain_needed     SUCCESS false",
        "  verdict            the models in use hold",
        "  retrain            EXCLUDED 12 s",
        "  predict            SUCCESS 12 s",
        "  publish            SUCCESS 12 s",
    ]
    assert ("GET /api/2.2/jobs/runs/list", {"expand_tasks": "true", "job_id": "7"}) in place.asked


def test_status_of_a_job_that_has_not_run(place, remote):
    place.answers["GET /api/2.2/jobs/runs/list"] = {}
    assert remote("status") == (0, "[dev ana] propensity: it has not run yet\n")


def test_a_run_is_started_once_and_followed_to_its_end(place, remote):
    running = HELD | {"state": {"life_cycle_state": "RUNNING"}}
    running["tasks"] = [HELD["tasks"][0] | {"state": {"life_cycle_state": "RUNNING"}}]
    answers = iter([running, running, HELD])
    place.answers |= {
        "POST /api/2.2/jobs/run-now": {"run_id": 55},
        "GET /api/2.2/jobs/runs/get": lambda _: next(answers),
    }
    code, said = remote("run", "--param", "action=share,favorite")  # where the CLI's own --params splits
    assert code == 0
    assert said.startswith("run 55 of [dev ana] propensity\n  extract_features: RUNNING\n  extract_features: SUCCESS\n")
    ((_, asked),) = [item for item in place.asked if item[0] == "POST /api/2.2/jobs/run-now"]
    assert (asked["job_id"], asked["job_parameters"]) == (7, {"action": "share,favorite"})
    assert len(asked["idempotency_token"]) == 32


@pytest.mark.parametrize(("given", "message"), [
    (["n_trials=abc"], "n_trials must be a whole number >= 1, got 'abc'."),
    (["cost_of_contact=0.40"], "value_of_action and cost_of_contact are given together or not at all, got '' and "
     "'0.40'. Give both in one currency, or leave both blank."),
    (["cost_of_contact=0.40", "export=list.xls"], "export must end in .csv or .parquet or .jsonl, got 'list.xls'. "
     "Leave it blank for none."),
])  # fmt: skip
def test_no_run_is_started_with_a_parameter_that_no_stage_could_read(place, remote, given, message):
    add_parameters(place, n_trials="", export="", cost_of_contact="", value_of_action="")
    assert remote("run", *(word for pair in given for word in ("--param", pair))) == (1, f"error: {message}\n")
    assert [item for item in place.asked if item[0].startswith("POST")] == []


def test_what_a_run_fills_in_is_left_to_it(place, remote):
    add_parameters(place, run_id="{{job.run_id}}", as_of="", value_of_action="5", cost_of_contact="")
    place.answers["POST /api/2.2/jobs/run-now"] = {"run_id": 55}
    code, _ = remote("run", "--param", "as_of={{job.start_time.iso_date}}", "--param", "cost_of_contact=2")
    assert code == 0


def add_parameters(place, **defaults):
    """More parameters of the deployed job."""
    settings = place.answers["GET /api/2.2/jobs/get"]["settings"]
    settings["parameters"] += [{"name": name, "default": text} for name, text in defaults.items()]


@pytest.mark.parametrize(("run", "well"), [
    (a_run(retrain="EXCLUDED"), True),
    (a_run(outcome="true"), True),
    (a_run(predict="EXCLUDED", publish="EXCLUDED"), False),  # the silent trap: the run says SUCCESS
    (a_run(retrain="FAILED", state_of_run="FAILED"), False),
    (a_run(publish="CANCELED", state_of_run="CANCELED"), False),
    (a_run(train="TIMEDOUT"), False),
    (a_run(state_of_run="SUCCESS_WITH_FAILURES"), False),
    ({"run_id": 55, "state": {"life_cycle_state": "SKIPPED"}}, False),
    ({"run_id": 55, "state": state("SUCCESS")}, False),  # without tasks nothing was done
])  # fmt: skip
def test_a_run_went_well_only_if_every_task_did(place, remote, run, well):
    assert cli_remote.is_success(Run.from_dict(run)) is well
    place.answers |= {"POST /api/2.2/jobs/run-now": {"run_id": 55}, "GET /api/2.2/jobs/runs/get": run}
    assert remote("run")[0] == (0 if well else 1)


def test_of_a_task_that_was_tried_again_the_last_attempt_counts():
    run = a_run(retrain="EXCLUDED")
    run["tasks"].append(run["tasks"][1] | {"attempt_number": 1})
    run["tasks"][1] = run["tasks"][1] | {"state": state("FAILED"), "attempt_number": 0}
    assert cli_remote.is_success(Run.from_dict(run))
    run["tasks"][-1] = run["tasks"][-1] | {"state": state("FAILED")}
    assert not cli_remote.is_success(Run.from_dict(run))


def test_a_wrong_parameter_starts_nothing(place, remote):
    code, said = remote("run", "--param", "acton=share")
    assert (code, said) == (1, "error: There is no parameter acton. The job has schema, models, action.\n")
    assert not [route for route, _ in place.asked if "run-now" in route]


def test_logs_show_errors_traces_and_exit_values(place, remote):
    failed = a_run(train="FAILED", state_of_run="FAILED")
    failed["tasks"][1]["state"]["state_message"] = "Workload failed"
    outputs = {
        "101": {"error": "SourceError: stale", "error_trace": "Traceback\n  line"},
        "104": {"notebook_output": {"result": "done"}},
    }
    place.answers |= {
        "GET /api/2.2/jobs/runs/get": failed,
        "GET /api/2.2/jobs/runs/get-output": lambda given: outputs.get(given["run_id"], {}),
    }
    code, said = remote("logs")
    assert code == 0
    assert "    Workload failed\n" in said
    assert "\ntrain: https://w/run/101\n  SourceError: stale\n  Traceback\n    line\n" in said
    assert "\npredict: https://w/run/104\n  done\n" in said
    assert not [given for route, given in place.asked if given.get("run_id") == "102"]  # a condition leaves nothing


def test_logs_of_a_job_that_has_not_run(place, remote):
    place.answers["GET /api/2.2/jobs/runs/list"] = {}
    code, said = remote("logs")
    message = "error: [dev ana] propensity has not run yet. Start it with: ./propensity remote run\n"
    assert (code, said) == (1, message)


def test_models_tell_the_version_in_use(place, remote):
    prefix = PARAMETERS["models"]
    names = [f"{prefix}_{slug}" for slug in ("a_7d_prediction", "a_7d_preprocessing", "b_7d_prediction")]
    place.answers |= {
        "GET /api/2.1/unity-catalog/models": {"registered_models": [{"full_name": name} for name in names]},
        f"GET /api/2.1/unity-catalog/models/{names[0]}/aliases/champion": {
            "version": 3, "created_at": 1732500000000, "comment": "a within 7 days. Trained through 2024-11-01.",
        },
    }  # fmt: skip
    assert remote("models") == (0, (
        f"{prefix}: the versions in use\n"
        f"{names[0]}: version 3 of 2024-11-25 02:00 UTC\n  a within 7 days. Trained through 2024-11-01.\n"
        f"{names[2]}: none is in use\n"
    ))  # fmt: skip
    asked = dict(place.asked)["GET /api/2.1/unity-catalog/models"]
    assert (asked["catalog_name"], asked["schema_name"]) == ("main", "dev_ana_propensity")


STATEMENT = "POST /api/2.0/sql/statements"


def test_the_audience_is_read_through_a_warehouse_that_may_have_to_start(place, remote):
    rows = [["a_7d", "2024-11-24", "1", "u9", "0.81", "250"], ["a_7d", "2024-11-24", "2", "u4", "0.5", "250"]]
    place.answers |= {
        "GET /api/2.0/sql/warehouses": {"warehouses": [{"id": "w1"}]},
        STATEMENT: {"statement_id": "s", "status": {"state": "PENDING"}},
        "GET /api/2.0/sql/statements/s": {
            "statement_id": "s", "status": {"state": "SUCCEEDED"}, "result": {"data_array": rows},
        },
    }  # fmt: skip
    assert remote("audience", "--head", "2") == (0, (
        "a_7d: 250 users as of 2024-11-24\n"
        "     1  u9                       0.8100\n     2  u4                       0.5000\n"
    ))  # fmt: skip
    asked = dict(place.asked)[STATEMENT]
    assert asked["warehouse_id"] == "w1"
    assert "FROM `main`.`dev_ana_propensity`.audience) WHERE rank <= 2" in asked["statement"]


def test_without_a_warehouse_it_says_what_is_needed(place, remote):
    place.answers["GET /api/2.0/sql/warehouses"] = {}
    code, said = remote("audience")
    assert code == 1
    message = "error: Tables are read through a SQL warehouse, and there is none that you may use. Make one in the"
    assert said.startswith(message)


def test_what_a_warehouse_refuses_is_told(place, remote):
    place.answers[STATEMENT] = {"statement_id": "s", "status": {"state": "FAILED", "error": {"message": "no table"}}}
    code, said = remote("audience", "--warehouse", "w2")
    assert code == 1
    assert said.startswith("error: The warehouse w2 says: no table. The statement was: SELECT")


DEPLOY = " (tags product=propensity, target=dev). Deploy it with: databricks bundle deploy --target dev; or destroy"


@pytest.mark.parametrize(("jobs", "many"), [
    ([], "no job"),
    ([JOB, JOB], "2 jobs"),
    ([JOB | {"creator_user_name": "bo@example.org"}], "no job"),  # another developer's copy
    ([JOB | {"settings": {"name": "other", "tags": {"product": "other", "target": "dev"}}}], "no job"),
])  # fmt: skip
def test_the_job_is_known_by_its_tags_and_in_dev_by_its_owner(place, remote, jobs, many):
    place.answers["GET /api/2.2/jobs/list"] = {"jobs": jobs}
    code, said = remote("status")
    assert code == 1
    assert said.startswith(f"error: {place.url} shows {ME} {many} of the target dev{DEPLOY}")


def test_in_prod_it_may_be_another_s(place, remote):
    settings = {"name": "propensity", "tags": {"product": "propensity", "target": "prod"}}
    place.answers["GET /api/2.2/jobs/list"] = {"jobs": [{"job_id": 9, "creator_user_name": "sp", "settings": settings}]}
    assert remote("status", "--target", "prod")[0] == 0
    assert ("GET /api/2.2/jobs/get", {"job_id": "9"}) in place.asked


def test_a_refusal_is_one_line(place, remote):
    place.answers["GET /api/2.2/jobs/list"] = {
        "status_code": 403, "error_code": "PERMISSION_DENIED", "message": "ana may not list jobs.",
    }  # fmt: skip
    code, said = remote("status")
    message = "refuses: ana may not list jobs. Renew the log-in, or ask for the missing permission.\n"
    assert (code, said) == (1, f"error: {place.url} {message}")


def test_without_a_log_in_it_says_so_at_once(place, remote, monkeypatch):
    """At once: nobody is asked and nothing is waited for."""
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN"):
        monkeypatch.delenv(name)
    slow = []
    monkeypatch.setattr(socket.socket, "connect", lambda *to: slow.append(to))
    monkeypatch.setattr(time, "sleep", slow.append)
    code, said = remote("status")
    assert code == 1
    assert said == (
        "error: No workspace can be asked: default auth: cannot configure default credentials. "
        "Log in with: databricks auth login --host https://<your workspace>; or set DATABRICKS_HOST and what your way "
        "of authentication needs; --profile chooses among several.\n"
    )
    assert slow == []


@pytest.mark.timeout(20)  # left to itself, the SDK asks for five minutes
def test_a_silent_host_is_given_up_in_seconds(place, remote, monkeypatch):
    monkeypatch.setattr(cli_remote, "connect", lambda profile: cli_workspace.connect(profile, 1))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("DATABRICKS_HOST", host)
    code, said = remote("status")
    assert code == 1
    assert said.startswith(f"error: {host} does not answer: Timed out after 0:00:01. Correct the host, or mend")
