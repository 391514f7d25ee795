"""Real notebooks through real kernels: what they find, how they end, what they leave."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbclient
import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from localrun.notebook.execution import NotebookResult, run_notebook
from localrun.notebook.kernelspec import install_kernelspec
from localrun.notebook.source import to_ipynb
from localrun.notebook.warm import WarmKernels
from localrun.spark.access import TOKEN
from tests.fakes.environment import let_pytest_be

pytestmark = pytest.mark.job

HEADER = "# Databricks notebook source\n"
CELL = "\n# COMMAND ----------\n"
Run = Callable[..., NotebookResult]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, WarmKernels]]:
    """By what tasks find in their environment: without anything, and as the first test has it."""
    with contextlib.ExitStack() as stack:
        let_pytest_be(stack.enter_context(pytest.MonkeyPatch.context()))
        yield {
            str(environment): stack.enter_context(
                WarmKernels(environment, tmp_path_factory.mktemp("template") / "kernels.log")
            )
            for environment in ({}, {"OWN": "yes"})
        }


@pytest.fixture(params=["fresh", "forked"])
def run(
    request: pytest.FixtureRequest, tmp_path: Path, spark_url: str, templates: dict[str, WarmKernels]
) -> Iterator[Run]:
    """Run cells as the notebook `notebooks/task.py` of an empty project, in a kernel of either kind."""
    (tmp_path / "notebooks").mkdir()
    before = sum(one.forked for one in templates.values())

    def run_cells(
        *cells: str,
        parameters: Mapping[str, str] | None = None,
        upstream: Mapping[str, Mapping[str, Any]] | None = None,
        environment: Mapping[str, str] | None = None,
        timeout_seconds: int = 60,
        on_line: Callable[[str], None] = lambda _: None,
    ) -> NotebookResult:
        return run_notebook(
            write(tmp_path / "notebooks" / "task.py", *cells),
            parameters=parameters or {},
            task_key="task",
            upstream_values=upstream or {},
            spark_url=spark_url,
            environment=environment or {},
            timeout_seconds=timeout_seconds,
            html=tmp_path / "task.html",
            on_line=on_line,
            warm=warm(environment),
        )

    def warm(environment: Mapping[str, str] | None) -> WarmKernels | None:
        return templates[str(environment or {})] if request.param == "forked" else None

    yield run_cells
    assert (sum(one.forked for one in templates.values()) > before) == (request.param == "forked")


def write(path: Path, *cells: str) -> Path:
    path.write_text(HEADER + CELL.join(cells))
    return path


def test_a_notebook_finds_what_the_platform_would_bring(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text("from databricks.sdk.runtime import dbutils, spark\nWORD = 'found'\n")

    result = run(
        "# MAGIC %md # The title",
        "import os, sys\nstart = list(sys.path)\nsys.path.insert(0, os.path.abspath('..'))\nimport shared",
        "dbutils.widgets.text('days', '28')\ndbutils.widgets.text('action', '')",
        "from pyspark.sql import SparkSession, functions as F\n"
        "dbutils.jobs.taskValues.set('found', {\n"
        "  'parameters': [dbutils.widgets.get('days'), dbutils.widgets.get('action')],\n"
        "  'folder': os.path.basename(os.getcwd()),\n"
        "  'path': [entry for entry in start if 'python' not in entry],\n"
        "  'word': shared.WORD,\n"
        "  'same': [shared.dbutils is dbutils, shared.spark is spark, SparkSession.builder.getOrCreate() is spark],\n"
        "  'upstream': dbutils.jobs.taskValues.get('before', 'value'),\n"
        "  'zone': spark.conf.get('spark.sql.session.timeZone'),\n"
        "  'sum': spark.range(4).agg(F.sum('id')).first()[0],\n"
        "  'own': os.environ['OWN'],\n"
        "})",
        parameters={"action": "share"},
        upstream={"before": {"value": [1, None]}},
        environment={"OWN": "yes"},
    )

    assert (result.state, result.error, result.exit_value) == ("SUCCESS", None, None)
    assert result.task_values["found"] == {
        "parameters": ["28", "share"],
        "folder": "notebooks",
        "path": [""],  # the notebook's own folder
        "word": "found",
        "same": [True, True, True],
        "upstream": [1, None],
        "zone": "UTC",
        "sum": 6,
        "own": "yes",
    }


def test_tables_plots_and_prints_are_on_the_page_in_order(run: Run) -> None:
    result = run(
        "# MAGIC %md # The title",
        "import pandas as pd\nprint('one')\ndisplay(pd.DataFrame({'a': [1.23456789, None]}))",
        "print('two')\nprint('three')",
        "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\naxes.plot([1, 2])\ndisplay(figure)",
        "# MAGIC %sql SELECT 'from sql' AS said",
        "displayHTML('<i>raw</i>')",
    )

    page = result.html.read_text()
    marks = [
        "The title<",
        "one",
        "<th>a</th>",
        "1.23457",
        "null",
        "two\nthree",
        "image/png;base64",
        "from sql",
        "<i>raw</i>",
    ]
    found = [page.find(mark, page.find("</style>")) for mark in marks]
    assert min(found) > 0, dict(zip(marks, found, strict=True))
    assert found == sorted(found)
    assert page.count("image/png;base64") == 1
    assert "<script" not in page


def test_a_whole_document_is_shown_in_a_frame_of_its_own(run: Run) -> None:
    page = run("displayHTML('<!doctype html><style>p {}</style><p>far</p>')").html.read_text()
    assert 'srcdoc="&lt;!doctype html&gt;&lt;style&gt;p {}&lt;/style&gt;&lt;p&gt;far&lt;/p&gt;"' in page
    assert "<p>far</p>" not in page
    assert "Warning" not in page


def test_a_figure_made_without_pyplot_is_a_picture_too(run: Run) -> None:
    result = run(
        "from matplotlib.figure import Figure\nfigure = Figure()\nfigure.subplots().plot([1, 2])\ndisplay(figure)"
    )
    page = result.html.read_text()
    assert page.count("image/png;base64") == 1
    assert "Figure size" not in page


def test_lines_arrive_while_the_notebook_runs(run: Run, tmp_path: Path) -> None:
    """Its first cell goes on only once its line has arrived."""
    arrived: list[str] = []

    def on_line(line: str) -> None:
        arrived.append(line)
        (tmp_path / line).touch()

    result = run(
        "import os, sys, time\nprint('first', flush=True)\nprint('warned', file=sys.stderr)\n"
        "while not os.path.exists('../first'): time.sleep(0.05)",
        "print('10%\\r20%\\r30%')\nprint('no end', end='')",
        on_line=on_line,
    )

    assert result.state == "SUCCESS"
    assert arrived == ["first", "30%", "no end"]


def test_an_error_that_an_operator_can_fix_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text(
        "class PropensityError(Exception): pass\nclass BadDay(PropensityError): pass\n"
        "def check(): raise BadDay('day must be a date, got <June>. Give another.')\n"
    )

    result = run(
        "dbutils.jobs.taskValues.set('before', 1)\nprint('partial')",
        "import os, sys\nsys.path.insert(0, os.path.abspath('..'))\nimport shared\nshared.check()",
        "dbutils.jobs.taskValues.set('after', 1)",
    )

    assert (result.state, result.operator_error) == ("FAILED", True)
    assert result.error == "BadDay: day must be a date, got <June>. Give another."
    assert result.task_values == {"before": 1}
    page = result.html.read_text()
    assert page.count("BadDay: day must be a date, got &lt;June&gt;. Give another.") == 1
    assert "partial" in page
    assert "Traceback (most" not in page


def test_any_other_error_keeps_its_traceback_on_the_page_only(run: Run) -> None:
    result = run("def divide(x):\n    return x / 0", "divide(1)")

    assert (result.state, result.error, result.operator_error) == (
        "FAILED",
        "ZeroDivisionError: division by zero",
        False,
    )
    assert "Traceback (most" in result.html.read_text()


def test_a_spark_error_comes_without_its_java(run: Run) -> None:
    result = run("spark.table('nowhere').count()")

    assert result.error is not None
    assert result.error.startswith("AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere`")
    assert "stacktrace" not in result.error + result.html.read_text()


def test_an_exit_ends_in_success_with_a_value(run: Run) -> None:
    result = run("try:\n    dbutils.notebook.exit('done')\nexcept Exception:\n    pass", "1 / 0")

    assert (result.state, result.error, result.exit_value) == ("SUCCESS", None, "done")
    assert "Notebook exited: done" in result.html.read_text()


@pytest.mark.timeout(30, func_only=True)  # the query alone would take for ever
def test_a_time_limit_ends_the_notebook_its_children_and_its_query(run: Run, spark_url: str) -> None:
    result = run(
        "import subprocess\nchild = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "dbutils.jobs.taskValues.set('pid', child.pid)\nprint('partial')",
        "spark.sql('SELECT count(*) FROM range(1000000000000) WHERE hash(id) = 5').collect()",
        timeout_seconds=6,
    )

    assert (result.state, result.operator_error) == ("TIMEDOUT", False)
    assert result.error == "TimedOut: not done after 6 s. Raise timeout_seconds if it needs longer."
    page = result.html.read_text()
    assert "partial" in page
    assert "not done after 6 s" in page
    assert gone(result.task_values["pid"])
    assert idle(java_of(spark_url))


def test_a_notebook_that_dies_is_told_with_its_last_words(run: Run) -> None:
    result = run("import os, sys\nprint('so long', file=sys.__stderr__, flush=True)\nos.kill(os.getpid(), 9)")

    assert result.state == "FAILED"
    assert result.error is not None
    assert "NotebookDied: the notebook's process ended by itself" in result.error
    assert "so long" in result.error


def test_another_notebook_is_run_on_the_same_spark(run: Run, tmp_path: Path, spark_url: str) -> None:
    write(
        tmp_path / "notebooks" / "other.py",
        "print('other', spark.table('global_temp.handed').count())\ndbutils.jobs.taskValues.set('mine', 1)",
        "dbutils.notebook.exit(dbutils.widgets.get('x'))",
    )
    lines: list[str] = []

    result = run(
        "spark.range(3).createOrReplaceGlobalTempView('handed')",
        "dbutils.jobs.taskValues.set('got', dbutils.notebook.run('./other', 60, {'x': '7'}))",
        "# MAGIC %run ./other",
        parameters={"x": "8"},
        on_line=lines.append,
    )

    assert (result.state, result.exit_value) == ("SUCCESS", "8")  # %run runs the exit here
    assert result.task_values == {"got": "7", "mine": 1}  # of what ./other set apart, nothing
    assert lines == ["other 3", "other 3"]
    assert "other 3" in (tmp_path / "task-other.html").read_text()


def test_another_notebook_s_error_is_raised(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path / "notebooks" / "other.py", "class PropensityError(Exception): pass\nraise PropensityError('no day')"
    )

    result = run("dbutils.notebook.run('other.py', 60)")

    assert (result.state, result.operator_error) == ("FAILED", True)
    page = tmp_path / "task-other.html"
    assert result.error == f"NotebookFailed: other failed: PropensityError: no day See {page}."
    assert page.exists()


def test_two_notebooks_run_side_by_side(tmp_path: Path, spark_url: str) -> None:
    results: dict[str, NotebookResult] = {}

    def one(name: str) -> None:
        results[name] = run_notebook(
            write(
                tmp_path / f"{name}.py", f"dbutils.jobs.taskValues.set('n', spark.sql('SELECT {name[1]}').first()[0])"
            ),
            parameters={},
            task_key=name,
            upstream_values={},
            spark_url=spark_url,
            environment={},
            timeout_seconds=60,
            html=tmp_path / f"{name}.html",
            on_line=lambda _: None,
        )

    threads = [threading.Thread(target=one, args=[name]) for name in ("n1", "n2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {name: result.task_values for name, result in results.items()} == {"n1": {"n": 1}, "n2": {"n": 2}}


def test_a_notebook_opened_alone_has_a_spark_of_its_own(
    tmp_path: Path, job_home: Path, spark_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "shared.py").write_text("WORD = 'found'\n")
    notebook = to_ipynb(
        write(
            tmp_path / "notebooks" / "task.py",
            "import os, sys\nsys.path.insert(0, os.path.abspath('..'))\nimport shared\nprint(shared.WORD)",
            "dbutils.widgets.text('n', '3')\ndisplay(spark.range(int(dbutils.widgets.get('n'))))",
            "print(dbutils.jobs.taskValues.get('other', 'key', debugValue='debug'))",
        )
    )
    folder = install_kernelspec(tmp_path, tmp_path / "home", tmp_path, schemas=["propensity"])
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    monkeypatch.setenv(TOKEN, "the user's own")

    nbclient.execute(notebook, cwd=str(tmp_path), kernel_name=notebook.metadata.kernelspec.name)

    assert KernelSpecManager().find_kernel_specs()["propensity"] == str(folder)
    said = [output.get("text") or output.data["text/plain"] for cell in notebook.cells for output in cell.outputs]
    assert said[0] == "found\n"
    assert said[-1] == "debug\n"
    assert any(text.split() == ["id", "0", "1", "2"] for text in said)
    assert wait_for(
        lambda: not [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(p.info["cmdline"])]
    )


def gone(pid: int) -> bool:
    return wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def wait_for(reached: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not reached() and time.monotonic() < until:
        time.sleep(0.05)
    return reached()


def java_of(spark_url: str) -> psutil.Process:
    port = spark_url.rpartition(":")[2]
    for child in psutil.Process().children(recursive=True):
        if child.name() == "java" and f"spark.connect.grpc.binding.port={port}" in child.cmdline():
            return child
    raise AssertionError("no java")


def idle(java: psutil.Process) -> bool:
    return wait_for(lambda: java.cpu_percent(0.3) < 50)
