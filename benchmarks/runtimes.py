"""What `requirements.txt` does to each runtime of Databricks that the job is said to run on.

    python -m benchmarks.runtimes [--only 5 18 ...] [--python python3.12] [--keep FOLDER] [--tests] [--job]

For each column of `runtimes.tsv` an environment is made with the packages that the runtime brings, then ours are
installed over them as a deployment does, with pip. A line of the table says what moved, what `pip check` finds before
and after, with --tests how the core tests end there, and with --job how the whole job does, on the open-source Spark
and Delta that stand for the runtime's own. Exit code 1 where something under Spark moved, where pip finds more than
before, where a test or the job fails, or where a propensity is not that of the first runtime of the table.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.whole_job import Ran, run_in

ROOT = Path(__file__).parents[1]
LISTS = Path(__file__).with_suffix(".tsv")
SPARK, DELTA = "spark", "delta"
# Serverless compute speaks to Spark over Connect, clusters by a classic session. Of environment 5 only the vendor's own
# client can: open-source Connect 4.1 wants protobuf 6, and 5.29.4 is there.
CONNECTED = ("6",)
SDK = "databricks-sdk==0.67.0"  # by which the job's runner reads YAML, and older ones cannot: notebooks import none
MOST = 1e-9  # by how much propensities may differ
CORE = ("protobuf", "grpcio", "grpcio-status", "googleapis-common-protos", "pyarrow", "py4j", "pyspark")
NUMBERS = ("numpy", "scipy", "pandas", "scikit-learn", "joblib", "threadpoolctl", "pyarrow")  # what results come from
# What the core tests need beside it, at whatever version the environment has or takes without anything moving; but for
# pytest itself, which runs nothing of ours: a runtime's own one cannot compare what a newer numpy gives.
PYTEST = ("pytest", "pluggy", "iniconfig", "pygments")
TOOLS = (
    "pytest>=9", "pytest-randomly", "pytest-timeout", "pytest-xdist", "duckdb", "deltalake", "nbclient", "nbconvert",
    "ipykernel", "psutil", "croniter", "pathspec", "packaging", "PyYAML", "databricks-sdk",
)  # fmt: skip
TESTS = ("tests/lib", "tests/contract")


@dataclass(frozen=True)
class Line:
    """One runtime, as it was found."""

    runtime: str
    moved: Sequence[str]  # names of packages that had another version before
    core: Sequence[str]  # those of them that lie under Spark, "name before -> after"
    complaints: tuple[int, int]  # of pip check, before and after
    new: Sequence[str]  # those that were not there before
    numbers: str
    tests: str  # blank: none ran
    job: Ran | None  # none: it was not asked for

    @property
    def is_sound(self) -> bool:
        went_wrong = "failed" in self.tests or "error" in self.tests or (self.job is not None and self.job.failure)
        return not self.core and not self.new and not went_wrong


def read_lists(path: Path = LISTS) -> dict[str, dict[str, str]]:
    """The packages of each runtime with their versions: {runtime: {package: version}}."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    _, *runtimes = lines[0]
    return {
        runtime: {row[0]: row[place] for row in lines[1:] if row[place]} for place, runtime in enumerate(runtimes, 1)
    }


def examine(
    runtime: str, packages: dict[str, str], folder: Path, python: str, *, tests: bool = False, job: bool = False
) -> Line:
    """Make the environment, install ours over it, and see what became of it."""
    _call(python, "-m", "venv", str(folder))
    inside = str(folder / "bin" / "python")
    brought = [f"{name}=={version}" for name, version in packages.items() if name not in (SPARK, DELTA)]
    # Without dependencies: the list is the runtime's, and what it leaves out is not ours to add.
    _pip(inside, "install", "--no-deps", *brought, f"pyspark=={packages[SPARK]}")
    before, complaints = _versions(inside), _complaints(inside)
    _pip(inside, "install", "-r", str(ROOT / "requirements.txt"))
    after, then = _versions(inside), _complaints(inside)
    moved = sorted(name for name, version in before.items() if after.get(name) != version)
    if tests or job:
        _install_tools(inside, folder, after)
    return Line(
        runtime=runtime,
        moved=moved,
        core=[f"{name} {before[name]} -> {after.get(name)}" for name in moved if name in CORE],
        complaints=(len(complaints), len(then)),
        new=sorted(then - complaints),
        numbers=", ".join(f"{name} {after[name]}" for name in NUMBERS),
        tests=_run_tests(inside, folder) if tests else "",
        job=_run_job(runtime, packages, inside, folder) if job else None,
    )


def _install_tools(inside: str, folder: Path, versions: dict[str, str]) -> None:
    """What tests and the job's runner need, which may move nothing of what runs."""
    held = folder / "held.txt"
    kept = {name: version for name, version in versions.items() if name not in PYTEST}
    held.write_text("".join(f"{name}=={version}\n" for name, version in kept.items()), encoding="utf-8")
    _pip(inside, "install", "-c", str(held), *TOOLS)


def _run_job(runtime: str, packages: dict[str, str], inside: str, folder: Path) -> Ran:
    _pip(inside, "install", "--no-deps", f"delta-spark=={packages[DELTA]}", SDK)
    return run_in(inside, "connect" if runtime in CONNECTED else "classic", folder / "job")


def _run_tests(inside: str, folder: Path) -> str:
    """The closing line of the core tests."""
    command = [
        inside,
        "-m",
        "pytest",
        *TESTS,
        "-m",
        "not spark and not job",
        "-p",
        "no:cacheprovider",
        "-o",
        "timeout=600",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    (folder / "tests.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    closing = re.findall(r"^=* ?(\d+ (?:passed|failed|error).*?) ?=*$", done.stdout, re.MULTILINE)
    return closing[-1] if closing else f"failed: exit code {done.returncode}, see {folder / 'tests.log'}"


def _format_job(job: Ran | None, apart: float) -> str:
    if job is None or job.scores is None:
        return job.failure if job else ""
    runs = "; then ".join(job.states)
    return f"{job.failure or runs}; {len(job.scores)} propensities, at most {apart:.1e} from the first runtime's"


def _versions(inside: str) -> dict[str, str]:
    lines = _pip(inside, "list", "--format=freeze").splitlines()
    versions = dict(line.split("==") for line in lines if "==" in line)
    return {name.lower().replace("_", "-"): version for name, version in versions.items() if name != "pip"}


def _complaints(inside: str) -> set[str]:
    done = subprocess.run([inside, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    return {_without_found(line) for line in done.stdout.splitlines() if " require" in line}


def _without_found(line: str) -> str:
    """A complaint without the version that was found: one that stays is none that came."""
    return line.partition(", but you have")[0]


def _pip(inside: str, *what: str) -> str:
    return _call(inside, "-m", "pip", "--disable-pip-version-check", *what)


def _call(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:6])} ... ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    lists = read_lists()
    parser.add_argument("--only", nargs="+", choices=lists, default=list(lists), metavar="RUNTIME")
    parser.add_argument("--python", default="python3.12", help="the runtimes' Python, default: %(default)s")
    parser.add_argument("--keep", type=Path, help="folder for the environments; by default they are thrown away")
    parser.add_argument("--tests", action="store_true", help="run the core tests in each")
    parser.add_argument("--job", action="store_true", help="run the whole job in each, twice")
    asked = parser.parse_args()
    sound, first = True, None
    with tempfile.TemporaryDirectory() as thrown_away:
        for runtime in asked.only:
            folder = (asked.keep or Path(thrown_away)) / runtime
            line = examine(runtime, lists[runtime], folder.absolute(), asked.python, tests=asked.tests, job=asked.job)
            first = first or line.job
            apart = line.job.apart(first) if line.job and first else 0.0
            sound &= line.is_sound and apart <= MOST
            core = "; ".join(line.core) or "nothing of Spark's"
            print(f"| {runtime} | {core} | {len(line.moved)} | {line.complaints[0]} -> {line.complaints[1]} | ", end="")
            print(f"{line.numbers} | {line.tests} | {_format_job(line.job, apart)} |", flush=True)
            print(*(f"  moved: {name}" for name in line.moved), *(f"  new: {one}" for one in line.new), sep="\n")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
