"""What a run led to that somebody should know of: told in sentences that name no user."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib.config.question import Question
from lib.errors import ConfigError
from localrun.platform.state import State
from localrun.run.record import JobRun, TaskRun

if TYPE_CHECKING:
    import pandas as pd

REPLACED, BAD, REFUSED, STALE, LEVEL, POOR, FAILED, MISSED = (
    "models replaced", "verdict bad", "list refused", "source", "level off", "poor list", "run failed", "run missed",
)  # fmt: skip
_KINDS = {"SourceError": STALE, "PublishRefused": REFUSED}  # of a task that failed, by the name of its error


@dataclass(frozen=True)
class Happening:
    """One thing that happened, of one of the kinds above."""

    kind: str
    text: str


def find_happenings(run: JobRun, schema: Path) -> list[Happening]:
    """What a run led to, from its record and from what it wrote; in the order in which people look for it."""
    failed = [task for task in run.tasks.values() if task.state is State.FAILED]
    source = list(_tell_source(run, schema))
    happenings = [*map(_tell_failure, failed)]
    for parameters in run.each_question().values():
        happenings += _tell_question(run, parameters, schema, source)
        source = []  # what is said of the events is said once
    return happenings


def _tell_failure(task: TaskRun) -> Happening:
    """A task that failed. Its error may show a value as it was found, and so is left to the run's page."""
    error = (task.error or "").split(":")[0].rpartition(".")[2]
    kind = _KINDS.get(error, FAILED)
    what = {
        STALE: "The source was not taken, and nothing was written",
        REFUSED: "The new list was not published, and the one before stays",
    }.get(kind, f"Task {task.key} failed")
    return Happening(kind, f"{what}. The run's page says why.")


def _tell_source(run: JobRun, schema: Path) -> Iterator[Happening]:
    noted = _read(schema, "source_checks", [("kind", "in", ["told", "stopped"])])
    noted = noted[noted["as_of"].astype(str) == _as_of(run)]
    if len(noted):
        yield Happening(STALE, f"source_checks has {len(noted)} remarks on the events as of {_as_of(run)}.")


def _tell_question(
    run: JobRun, parameters: Mapping[str, str], schema: Path, source: Sequence[Happening]
) -> Iterator[Happening]:
    try:
        question = Question.of(parameters)
    except ConfigError:  # a job that only starts others
        return
    for row in _rows(schema, "decisions", question, run).to_dict("records"):
        if row["kind"] in ("promoted", "rolled_back"):
            yield Happening(REPLACED, f"{question}: version {row['prediction_version']} is in use now.")
    checks = _rows(schema, "model_checks", question, run)
    if len(checks) and checks["answer"].iloc[0] == "bad":
        yield Happening(BAD, f"{question}: the models in use no longer hold, judged as of {checks['as_of'].iloc[0]}.")
    off = checks[checks["metric"].eq("live_calibration") & (checks["low"] > checks["threshold"])]
    if len(off):
        factor = float(2.718281828459045 ** off["measured"].iloc[0])
        yield Happening(
            LEVEL,
            f"{question}: lists of late were off by a factor of {factor:.2f} in how many were expected "
            f"to {question.words.act}.",
        )
    yield from source
    for row in _known_now(schema, question, run).to_dict("records"):
        yield Happening(
            POOR,
            f"{question}: the list of {row['cutoff']} proved poor: {row['expected']:.0f} of {row['users']} users were "
            f"expected to {question.words.act}, and so it was with {row['observed']}.",
        )


def _rows(schema: Path, name: str, question: Question, run: JobRun) -> "pd.DataFrame":
    """What the run wrote on its question; none where there is no such table yet."""
    return _read(schema, name, [("question", "=", question.slug), ("run_id", "=", run.run_id)])


def _known_now(schema: Path, question: Question, run: JobRun) -> "pd.DataFrame":
    """Outcomes that the run was the first to know, or knew anew, of lists that proved poor."""
    rows = _read(schema, "outcomes", [("question", "=", question.slug), ("word", "=", "poor")])
    known = rows[rows["as_of"].astype(str) == _as_of(run)]
    return known.drop_duplicates("cutoff").sort_values("cutoff")


def _as_of(run: JobRun) -> str:
    """The day of the run, as its first task resolved it; blank where it came to none."""
    return next((str(task.values["as_of"]) for task in run.tasks.values() if "as_of" in task.values), "")


def _read(schema: Path, name: str, filters: list[tuple[str, str, Any]]) -> "pd.DataFrame":
    import pandas as pd  # with the next two not before a run has ended: Spark and kernels need not wait for them
    from deltalake import DeltaTable

    from lib.tables.contracts import CONTRACTS

    if not (schema / name / "_delta_log").is_dir():
        return pd.DataFrame(columns=list(CONTRACTS[name]))
    return DeltaTable(schema / name).to_pandas(filters=filters)
