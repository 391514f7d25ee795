"""Take users out of a home: tables with all their earlier versions and logs, reports, run pages, records, exports.

Each table is written anew beside its place, so that no file of before is left; lists that only versions hold are made
rows of their own first. A call that was cut off is told, and one more does the rest.
"""

import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from cli.local import exported, opened_notebooks, opt_outs
from cli.local.file_tables import FileTables
from cli.local.forgotten_users import note_forgotten
from cli.local.home import FORGETTING, Home
from cli.local.left_over import describe_left_over
from lib.audience.erasing import remove_if_named, rewrite_list, whole_words
from lib.identities.together import find_together
from lib.stages.earlier_lists import carry_over
from lib.tables.ids import IDS, LAST, MAY_NAME
from lib.whole_files import write_whole
from localrun.run.page import write_page
from localrun.run.record import JobRun, past_runs

_OLD, _NEW = ".forget-old-", ".forget-new-"


def forget(home: Home, users: Sequence[str]) -> Iterator[str]:
    """Do it, and tell line by line what was taken out of where, without a name; whoever calls holds the lock.

    A second call with the same users finds nothing more, and finishes what a first one left undone.
    """
    note_forgotten(home, users, datetime.now(UTC).date())
    (home.root / FORGETTING).touch()
    for schema in _schemas(home):
        _mend(schema)
        carry_over(FileTables(home.warehouse, schema.name))
        for name in [one for one in IDS if one != LAST]:
            yield from _rewrite_named(schema / name, users)
        for name in MAY_NAME:
            if (schema / name / "_delta_log").is_dir():
                _rewrite_table(schema / name, ["error"], None)
    for path in exported.exported_files(home):
        if rows := rewrite_list(path, users):
            yield f"{path}: {rows} rows"
    if drafts := exported.remove_drafts(home):
        yield f"{drafts} files of lists and reports that were never finished"
    for path in opt_outs.named_lists(home.runs):
        if rows := opt_outs.keep_digests(path, users):
            yield f"{path}: {rows} rows, as digests, which still leave them out of lists"
    words = whole_words(users)
    pages = [path for pattern in ("reports/*/*.html", "runs/*/*.html") for path in sorted(home.root.glob(pattern))]
    gone = [path for path in pages if path.name != "index.html" and remove_if_named(path, words)]
    records = sum(_rewrite_record(folder, run, words) for folder, run in past_runs(home.runs))
    logs = [*home.root.glob("runs/*/*.log"), *home.root.glob("*.log")]
    lines = sum(_drop_lines(path, words) for path in logs if path.is_file() and not path.is_symlink())
    yield f"{len(gone)} reports and executed notebooks, {records} records of runs, {lines} lines of logs"
    if opened := opened_notebooks.leave_out(home.root, words):
        yield f"{opened} notebooks that were opened by hand: what they showed of them"
    yield from describe_left_over(home)
    for schema in _schemas(home):
        yield from _rewrite_named(schema / LAST, users)
    (home.root / FORGETTING).unlink()


def add_their_ids(home: Home, users: Collection[str]) -> list[str]:
    """Some users with all ids that are of the same persons, in whatever schema that is known."""
    found = set(users)
    for schema in _schemas(home):
        found.update(find_together(FileTables(home.warehouse, schema.name), found))
    return sorted(found)


def _schemas(home: Home) -> list[Path]:
    return sorted(path for path in home.warehouse.glob("*") if path.is_dir())


def sources_that_hold(home: Home, users: Sequence[str]) -> list[Path]:
    """Files of the home's own events that still hold one of the users: their owner's to mend."""
    words = whole_words(users)
    found = []
    for path in sorted(path for path in home.sources.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            held = any(_counts(table[name], users) for name in table.column_names)
        else:
            held = bool(words.search(path.read_text(encoding="utf-8", errors="replace")))
        found += [path] if held else []
    return found


def _mend(schema: Path) -> None:
    """Put back, or away, what a call that was cut off left beside a table."""
    for path in schema.glob(f"{_NEW}*"):
        shutil.rmtree(path)
    for path in schema.glob(f"{_OLD}*"):
        table = schema / path.name.removeprefix(_OLD)
        if table.exists():
            shutil.rmtree(path)
        else:
            path.rename(table)


def _rewrite_named(folder: Path, users: Sequence[str]) -> Iterator[str]:
    if (folder / "_delta_log").is_dir():
        rows = _rewrite_table(folder, IDS[folder.name], users)
        yield f"{folder.parent.name}.{folder.name}: {rows} rows, and all earlier versions"


def _rewrite_table(folder: Path, columns: Sequence[str], users: Sequence[str] | None) -> int:
    """Write a table anew without some users, or without any value of the columns; how many rows they had."""
    table = DeltaTable(folder)
    new, old = (folder.with_name(f"{mark}{folder.name}") for mark in (_NEW, _OLD))
    settings = table.metadata().configuration
    present = table.to_pyarrow_table()
    kept = _without(present, columns, users)
    write_deltalake(new, kept)
    if settings:
        DeltaTable(new).alter.set_table_properties(settings, raise_if_not_exists=False)
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)
    return 0 if users is None else len(present) - len(kept)


def _without(rows: pa.Table, columns: Sequence[str], users: Sequence[str] | None) -> pa.Table:
    for name in columns:
        gone = (
            pc.is_valid(rows[name]) if users is None
            else pc.is_in(rows[name].cast(pa.string()), value_set=pa.array(users, pa.string()))
        )  # fmt: skip
        rows = rows.filter(pc.invert(gone))
    return rows


def _counts(column: pa.ChunkedArray, users: Sequence[str]) -> int:
    if not (
        pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_integer(column.type)
    ):
        return 0
    return pc.sum(pc.is_in(column.cast(pa.string()), value_set=pa.array(users, pa.string()))).as_py() or 0


def _rewrite_record(folder: Path, run: JobRun, words: re.Pattern[str]) -> bool:
    """Drop what a record repeats of a list, and its links to pages that are gone; and render its page again."""
    before = run.to_json()
    for task in run.tasks.values():
        task.values = {key: _without_lines(value, words) for key, value in task.values.items()}
        task.error = None if task.error is None else str(_without_lines(task.error, words))
        task.attempts = [name for name in task.attempts if (folder / name).exists()]
    changed = run.to_json() != before
    if changed:
        write_page(folder, run)
    return changed


def _without_lines(value: object, words: re.Pattern[str]) -> object:
    if not isinstance(value, str):
        return value
    return "\n".join(line for line in value.split("\n") if not words.search(line))


def _drop_lines(path: Path, words: re.Pattern[str]) -> int:
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
    kept = [line for line in lines if not words.search(line)]
    if len(kept) < len(lines):
        write_whole(path, "".join(kept).encode("utf-8", "surrogateescape"))
    return len(lines) - len(kept)
