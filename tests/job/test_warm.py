"""Forked kernels: what they share with a kernel of the usual kind, what they do not share, and how they end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from localrun.notebook.execution import NotebookResult, run_notebook
from localrun.notebook.warm import WarmKernels
from tests.fakes.environment import let_pytest_be

pytestmark = pytest.mark.job

ENVIRONMENT = {"TZ": "UTC", "OWN": "yes"}
NO_SPARK = "sc://localhost:1"
# All that a fork could get wrong; set iteration aside, whose order Python draws once for all forks.
LOOK = """
import os, sys, threading
import numpy as np, sklearn, mlflow, skops.io, matplotlib.pyplot
found = {
    'environment': {k: v for k, v in os.environ.items() if k not in ('JPY_PARENT_PID', 'PROPENSITY_TASK')},
    'folder': os.getcwd(),
    'path': sys.path,
    'arguments': [a for a in sys.argv if not a.endswith('kernel.json') and 'parent_handle' not in a],
    'threads': sorted(thread.name for thread in threading.enumerate()),
    'files': len(os.listdir('/dev/fd')),
    'leads its session': os.getsid(0) == os.getpid(),
    'zone': __import__('time').tzname,
    'backend': matplotlib.get_backend(),
    'ours': sorted(name for name in sys.modules if name.partition('.')[0] in ('lib', 'cli', 'datasets')),
}
dbutils.jobs.taskValues.set('found', found)
"""
CHANCE = """
import os, random, uuid
import numpy as np
dbutils.jobs.taskValues.set('drawn', [random.random(), float(np.random.random()), str(uuid.uuid4()), os.getpid()])
"""
FIT = """
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_info, threadpool_limits
X = np.random.default_rng(0).normal(size=(20000, 20))
y = (X[:, 0] + X[:, 1] > 0).astype(int)
with threadpool_limits(2):
    score = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(X, y).score(X, y)
    total = float((X.T @ X).sum())
    kinds = sorted({pool['user_api'] for pool in threadpool_info() if pool['num_threads'] == 2})
dbutils.jobs.taskValues.set('fit', [score, total, kinds])
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmKernels]:
    with pytest.MonkeyPatch.context() as patch:
        let_pytest_be(patch)
        patch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")  # set by a shared server when it is ready, in a thread
        with WarmKernels(ENVIRONMENT, tmp_path_factory.mktemp("template") / "kernels.log") as kernels:
            yield kernels


@pytest.fixture
def warm(template: WarmKernels) -> Iterator[WarmKernels]:
    """The template, from which the test forks."""
    before = template.forked
    yield template
    assert template.forked > before


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., NotebookResult]:
    def run_cell(cell: str, kernels: WarmKernels | None, **asked: Any) -> NotebookResult:
        (tmp_path / "task.py").write_text(f"# Databricks notebook source\n{cell}")
        options = {"environment": ENVIRONMENT, "timeout_seconds": 120} | asked
        return run_notebook(
            tmp_path / "task.py", parameters={}, task_key="task", upstream_values={}, spark_url=NO_SPARK,
            html=tmp_path / "task.html", on_line=lambda _: None, warm=kernels, **options,
        )  # fmt: skip

    return run_cell


def test_a_fork_finds_what_a_fresh_kernel_finds(run: Callable[..., NotebookResult], warm: WarmKernels) -> None:
    fresh, forked = run(LOOK, None), run(LOOK, warm)

    before, after = (found.task_values["found"].pop("environment").items() for found in (fresh, forked))
    assert before ^ after == set()
    assert forked.task_values["found"] == fresh.task_values["found"]
    assert ("OWN", "yes") in after
    assert forked.task_values["found"]["ours"] == []


def test_chance_is_each_fork_s_own(run: Callable[..., NotebookResult], warm: WarmKernels) -> None:
    one, other = run(CHANCE, warm), run(CHANCE, warm)

    drawn = list(zip(one.task_values["drawn"], other.task_values["drawn"], strict=True))
    assert [first == second for first, second in drawn] == [False] * 4


def test_a_fit_with_two_threads_is_the_same_in_a_fork(run: Callable[..., NotebookResult], warm: WarmKernels) -> None:
    fresh, forked = run(FIT, None), run(FIT, warm)

    assert forked.task_values["fit"] == fresh.task_values["fit"]
    assert forked.task_values["fit"][2] == ["blas", "openmp"]


def test_what_one_fork_does_no_other_sees(run: Callable[..., NotebookResult], warm: WarmKernels) -> None:
    run("import os, numpy as np\nos.environ['LEFT'] = 'behind'\nnp.left = 1\nos.chdir('/')", warm)

    after = run(
        "import os, numpy as np\n"
        "dbutils.jobs.taskValues.set('left', ['LEFT' in os.environ, hasattr(np, 'left'), os.getcwd() == '/'])",
        warm,
    )

    assert after.task_values["left"] == [False, False, False]


def test_another_environment_is_given_a_kernel_of_its_own(
    run: Callable[..., NotebookResult], template: WarmKernels
) -> None:
    """Imports may have read what differs."""
    before = template.forked

    result = run(
        "import os, sys\ndbutils.jobs.taskValues.set('it', [os.environ['OWN'], 'sklearn' in sys.modules])",
        template,
        environment={"TZ": "UTC", "OWN": "no"},
    )

    assert template.forked == before
    assert result.task_values["it"] == ["no", False]


def test_forks_end_with_whoever_started_the_template(tmp_path: Path) -> None:
    """Killed, it can tell nobody: neither the template nor a busy kernel may stay."""
    (tmp_path / "task.py").write_text(
        "# Databricks notebook source\nimport os, time\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}\\n')\ntime.sleep(600)"
    )
    code = (
        "from pathlib import Path\nfrom localrun.notebook.execution import run_notebook\n"
        "from localrun.notebook.warm import WarmKernels\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "with WarmKernels({}, folder / 'kernels.log') as warm:\n"
        "    run_notebook(folder / 'task.py', parameters={}, task_key='task', upstream_values={},\n"
        f"                 spark_url={NO_SPARK!r}, environment={{}}, timeout_seconds=0, html=folder / 'task.html',\n"
        "                 on_line=print, warm=warm)\n"
    )
    root = str(Path(__file__).parents[2])
    starter = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": root})
    pids = tmp_path / "pids"
    assert wait_for(lambda: pids.exists() and pids.read_text().endswith("\n"), 90)
    kernel, template = map(int, pids.read_text().split())
    assert psutil.Process(template).ppid() == starter.pid

    starter.send_signal(signal.SIGKILL)
    starter.wait()

    assert wait_for(lambda: gone(kernel) and gone(template), 10)


@pytest.mark.parametrize(("before", "why"), [
    ("threading.Thread(target=time.sleep, args=[60], name='counter', daemon=True).start()",
     "there are other threads: counter"),
    ("kept.append(socket.socket())", "there are files open: "),
])  # fmt: skip
def test_a_template_that_is_not_fit_to_fork_says_why(before: str, why: str) -> None:
    code = (
        "import socket, threading, time\nfrom localrun.notebook.template import Template\n"
        "ours, theirs = socket.socketpair()\nkept = []\ntemplate = Template(theirs)\ntemplate.check_fit(set())\n"
        f"{before}\ntry:\n    template.check_fit(set())\nexcept AssertionError as error:\n    print(error)\n"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": root}, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith(why)


def test_a_template_that_ends_costs_forks_and_no_run(
    run: Callable[..., NotebookResult],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_pytest_be(monkeypatch)
    with WarmKernels(ENVIRONMENT, tmp_path / "kernels.log") as kernels:
        kernels._process.kill()
        results = [run("dbutils.notebook.exit('done')", kernels) for _ in range(2)]

    assert [result.exit_value for result in results] == ["done", "done"]
    assert capfd.readouterr().err.count("Kernels are started one by one from here on") == 1


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait_for(reached: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not reached() and time.monotonic() < until:
        time.sleep(0.05)
    return reached()
