"""A home over a year of weekly runs: how large it is, and of how many files, week by week.

    python -m benchmarks.weekly_year HOME [--first 2017-01-02] [--weeks 52] [--param NAME=VALUE]

Whole runs of the built-in year by `as_of`, with the usual periods. Weeks pass within minutes here, so each run's record
is dated by its `as_of` before the home is cleaned up as of that day, the logs of tables are made a week older after it,
and of tables the files of all earlier versions go: those of the last 30 days would be there besides, about as many in
each week. Runs that refuse, as those with too little history, count. Weeks of which a line stands beside HOME, in
`HOME.weeks.jsonl`, are not run again. At the end: by how much size and number of files have grown from week 40 to the
last, without the files of models. Exit code 1 where that is more than a twentieth.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from cli.local.cleaning import find_of_machine, read_periods
from cli.local.home import Home
from cli.local.table_files import vacuum

ROOT = Path(__file__).parents[1]
LINES = "weeks.jsonl"  # beside the home
MOST, FROM = 0.05, 40
MODELS = "artifacts"
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Week:
    """A home after one run."""

    as_of: str
    code: int  # of the run
    bytes: dict[str, int]  # by folder or file of the home
    files: dict[str, int]

    def totals(self) -> tuple[int, int]:
        """Bytes and files, without those of models."""
        size, files = (sum(n for name, n in one.items() if name != MODELS) for one in (self.bytes, self.files))
        return size, files


def main() -> None:
    """Make the runs that are not made yet, and say what has grown."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("home", type=Path)
    asked.add_argument("--first", type=date.fromisoformat, default=date(2017, 1, 2))
    asked.add_argument("--weeks", type=int, default=52)
    asked.add_argument("--param", action="append", default=[])
    given = asked.parse_args()
    lines = given.home.with_name(f"{given.home.name}.{LINES}")
    weeks = [Week(**json.loads(line)) for line in lines.open()] if lines.exists() else []
    for number in range(len(weeks), given.weeks):
        weeks.append(_live_a_week(given.home, given.first + WEEK * number, given.param))
        with lines.open("a") as file:
            file.write(json.dumps(asdict(weeks[-1])) + "\n")
        size, files = weeks[-1].totals()
        print(
            f"week {number + 1:2} {weeks[-1].as_of} exit {weeks[-1].code} {size / 2**20:8.1f} MB {files:6} files",
            flush=True,
        )
    sys.exit(_judge(weeks))


def _live_a_week(root: Path, as_of: date, more: list[str]) -> Week:
    pairs = [word for pair in (f"as_of={as_of}", *more) for word in ("--param", pair)]
    command = [sys.executable, "-P", "-m", "cli", "run", "--home", str(root), *pairs]
    with root.with_suffix(".log").open("ab") as log:
        code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode
    home, then = Home(root.resolve()), datetime.combine(as_of, time(6), UTC)
    newest = max(home.runs.glob("*/run.json"))
    record = json.loads(newest.read_text(encoding="utf-8"))
    newest.write_text(json.dumps(record | {"started": then.isoformat()}), encoding="utf-8")
    for one in find_of_machine(home, read_periods(home, {}), then):
        one.remove()
    for log_folder in home.warehouse.glob("*/*/_delta_log"):
        vacuum(log_folder.parent, 0)
        for path in log_folder.iterdir():
            moment = path.stat().st_mtime - WEEK.total_seconds()
            os.utime(path, (moment, moment))
    sizes, files = Counter[str](), Counter[str]()
    for path in home.root.rglob("*"):
        if path.is_file():
            name = path.relative_to(home.root).parts[0]
            sizes[name] += path.stat().st_size
            files[name] += 1
    return Week(as_of.isoformat(), code, dict(sizes), dict(files))


def _judge(weeks: list[Week]) -> int:
    """Print what has grown since week 40, in all and where; 1 where that is too much."""
    if len(weeks) <= FROM:
        return 0
    before, last = weeks[FROM - 1], weeks[-1]
    for name in sorted(last.bytes):
        print(f"{name:24} {before.bytes.get(name, 0) / 2**20:8.1f} MB -> {last.bytes[name] / 2**20:8.1f} MB, "
              f"{before.files.get(name, 0)} -> {last.files[name]} files")  # fmt: skip
    grown = [now / then - 1 for then, now in zip(before.totals(), last.totals(), strict=True)]
    print(f"from week {FROM} to {len(weeks)}: {grown[0]:+.1%} of size, {grown[1]:+.1%} of files; "
          f"{sum(week.code != 0 for week in weeks)} runs refused")  # fmt: skip
    return int(max(grown) > MOST)


if __name__ == "__main__":
    main()
