"""Files drawn at random, read by Spark: how many as meant, how many refused, and none otherwise in silence.

    .venv/bin/python -m benchmarks.draws csv|parquet [--files 2000] [--first 0]

Prints a table by what is wrong with a file, and the seed of each that was read otherwise than meant.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localrun.spark.server import SparkServer
from localrun.spark.session import session
from tests.builders import csv_draws, parquet_draws

FORMATS: Mapping[str, Any] = {"csv": csv_draws, "parquet": parquet_draws}
OUTCOMES = ("as meant", "refused", "told", "OTHERWISE")


def main() -> None:
    """Draw, read, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    drawn = FORMATS[arguments.format]
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder, SparkServer(Path(folder), [], Path(folder) / "spark.log") as server:
        server.wait_ready()
        with session(server.url) as spark:
            for seed in range(arguments.first, arguments.first + arguments.files):
                one = drawn.draw(seed)
                came = drawn.outcome(spark, one, Path(folder))
                counts[one.fault, came] += 1
                if came == "OTHERWISE":
                    print(f"seed {seed}: {one.fault}, {one.form}", flush=True)
    print("| what is wrong | " + " | ".join(OUTCOMES) + " |")
    print("|---" * (len(OUTCOMES) + 1) + "|")
    for fault in sorted({fault for fault, _ in counts}):
        print(f"| {fault} | " + " | ".join(str(counts[fault, came]) for came in OUTCOMES) + " |")


if __name__ == "__main__":
    main()
