"""Make a home with the project as it was at a commit, and keep it for the tests of upgrades.

    python tests/builders/make_old_home.py            about three minutes; needs git, and this clone's environment

Checks the commit out beside the project, draws a small log of the invented app there, and runs that commit's own job
on it: first run, and two weeks later, when the first list has come true. MLflow's database holds whole paths, so the
home is made, and unpacked by the tests, at one fixed place. What is kept is tests/homes/<commit>.tar.xz.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[2]
COMMIT = "e755a24"
HOME = Path(f"/tmp/propensity-home-{COMMIT}")
ARCHIVE = PROJECT / "tests" / "homes" / f"{COMMIT}.tar.xz"
DAYS = ("2024-06-02", "2024-06-16")  # as_of of the two runs
QUESTION = {"action": "cook", "horizon_days": "14", "cohort_days": "90"}
SMALL = {"n_trials": "2", "max_cutoffs": "6", "max_event_types": "6", "held_out_share": "0.2"}
_DRAW = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
from datasets import synthetic
log = pa.concat_tables(synthetic.generate(seed=0, users=120, days=182))  # from 1 January to the end of June
pq.write_table(log, sys.argv[1], compression="zstd", compression_level=19, coerce_timestamps="us")
"""


def main() -> None:
    """Make the home anew, and write the archive."""
    shutil.rmtree(HOME, ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        checkout = Path(name)
        _check_out(checkout)
        (HOME / "sources").mkdir(parents=True)
        events = str(HOME / "sources" / "events.parquet")
        _python(checkout, "-c", _DRAW, events)
        for as_of in DAYS:
            given = QUESTION | SMALL | {"events": events, "as_of": as_of}
            pairs = [word for key, value in given.items() for word in ("--param", f"{key}={value}")]
            print(_python(checkout, "-m", "cli", "run", "--home", str(HOME), *pairs))
    ARCHIVE.parent.mkdir(exist_ok=True)
    with tarfile.open(ARCHIVE, "w:xz") as archive:
        archive.add(HOME, arcname=HOME.name, filter=_keep)
    shutil.rmtree(HOME)
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size // 1000} kB")


def unpack(folder: Path) -> Path:
    """Unpack the home below a folder, as the commit has left it; where it lies then."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder / HOME.name


def _check_out(folder: Path) -> None:
    made = subprocess.run(["git", "archive", COMMIT], cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "-x"], cwd=folder, input=made.stdout, check=True)


def _python(checkout: Path, *words: str) -> str:
    """Run this environment's Python on the checked-out project; what it printed."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, "-P", *words], cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def _keep(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """All but logs, locks and the notebooks' pages; nobody's name."""
    page = member.name.endswith(".html") and "/runs/" in member.name and not member.name.endswith("index.html")
    if page or member.name.endswith((".log", ".lock", ".crc")):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()
