"""What `./propensity check` leaves out: as little as may be, and nothing that could be in it."""

import sys
from pathlib import Path

import pytest

from cli.commands.check import _PYTEST
from tests.marks import collected, find_fault, is_costly, is_marked

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(("command", "costly"), [
    (["/usr/lib/jvm/bin/java", "-Xmx2g"], True),
    (["/bin/sh", "-c", "exec \"$@\"", "spark", Path("/opt/java")], True),
    ([sys.executable, "-m", "cli", "--help"], True),
    ([Path("/a project/propensity"), "run"], False),  # the launcher is a shell script
    (b"/usr/bin/python3.12", True),
    (["/usr/bin/java", "-version"], False),
    (["git", "status"], False),
    (["/bin/sh", "-c", "echo python"], False),
    ("true", False),
    (["cat", "java.txt", 3], False),
])  # fmt: skip
def test_what_costs_is_known_by_its_command(command, costly):
    assert is_costly(command) is costly


@pytest.mark.parametrize(("marked", "started", "fault"), [
    (False, [], None),
    (True, ["java"], None),
    (False, ["java", "python"], "It starts java. Mark it spark or job, or do without."),
    (True, [], "It is marked spark or job and starts nothing. Take the mark off: ./propensity check runs it then."),
])  # fmt: skip
def test_a_test_and_its_mark_belong_together(marked, started, fault):
    assert find_fault(marked, started) == fault


NESTED = """\
import subprocess, sys
import pytest

@pytest.fixture(scope="module")
def process():
    subprocess.run([sys.executable, "-c", ""], check=True)

@pytest.fixture(params=[0, pytest.param(1, marks=pytest.mark.spark)])
def one_of_two(request):
    if request.param:
        subprocess.run([sys.executable, "-c", ""], check=True)

def test_nothing(): ...
def test_one_of_two(one_of_two): ...
def test_the_other_is_free_all_the_same(one_of_two): ...
def test_starts(): subprocess.run([sys.executable, "-c", ""], check=True)
def test_shares_first(process): ...
def test_shares_next(process): ...
@pytest.mark.spark
def test_marked_for_nothing(): ...
@pytest.mark.job
def test_marked(process): ...
"""


@pytest.mark.job
def test_pytest_itself_fails_a_test_whose_mark_is_wrong(pytester):
    pytester.makepyfile(NESTED)
    pytester.makeini("[pytest]\nmarkers =\n    spark: one\n    job: two\n")
    result = pytester.runpytest_inprocess("-p", "tests.marks", "-p", "no:randomly", "-rf")
    result.assert_outcomes(passed=6, failed=4)
    result.stdout.fnmatch_lines_random(
        [f"FAILED *::test_{name}*" for name in ("starts", "shares_first", "shares_next", "marked_for_nothing")]
    )


@pytest.mark.job
def test_what_a_module_makes_once_is_made_by_one_process(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS.parent))
    (pytester.path / "pytest.ini").write_text("[pytest]\nmarkers =\n    spark: one\n    job: two\n")
    pytester.makepyfile("""
        import os
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_each(number):
            with open("processes", "a") as file:
                print(os.getpid(), file=file)
    """)
    given = ["-n", "2", *_PYTEST[_PYTEST.index("--dist") :]]
    result = pytester.runpytest_subprocess("-p", "tests.marks", "-p", "no:randomly", *given)
    result.assert_outcomes(passed=8)
    processes = (pytester.path / "processes").read_text().split()
    assert (len(processes), len(set(processes))) == (8, 1)


def test_at_least_four_fifths_of_all_cases_are_unmarked(request):
    items = collected(request.config)
    if {item.path for item in items} != set(TESTS.rglob("test_*.py")):
        pytest.skip("only a part was collected")
    unmarked = [item for item in items if not is_marked(item)]
    assert len(unmarked) >= 0.8 * len(items)
