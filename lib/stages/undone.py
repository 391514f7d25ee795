"""Which runs are undone: of each question, those from a run on, by the numbers of what they decided and published.

Ids say nothing of it: a home's rise with the moment of a run, a platform's need not.
"""

from dataclasses import dataclass
from datetime import datetime

from lib.config.question import Question
from lib.stages.records import question_sql, read_rows
from lib.tables.protocol import Tables


@dataclass(frozen=True)
class Since:
    """From where on loads are undone."""

    run_id: str  # of the first run whose load is undone
    moment: datetime  # when it began
    later: tuple[str, ...] = ()  # runs after it, as far as known: needed of questions of which it wrote nothing


def find_undone(tables: Tables, question: Question, since: Since) -> frozenset[str]:
    """The named runs, and all that decided or published something of a question after any of them."""
    runs = {since.run_id, *since.later}
    for name in ("decisions", "publications"):
        rows = read_rows(tables, name, question_sql(question), "run_id, number")
        if rows is None:
            continue
        numbers = rows["number"][rows["run_id"].isin(runs)]
        if len(numbers):
            runs.update(rows["run_id"][rows["number"] >= numbers.min()])
    return frozenset(runs)
