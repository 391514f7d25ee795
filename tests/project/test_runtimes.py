"""What `requirements.txt` would move on each runtime, told from what the installed packages ask for; pip is not asked.

`python -m benchmarks.runtimes` does it for real; here is what CI has time for.
"""

import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.runtimes import CORE, NUMBERS, SPARK, read_lists

ROOT = Path(__file__).parents[2]
LISTS = read_lists()
LINUX = {"python_version": "3.12", "python_full_version": "3.12.3", "sys_platform": "linux", "extra": ""}


def read_requirements(path):
    lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def moved(wanted, runtime):
    """What pip would move of what a runtime brings: {package: who asks, and for what}."""
    found, installed, waiting = {}, set(), [("requirements.txt", each) for each in wanted]
    while waiting:
        who, each = waiting.pop()
        name = canonicalize_name(each.name)
        if each.marker and not each.marker.evaluate(LINUX):
            continue
        if name in runtime and each.specifier.contains(runtime[name], prereleases=True):
            continue  # it stays, and so does what it asks for
        if name in runtime:
            found.setdefault(name, f"{who} asks for {each}")
        if name not in installed:
            installed.add(name)
            with suppress(PackageNotFoundError):  # nobody needs it on this machine
                waiting += [(name, Requirement(text)) for text in requires(name) or []]
    return found


@pytest.mark.parametrize("runtime", LISTS)
def test_what_the_job_installs_moves_nothing_under_spark(runtime):
    found = moved(read_requirements(ROOT / "requirements.txt"), LISTS[runtime])
    assert {name: why for name, why in found.items() if name in CORE} == {}
    assert {"numpy", "scikit-learn", "mlflow-skinny"} <= found.keys()  # ours, of versions that models are pinned to


@pytest.mark.parametrize("runtime", ["5", "17.3", "18"])
def test_the_sdk_of_one_machine_would_move_protobuf_where_it_is_excluded_by_name(runtime):
    found = moved([Requirement("databricks-sdk==0.156.0")], LISTS[runtime])
    assert found["protobuf"].startswith("databricks-sdk asks for protobuf")


@pytest.mark.parametrize("runtime", LISTS)
def test_a_list_has_all_that_results_come_from(runtime):
    assert {*NUMBERS, SPARK, "protobuf", "grpcio", "mlflow-skinny", "databricks-sdk"} <= LISTS[runtime].keys()


@pytest.mark.parametrize("runtime", LISTS)
def test_what_results_come_from_and_is_not_ours_is_what_the_runtime_has(runtime):
    """The core tests ran on these versions, so no deployment may run on others."""
    ours = {canonicalize_name(each.name) for each in read_requirements(ROOT / "requirements.txt")}
    assert {*NUMBERS} & moved(read_requirements(ROOT / "requirements.txt"), LISTS[runtime]).keys() <= ours


def rows_below(head):
    """The rows of the table in docs/deploy.md whose head begins so, by their first cell."""
    lines = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8").partition(f"\n{head}")[2].splitlines()
    table = lines[2 : lines.index("", 2)]
    return {row[0]: row[1:] for row in ([cell.strip() for cell in line.strip("|").split("|")] for line in table)}


def test_the_table_of_runtimes_says_what_the_lists_say():
    called = {"environment 5": "5", "environment 6": "6", "17.3 LTS": "17.3", "18 LTS": "18", "19": "19"}
    table = rows_below("| runtime | moves under Spark |")
    assert {called[name] for name in table} == LISTS.keys()
    kept = ("scipy", "joblib", "threadpoolctl", "pyarrow")
    for name, (under_spark, besides, numbers, *_) in table.items():
        runtime = LISTS[called[name]]
        found = moved(read_requirements(ROOT / "requirements.txt"), runtime)
        assert (under_spark, sorted(besides.lower().split(", "))) == ("nothing", sorted(found))
        assert numbers == ", ".join(f"{package} {runtime[package]}" for package in kept)


def test_the_table_of_compute_says_which_mlflow_each_brings():
    (brought,) = [
        cells for name, cells in rows_below("| | `serverless` (default)").items() if name.startswith("MLflow that")
    ]
    assert [re.match(r"[\d.]+", cell)[0] for cell in brought[:2]] == [
        LISTS[one]["mlflow-skinny"] for one in ("5", "17.3")
    ]
