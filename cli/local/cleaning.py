"""What a home need not keep for ever, besides the rows of its tables: told, then removed.

Rows and reports are found as in a deployed schema, by `lib.stages.cleaning`: each run does so at its end. Models,
lists in use, outcomes and decisions stay.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from cli.local.home import Home
from cli.local.registered import registered_models
from lib.config.keeping import Periods
from lib.config.parameters import merge
from lib.config.question import Question
from lib.registry.versions import questions_of
from lib.stages.cleaning import Removable, find_models, find_reports, find_rows, format_total

_STUDY = re.compile(r"(.+) as of (\d{4}-\d\d-\d\d)")


def read_periods(home: Home, given: Mapping[str, str]) -> Periods:
    """For how long things of a home are kept: as was given or, where nothing was, as the home was told.

    Raises
    ------
    ConfigError
        The message names the parameter.
    """
    said = merge(given, home.periods() or {})
    return Periods.from_widgets(lambda name: said.get(name, ""))


def find_removable(home: Home, periods: Periods, now: datetime) -> Iterator[Removable]:
    """All that is older than its period and that nothing needs any more."""
    from cli.local.file_tables import FileTables

    for schema in sorted(path for path in home.warehouse.glob("*/") if not path.name.startswith(".")):
        for one in find_rows(FileTables(home.warehouse, schema.name), periods):
            yield replace(one, name=f"{schema.name} {one.name}")
    yield from find_reports(home.root / "reports", periods.reports.days)
    yield from _models(home, periods.models.days)
    yield from find_of_machine(home, periods, now)


def _models(home: Home, days: int | None) -> Iterator[Removable]:
    models = registered_models(home) if days is not None else []
    if not models:
        return
    os.environ.update(home.environment())  # before MLflow is asked for anything
    from cli.local.file_tables import FileTables
    from lib.registry.mlflow_registry import MlflowRegistry

    for config in questions_of(models):
        tables = FileTables(home.warehouse, config.schema.rpartition(".")[2])
        yield from find_models(config.question, tables, MlflowRegistry(config.models, config.experiment), days)


def find_of_machine(home: Home, periods: Periods, now: datetime) -> Iterator[Removable]:
    """What no run cleans up by itself: run pages, studies, and files of tables."""
    if periods.runs.days is not None:
        yield from _runs(home, now - timedelta(days=periods.runs.days))
    if periods.studies.days is not None:
        yield from _studies(home, (now - timedelta(days=periods.studies.days)).date())
    if periods.versions.days is not None:
        from cli.local.table_files import find_files

        for log in sorted(home.warehouse.glob("*/*/_delta_log")):
            yield from find_files(log.parent, periods.versions.days)


def clean_after_run(home: Home, given: Mapping[str, str]) -> None:
    """Clean up what the run itself has not; what goes wrong is a warning, for the run is done."""
    from cli.local.table_files import checkpoint

    try:
        periods = read_periods(home, given)
        settled = periods.without_usual() if home.periods() is None else periods
        removed = list(find_of_machine(home, settled, datetime.now(UTC)))
        for one in removed:
            one.remove()
        if settled.versions.days is not None:
            checkpoint(home.warehouse)
    except Exception as error:  # noqa: BLE001 - whatever it was, the list is published
        print(f"warning: cleaning up broke off: {type(error).__name__}: {error}", flush=True)
        return
    if removed:
        print(f"cleaned up: {format_total(removed)}", flush=True)


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
            yield Removable("run", run.run_id, partial(shutil.rmtree, folder), megabytes=size_of(folder))
        seen |= marks


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
            yield Removable("study", name, partial(optuna.delete_study, study_name=name, storage=storage))


def size_of(path: Path) -> float:
    """In MB; what is gone by now has none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file() or file.is_symlink()) / 2**20
