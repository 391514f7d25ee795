"""What a run of several questions says of them together: side by side, and of each user in one row."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from lib.audience.files import Drafts
from lib.config.stages import PublishConfig
from lib.report.side_by_side import render_side_by_side, side_by_side
from lib.stages.profiles import write_profiles
from lib.stages.turns import Turns


@dataclass(frozen=True)
class Compared:
    """The questions of a run."""

    table: pd.DataFrame  # one row per question; none where one was asked
    report: str  # the page to begin with: of one question its report; blank for none


def compare_questions(turns: Turns[PublishConfig]) -> Compared:
    """Set the questions side by side, write the page that leads to their reports, and the table `profiles`."""
    said = turns.said()
    if not turns.several:
        return Compared(side_by_side([]), "".join(str(one.get("report", "")) for one in said.values()))
    table = side_by_side(_rows(turns))
    done = {name: config for name, config in turns.named().items() if name in said}
    if done:
        users = write_profiles(done, turns.tables)
        turns.tell(f"profiles: {users} users, {len(done)} questions")
    folder, as_of = turns.configs[0].reports, str(turns.as_of)
    if not folder:
        return Compared(table, "")
    reports = {name: str(one.get("report", "")) for name, one in said.items()}
    text = render_side_by_side(table, reports, as_of)
    target = f"{folder}/questions/{as_of}.html"
    with Drafts() as drafts:
        drafts.add(target, lambda file: file.write(text.encode()))
        drafts.keep()
    return Compared(table, target)


def _rows(turns: Turns[PublishConfig]) -> list[dict[str, Any]]:
    lists, verdicts = turns.said(), turns.said("train")
    failed = {name: f"{stage}: {error}" for name, stage, error in turns.failures()}
    return [
        {
            "question": name, "asked": str(config.question), "failed": failed.get(name),
            "verdict": str(verdicts.get(name, {}).get("answer", "")).replace("_", " ") or None, **lists.get(name, {}),
        }
        for name, config in turns.named().items()
    ]  # fmt: skip
