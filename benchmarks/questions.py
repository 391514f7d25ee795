"""What further questions of a run cost: CPU seconds and memory by the number of questions, in turn.

    .venv/bin/python -m benchmarks.questions [--counts 1,5,20] [--pairs 3] [--home HOME]
    .venv/bin/python -m benchmarks.questions --train [--counts 5] [--pairs 3]

Where nothing is trained: in a new home, or in one in which runs of this kind were made before, all questions are asked
once, so that all have models. With `--train` each count is asked by one run of a new home, and then by as many runs of
one question, each in a new home. Linux only, as `benchmarks.small_run`, which counts the CPU of every process of a run.
Memory is that of the largest driver of a run: its notebooks, and what starts them.
"""

import argparse
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from itertools import count, islice
from pathlib import Path

from benchmarks.small_run import ROOT, Spent, adopt, run

FIVE = {
    "deli": ("buy_deli", 14), "seafood": ("buy_seafood", 28), "coupon": ("coupon_redemption", 28),
    "basket": ("basket", 7), "pastry": ("buy_pastry", 14),
}  # fmt: skip
MORE = {  # the same actions within other days
    f"{name}_{days}": (action, days) for days in (7, 14, 21, 28) for name, (action, own) in FIVE.items() if days != own
}
QUESTIONS: Mapping[str, tuple[str, int]] = FIVE | MORE  # twenty
AS_OF = "2017-12-17"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", help="how many questions, with commas between, at most 20; 1,5,20, or 5")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--train", action="store_true", help="compare one run that trains with runs of one question")
    options = parser.parse_args()
    adopt()
    counts = sorted(map(int, (options.counts or ("5" if options.train else "1,5,20")).split(",")))
    if counts[-1] > len(QUESTIONS):
        parser.error(f"--counts has {counts[-1]}, and there are {len(QUESTIONS)} questions.")
    with tempfile.TemporaryDirectory(prefix="questions-") as scratch:
        if options.train:
            compare_training(Path(scratch), counts, options.pairs)
        else:
            compare_counts(Path(scratch), counts, options.pairs, options.home)


def compare_counts(scratch: Path, counts: list[int], pairs: int, home: Path | None) -> None:
    """Runs over so many questions each, with nothing to train."""
    files = {number: _write(scratch, list(QUESTIONS)[:number], "n_trials: 1") for number in counts}
    spent = defaultdict[int, list[Spent]](list)
    if home is None:
        home = scratch / "home"
        _ask(home, files[counts[-1]])
    for _ in range(pairs):
        for number, file in files.items():
            spent[number].append(_ask(home, file))
            print(_format(f"{number} questions", spent[number][-1]), flush=True)
    least = _median(spent[counts[0]])
    for number in counts[1:]:
        further = (_median(spent[number]) - least) / (number - counts[0])
        print(f"{number} questions: {further:.1f} s of CPU for each further one after {counts[0]}")
    for number in counts:
        print(
            f"{number} questions: the largest driver has {statistics.median(one.peak for one in spent[number]):.0f} MB"
        )


def compare_training(scratch: Path, counts: list[int], pairs: int) -> None:
    """One run over so many questions, and as many runs of one, each as the first of its home."""
    homes = (scratch / f"home-{number}" for number in count())
    for number in counts:
        ratios = []
        for _ in range(pairs):
            names = list(QUESTIONS)[:number]
            together = _ask(next(homes), _write(scratch, names))
            alone = [
                _ask(home, _write(scratch, [name])) for name, home in zip(names, islice(homes, number), strict=True)
            ]
            print(_format(f"{number} questions in one run", together), flush=True)
            print(f"{number} runs of one: CPU {sum(one.all_cpu for one in alone):.1f} s", flush=True)
            ratios.append(together.all_cpu / sum(one.all_cpu for one in alone))
        print(f"{number} questions: {statistics.median(ratios):.2f} times the CPU of single runs")


def _ask(home: Path, file: Path) -> Spent:
    return run(ROOT, home, "--param", f"question_file={file}")


def _format(what: str, one: Spent) -> str:
    return f"{what}: wall {one.wall:.1f} s, CPU {one.all_cpu:.1f} s, the largest driver {one.peak:.0f} MB"


def _median(runs: list[Spent]) -> float:
    return statistics.median(one.all_cpu for one in runs)


def _write(folder: Path, names: list[str], *more: str) -> Path:
    asked = [f"  {name}: {{action: {QUESTIONS[name][0]}, horizon_days: {QUESTIONS[name][1]}}}" for name in names]
    file = folder / f"{len(names)}-{names[0]}.yml"
    file.write_text("\n".join([*more, f"as_of: {AS_OF}", "questions:", *asked, ""]), encoding="utf-8")
    return file


if __name__ == "__main__":
    main()
