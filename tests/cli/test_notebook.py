"""`./propensity notebook`: a copy with the last run's values, how to open it, and never over one that is there."""

import ast
import json

import pytest

from cli.__main__ import main
from cli.commands import notebook as command
from lib.config.catalogue import all_parameters
from localrun.platform.state import State
from localrun.run.record import JobRun, TaskRun


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "install_kernelspec", lambda *_, **__: None)  # none into the tests' environment
    return tmp_path


def write_run(home, run_id, state=State.SUCCESS, **changes):
    """The record of a run on two days of the log, as the run leaves it."""
    given = {
        "action": "buy", "horizon_days": "14", "seed": "0", "schema": "spark_catalog.propensity",
        "optuna_storage": "postgresql://me:***@host/db", "run_id": run_id, "compute": "none", "without": "true",
        "challenger": "models:/x/1", "bundle_root": "/somewhere", "as_of": "", "cohort_days": "",
    }  # fmt: skip
    task = TaskRun(
        key="extract_features", notebook="x", depends_on=[], state=state, values={"as_of": "2024-06-03"}
    )  # fmt: skip
    run = JobRun(
        run_id=run_id, job="propensity", target="dev", started="2024-06-03T06:00:00+00:00",
        parameters=given | changes, changed=[], tasks={"extract_features": task},
    )  # fmt: skip
    (home / "runs" / run_id).mkdir(parents=True)
    (home / "runs" / run_id / "run.json").write_text(run.to_json())


def widgets(file):
    """The widgets of a copy, each with its default."""
    values = {}
    for cell in json.loads(file.read_text())["cells"]:
        if cell["cell_type"] == "code":
            for line in "".join(cell["source"]).splitlines():
                if line.startswith("dbutils.widgets.") and not line.startswith("dbutils.widgets.get"):
                    name, default, *_ = ast.literal_eval("(" + line.split("(", 1)[1])
                    values[name] = default
    return values


def test_the_copy_begins_with_what_the_last_run_was_asked(home, capsys):
    write_run(home, "20240603-1")
    write_run(home, "20240604-1", horizon_days="7")
    write_run(home, "20240605-1", state=State.FAILED, horizon_days="3")  # it prepared nothing
    assert main(["notebook", "train", "--home", str(home)]) == 0
    filled = {name: value for name, value in widgets(home / "notebooks" / "train.ipynb").items() if value}
    assert filled == {
        "action": "buy", "horizon_days": "7", "as_of": "2024-06-03", "without": "true",
        "start_retrain": "false",  # by hand alone
        **{name: all_parameters()[name].widget for name in ("schema", "models", "experiment")},
    }  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(home / "notebooks" / "train.ipynb")
    assert lines[1] == "Its widgets hold what run 20240604-1 was asked: action, as_of, horizon_days, without."
    file = home / "notebooks" / "train.ipynb"
    assert lines[2].endswith(f"bin/jupyter lab --KernelManager.transport=ipc {file}")


def test_where_sockets_have_no_room_jupyter_opens_ports_and_that_is_said(home, capsys, monkeypatch):
    for letters, fits in ((57, True), (58, False)):
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/" + "r" * (letters - 1))
        assert main(["notebook", "train", "--home", str(home)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert ("--KernelManager.transport=ipc" in lines[2]) == fits
        assert lines[3].startswith("VS Code" if fits else (
            "Its kernel listens on ports, where whoever has an account on this machine can read what its cells print: "
            "set JUPYTER_RUNTIME_DIR to a shorter path."
        ))  # fmt: skip


def test_before_the_first_run_it_holds_the_defaults_and_says_so(home, capsys):
    assert main(["notebook", "workbench.py", "--home", str(home)]) == 0
    assert widgets(home / "notebooks" / "workbench.ipynb")["action"] == ""
    assert capsys.readouterr().out.splitlines()[1] == (
        "Its widgets hold the defaults, since no run has prepared anything yet. Start with: ./propensity run"
    )


def test_a_copy_that_is_there_stays(home):
    for _ in range(2):
        main(["notebook", "train", "--home", str(home)])
    assert sorted(path.name for path in (home / "notebooks").iterdir()) == ["train-2.ipynb", "train.ipynb"]


def test_a_notebook_that_is_none_is_told_with_those_that_there_are(home, capsys):
    assert main(["notebook", "trian", "--home", str(home)]) == 1
    assert capsys.readouterr().err == (
        "error: There is no notebook 'trian'. There is extract_features, forget, predict, publish, retrain, train, "
        "workbench.\n"
    )
