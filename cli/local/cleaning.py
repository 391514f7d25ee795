"""What a home need not keep for ever: told, then removed. Models, lists, outcomes and decisions stay."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from cli.local.cutoffs import delete_cutoff, delete_list, delete_scores, distinct
from cli.local.home import SETTINGS, Home
from lib.config.question import Question
from lib.whole_files import write_whole

NEWEST_CUTOFFS = 29  # a run reads so many at the most by default: 26 to learn from, the holdout's, as_of's
MANY_FILES = 50  # of a table of notes
_STUDY = re.compile(r"(.+) as of (\d{4}-\d\d-\d\d)")


@dataclass(frozen=True, kw_only=True)
class Periods:
    """For how many days each thing is kept."""

    runs: int = 90
    reports: int = 400
    studies: int = 90
    features: int = 400
    predictions: int = 800
    lists: int = 90
    versions: int = 30  # of tables: files that only their earlier versions read

    def save(self, home: Home) -> None:
        """Let each run of the home clean up by these."""
        write_whole(home.root / SETTINGS, json.dumps(asdict(self), indent=2).encode())

    @classmethod
    def of(cls, home: Home) -> "Periods | None":
        """Those that a home was given; None where it keeps all."""
        path = home.root / SETTINGS
        if not path.exists():
            return None
        given = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{field.name: int(given[field.name]) for field in fields(cls) if field.name in given})


@dataclass(frozen=True)
class Removable:
    """Something that need not be kept any more."""

    what: str  # a run, a report, ...
    name: str
    megabytes: float
    remove: Callable[[], object]


def find_removable(home: Home, periods: Periods, now: datetime) -> Iterator[Removable]:
    """All that is older than its period and that nothing needs any more."""
    yield from _runs(home, now - timedelta(days=periods.runs))
    yield from _reports(home, (now - timedelta(days=periods.reports)).date())
    yield from _studies(home, (now - timedelta(days=periods.studies)).date())
    for folder in sorted(home.warehouse.glob("*/features")):
        yield from _features(folder, periods.features)
    for folder in sorted(home.warehouse.glob("*/predictions")):
        yield from _predictions(folder, periods.predictions)
    for folder in sorted(home.warehouse.glob("*/earlier_lists")):
        yield from _lists(folder, periods.lists)
    for log in sorted(home.warehouse.glob("*/*/_delta_log")):
        yield from _table_files(log.parent, periods.versions)


def clean_after_run(home: Home) -> None:
    """Clean up where the home was told to; what goes wrong is a warning, for the run itself is done."""
    try:
        periods = Periods.of(home)
        removed = (
            [one for one in find_removable(home, periods, datetime.now(UTC)) if one.remove() is None] if periods else []
        )
    except Exception as error:  # noqa: BLE001 - whatever it was, the list is published
        print(f"warning: cleaning up broke off: {type(error).__name__}: {error}", flush=True)
        return
    if removed:
        print(f"cleaned up: {format_total(removed)}", flush=True)


def format_total(removable: list[Removable]) -> str:
    """How many of which kind, and their size."""
    kinds = {one.what: sum(other.what == one.what for other in removable) for one in removable}
    counts = ", ".join(f"{number} {what}{'s' if number > 1 else ''}" for what, number in kinds.items())
    return f"{counts}, {sum(one.megabytes for one in removable):.1f} MB"


def _runs(home: Home, before: datetime) -> Iterator[Removable]:
    """Runs that have ended, but for the last of each question, and the last that prepared its features."""
    from localrun.run.record import past_runs

    seen: set[tuple[str, ...]] = set()
    for folder, run in past_runs(home.runs):
        names = ("schema", "models", *(one.name for one in Question.parameters()))
        about = tuple(run.parameters.get(name, "") for name in names)
        first = run.tasks.get("extract_features")
        marks = {("any", run.job, *about)} | ({("prepared", *about)} if first and first.state == "SUCCESS" else set())
        if run.state.is_final and marks <= seen and datetime.fromisoformat(run.started) < before:
            yield Removable("run", run.run_id, _size(folder), partial(shutil.rmtree, folder))
        seen |= marks


def _reports(home: Home, before: date) -> Iterator[Removable]:
    for folder in sorted((home.root / "reports").glob("*/")):
        for path in sorted(folder.glob("????-??-??.html"))[:-1]:  # the newest of each question stays
            if path.stem < before.isoformat():
                yield Removable("report", f"{folder.name} {path.stem}", _size(path), path.unlink)


def _studies(home: Home, before: date) -> Iterator[Removable]:
    if not (home.root / "optuna.db").exists():
        return
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = home.parameters()["optuna_storage"]
    named = [
        (match[1], match[2], match[0], name)
        for name in optuna.get_all_study_names(storage)
        if (match := _STUDY.match(name))
    ]
    for slug, day, _, name in sorted(named):
        newest = max(other_day for other, other_day, *_ in named if other == slug)
        if day < min(before.isoformat(), newest):
            yield Removable("study", name, 0.0, partial(optuna.delete_study, study_name=name, storage=storage))


def _features(folder: Path, days: int) -> Iterator[Removable]:
    """Cutoffs that no run reads any more; one that asks for them computes them again."""
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    from lib.features.cache import EXTRACTION
    from lib.features.extraction import Extraction

    try:
        table = DeltaTable(folder)
    except TableNotFoundError:
        return
    cutoffs = sorted(table.to_pyarrow_table(columns=["cutoff"])["cutoff"].unique().to_pylist(), reverse=True)
    settings = table.metadata().configuration
    notes = [text for key, text in settings.items() if text and key.startswith(f"propensity.{EXTRACTION}")]
    prepared = {day for text in notes for day in Extraction.from_json(text).cutoffs.all}  # stages may work on these yet
    old = [day for day in cutoffs[NEWEST_CUTOFFS:] if day < cutoffs[0] - timedelta(days=days) and day not in prepared]
    for day in old:
        delete = partial(delete_cutoff, folder, day)
        yield Removable("cutoff of features", f"{folder.parent.name} {day}", 0.0, delete)


def _predictions(folder: Path, days: int) -> Iterator[Removable]:
    """Scores of cutoffs whose outcome was written for good, and that neither list nor record reads any more.

    The same cutoffs go from `evaluations`, which has these scores beside what happened.
    """
    from lib import timeline
    from lib.features.days import LATE_DAYS

    scored = distinct(folder, "question", "horizon_days", "cutoff", optional="starts_in_days")
    written = distinct(folder.with_name("outcomes"), "question", "cutoff", "as_of")
    last = {(question, cutoff): as_of for question, cutoff, as_of in sorted(written)}
    listed = {(question, cutoff) for question, cutoff in distinct(folder.with_name("audience"), "question", "cutoff")}
    for question in sorted({question for question, *_ in scored}):
        cutoffs = sorted(
            ((cutoff, horizon + (later or 0)) for other, horizon, cutoff, later in scored if other == question),
            reverse=True,
        )
        newest = cutoffs[0][0]
        for cutoff, horizon in cutoffs[NEWEST_CUTOFFS:]:
            as_of = last.get((question, cutoff))
            final = as_of is not None and timeline.is_final(cutoff, horizon, as_of, LATE_DAYS)
            read = (question, cutoff) in listed or cutoff >= timeline.track_record_window(newest, horizon).start
            if final and not read and cutoff < newest - timedelta(days=days):
                remove = partial(delete_scores, folder, question, cutoff)
                yield Removable("cutoff of predictions", f"{folder.parent.name} {question} {cutoff}", 0.0, remove)


def _lists(folder: Path, days: int) -> Iterator[Removable]:
    """Earlier lists of days long before the newest list, but for the last one of each question."""
    marks = sorted(distinct(folder, "question", "number", "cutoff"))
    for question in sorted({question for question, *_ in marks}):
        mine = [(number, cutoff) for other, number, cutoff in marks if other == question]
        newest = max(cutoff for _, cutoff in mine)
        for number, cutoff in mine[:-1]:
            if cutoff < newest - timedelta(days=days):
                remove = partial(delete_list, folder, question, number)
                yield Removable("earlier list", f"{folder.parent.name} {question} {cutoff}", 0.0, remove)


def _table_files(folder: Path, days: int) -> Iterator[Removable]:
    """Files that only earlier versions of a table read.

    And, of tables without ids that grow by a file or two with each run, many small ones: one is read faster.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    from cli.local.file_tables import FileTables
    from lib.stages.earlier_lists import is_carried_over
    from lib.tables.contracts import CONTRACTS, VERSIONED
    from lib.tables.ids import IDS

    if folder.name == VERSIONED and not is_carried_over(FileTables(folder.parent.parent, folder.parent.name)):
        return  # lists of before are in these versions alone, until the next run makes rows of them
    hours = 24 * max(days, 1)
    try:
        table = DeltaTable(folder)
        files = table.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False)
    except DeltaError:  # half made, or damaged: the next run will name it
        return
    name = f"{folder.parent.name}.{folder.name}"
    if files:
        size = sum(_size(folder / file) for file in files)
        yield Removable("table with old file", f"{name}: {len(files)} files", size, partial(_vacuum, folder, hours))
    number = len(table.file_uris())
    if number >= MANY_FILES and folder.name in CONTRACTS.keys() - IDS.keys() - {"forgotten"}:
        yield Removable("table with small file", f"{name}: {number} files", 0.0, partial(_compact, folder))


def _compact(folder: Path) -> None:
    from deltalake import DeltaTable

    DeltaTable(folder).optimize.compact()


def _vacuum(folder: Path, hours: int) -> None:
    from deltalake import DeltaTable

    DeltaTable(folder).vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False)


def _size(path: Path) -> float:
    """In MB; what is gone by now has none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file() or file.is_symlink()) / 2**20
