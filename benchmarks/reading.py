"""Two builds in turn over one log: CPU and wall seconds of reading it, from the source to `daily_activity`.

    git archive e755a24 | tar -x -C BEFORE
    .venv/bin/python -m benchmarks.reading BEFORE [--rows 25000000] [--pairs 5] [--format parquet] [--files 8]

Both run in this environment, over Spark servers of their own, as each build starts them; neither a start nor what is
compiled at first counts. What both read has to be the same. Asked for: at most 1.10 times the CPU of e755a24 over
Parquet, 1.3 times over a folder of plain CSV.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.drawn_log import END, draw_log

ROOT = Path(__file__).parents[1]
SMALL = 200_000  # rows of what is read first


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("--rows", type=int, default=25_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--files", type=int, default=8)
    options = parser.parse_args()
    builds = {"before": options.before.resolve(), "now": ROOT}
    spent: dict[str, list[dict[str, float]]] = {name: [] for name in builds}
    with tempfile.TemporaryDirectory(prefix="propensity-reading-") as scratch:
        sources = [
            draw_log(Path(scratch, f"{name}.{options.format}"), rows, rows // 100, options.files)
            for name, rows in (("small", SMALL), ("log", options.rows))
        ]
        size = sum(file.stat().st_size for file in sources[1].rglob("*") if file.is_file())
        print(f"{options.rows:,} events, {size / 1e6:,.0f} MB of {options.format} in {options.files} files", flush=True)
        for pair in range(options.pairs):
            for name, build in builds.items():
                one = run(build, Path(scratch, f"{name}-{pair}"), sources)
                spent[name].append(one)
                print(f"{name:6} wall {one['wall']:6.1f}  CPU {one['cpu']:6.1f}  ({one['read']})", flush=True)
    assert len({one["read"] for side in spent.values() for one in side}) == 1, "they read differently"
    for of in ("cpu", "wall"):
        before, now = (statistics.median(one[of] for one in spent[name]) for name in builds)
        print(f"{of:4}: {now:.1f} of {before:.1f} s, {now / before:.2f} times, medians of {options.pairs}")


def run(build: Path, home: Path, sources: list[Path]) -> dict[str, float]:
    """Read the sources in a process of one build."""
    home.mkdir()
    command = [sys.executable, "-P", str(ROOT / "benchmarks" / "read_once.py"), str(home), str(END), *map(str, sources)]
    environment = os.environ | {"PYTHONPATH": str(build)}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{build} failed; the end of what it said:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
