"""What a further question of a run costs where nothing is trained: CPU seconds by the number of questions, in turn.

    .venv/bin/python -m benchmarks.questions [--counts 1,2,5] [--pairs 3] [--home HOME]

In a new home, or in one in which runs of this kind were made before, all questions are asked once, so that all have
models. Linux only, as `benchmarks.small_run`, which counts the CPU of every process of a run.
"""

import argparse
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.small_run import ROOT, adopt, run

QUESTIONS = {
    "deli": ("buy_deli", 14), "pastry": ("buy_pastry", 14), "seafood": ("buy_seafood", 28),
    "coupon": ("coupon_redemption", 28), "basket": ("basket", 7),
}  # fmt: skip


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="1,2,5", help="how many questions, with commas between")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    adopt()
    counts = sorted(map(int, options.counts.split(",")))
    spent: dict[int, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="questions-") as scratch:
        home = options.home or Path(scratch, "home")
        files = {count: _write(Path(scratch, f"{count}.yml"), count) for count in counts}
        if options.home is None:
            run(ROOT, home, "--param", f"question_file={files[counts[-1]]}")
        for _ in range(options.pairs):
            for count, file in files.items():
                one = run(ROOT, home, "--param", f"question_file={file}")
                spent[count].append(one.all_cpu)
                print(f"{count} questions: wall {one.wall:.1f} s, CPU {one.all_cpu:.1f} s", flush=True)
    least = statistics.median(spent[counts[0]])
    for count in counts[1:]:
        further = (statistics.median(spent[count]) - least) / (count - counts[0])
        print(f"{count} questions: {further:.1f} s of CPU for each further one after {counts[0]}")


def _write(file: Path, count: int) -> Path:
    asked = list(QUESTIONS.items())[:count]
    lines = [f"  {name}: {{action: {action}, horizon_days: {days}}}" for name, (action, days) in asked]
    file.write_text("\n".join(["n_trials: 1", "as_of: 2017-12-17", "questions:", *lines, ""]), encoding="utf-8")
    return file


if __name__ == "__main__":
    main()
