"""Files of a home's tables: those that no version reads any more, many small ones, and what logs begin with."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from cli.local.cleaning import size_of
from cli.local.file_tables import FileTables
from lib.stages.cleaning import Removable
from lib.stages.earlier_lists import is_carried_over
from lib.tables.contracts import CONTRACTS, VERSIONED
from lib.tables.ids import IDS
from localrun.spark.session import STALE

MANY_FILES = 10  # of a table of notes
_COMMIT = re.compile(r"(\d{20})\.json")


def find_files(folder: Path, days: int) -> Iterator[Removable]:
    """Of one table: files that only versions read which are older than so many days.

    And, of tables without ids that grow by a file or two with each run, many small ones: one is read faster.
    """
    if _is_read_by_version(folder):
        return
    hours = 24 * max(days, 1)
    try:
        table = DeltaTable(folder)
        files = _vacuum(table, hours, dry_run=True)
    except DeltaError:  # half made, or damaged: the next run will name it
        return
    name = f"{folder.parent.name}.{folder.name}"
    if files:
        size = sum(size_of(folder / file) for file in files)
        yield Removable("table with old files", f"{name}: {len(files)} files", partial(vacuum, folder, hours), 1, size)
    number = len(table.file_uris())
    if number >= MANY_FILES and folder.name in CONTRACTS.keys() - IDS.keys() - {"forgotten"}:
        yield Removable("table with small files", f"{name}: {number} files", partial(_compact, folder))


def checkpoint(warehouse: Path) -> None:
    """Have the log of each table begin anew where it has changed: what is before, and Delta keeps no longer, goes.

    Spark would do so after ten commits alone, ten weeks of a table that is written once a week.
    """
    for log in sorted(warehouse.glob("*/*/_delta_log")):
        commits = [match[1] for path in log.iterdir() if (match := _COMMIT.fullmatch(path.name))]
        is_new = commits and not list(log.glob(f"{max(commits)}.checkpoint*"))
        if is_new and not _is_read_by_version(log.parent):
            with suppress(DeltaError):  # damaged: the next run will name it
                DeltaTable(log.parent).create_checkpoint()
                _remove_checksums(log.parent)


def vacuum(folder: Path, hours: int) -> None:
    """Remove the files of a table that only versions older than that read."""
    _vacuum(DeltaTable(folder), hours, dry_run=False)
    _remove_checksums(folder)


def _vacuum(table: DeltaTable, hours: int, *, dry_run: bool) -> list[str]:
    """The old files, removed unless it is a dry run.

    `full`, since delta-rs (1.6) otherwise knows only of files that its log still names as removed: a checkpoint drops
    them after `delta.deletedFileRetentionDuration`, a week unless said, and they would stay for ever.
    """
    return table.vacuum(retention_hours=hours, dry_run=dry_run, enforce_retention_duration=False, full=True)


def _is_read_by_version(folder: Path) -> bool:
    """Whether lists of before are in a table's versions alone: until the next run makes rows of them."""
    return folder.name == VERSIONED and not is_carried_over(FileTables(folder.parent.parent, folder.parent.name))


def _compact(folder: Path) -> None:
    DeltaTable(folder).optimize.compact()


def _remove_checksums(folder: Path) -> None:
    """Remove what Spark writes beside a file and delta-rs (1.6) leaves behind, where the file is gone or another."""
    log = folder / "_delta_log"
    for beside in [*log.glob("[0-9]*.crc"), *folder.rglob(".*.crc")]:  # `N.crc` has a checksum of its own
        of = beside.with_suffix(".json") if beside.name[0] != "." else beside.with_name(beside.name[1:-4])
        if beside.name == STALE or not of.exists():
            beside.unlink()
