"""A look at a large file: seconds, CPU seconds and memory of `./propensity look`, and how far its estimates are off.

    .venv/bin/python -m benchmarks.look [--rows 100000000] [--users 1000000] [--format parquet]

The file is drawn first, outside of what is measured. The look is a process of its own, as a person starts it; the peak
is its resident memory, Python included.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.drawn_log import draw_log

ROOT = Path(__file__).parents[1]
USERS = re.compile(r"in ([\d,]+) rows, of ~?([\d,]+)(?: ± ([\d,]+))? users")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="propensity-look-") as folder:
        file = draw_log(Path(folder, f"events.{options.format}"), options.rows, options.users)
        print(f"{options.rows:,} rows, {file.stat().st_size / 1e6:,.0f} MB of {options.format}", flush=True)
        began = time.perf_counter()
        command = [sys.executable, "-P", "-m", "cli", "look", str(file)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        wall = time.perf_counter() - began
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"{wall:.1f} s, {spent.ru_utime + spent.ru_stime:.1f} CPU s, {spent.ru_maxrss / 2**10:,.0f} MiB at most, "
            f"{os.cpu_count()} cores"
        )
        compare(done.stdout, file)
        print(done.stdout)


def compare(said: str, file: Path) -> None:
    """Hold the rows and users that were said against what counting all of it gives."""
    seen = USERS.search(said)
    assert seen, said
    rows, users, error = (int(number.replace(",", "")) if number else 0 for number in seen.groups())
    engine = duckdb.connect()
    engine.execute("SET memory_limit = '2GB'")
    counted = engine.execute(f"SELECT COUNT(*), COUNT(DISTINCT HASH(user_id)) FROM '{file}'").fetchall()
    [(true_rows, true_users)] = counted
    assert rows == true_rows, (rows, true_rows)
    print(f"users: {true_users:,} counted, {users:,} said, {users - true_users:+,} with ± {error:,}")


if __name__ == "__main__":
    main()
