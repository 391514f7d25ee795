"""Where a home lies: noted in it, so that one that was moved, copied or restored goes on where it lies now.

MLflow keeps whole paths in its database, and the tables note the path of built-in events: all of them would lead to
where the home lay before, which may still be there and in use.
"""

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from cli.local.source_notes import read_notes, write_note
from lib.whole_files import write_whole

NOTE = "place"  # the file that says where the home lies
DATABASE = "mlflow.db"
KEPT = "mlflow.db.before-move"  # the database as it was before the last move


def former_place(root: Path) -> str | None:
    """Where a home lay when it was last used, where that was elsewhere; None where it lies there still, or is new."""
    try:
        noted: str | None = (root / NOTE).read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError:
        noted = _place_by_database(root / DATABASE)
    return noted if noted and noted != str(root) else None


def note_place(root: Path) -> None:
    """Write down where a home lies, unless that is noted."""
    if not (root / NOTE).exists():
        write_whole(root / NOTE, f"{root}\n".encode())


def has_note(root: Path, line: str) -> bool:
    """Whether something else was noted beside the place: what is done, or said, once in a home."""
    with suppress(OSError):
        return line in (root / NOTE).read_text(encoding="utf-8").splitlines()[1:]
    return False


def add_note(root: Path, line: str) -> None:
    """Note something; a home that cannot be written to is told again the next time."""
    with suppress(OSError):
        text = (root / NOTE).read_text(encoding="utf-8")
        write_whole(root / NOTE, f"{text}{line}\n".encode())


def settle(root: Path, former: str) -> None:
    """Name all places below the former one by where the home lies now; the note comes last, so a kill repeats it."""
    if (root / DATABASE).exists():
        _rewrite_database(root, former)
    _rewrite_notes(root, former)
    _rewrite_runs(root, former)
    (root / NOTE).unlink(missing_ok=True)  # with all that was said where it lay
    note_place(root)


def rewrite(text: str, former: str, now: str) -> str:
    """A text in which each path below the former place leads below the present one; what only begins alike stays."""

    def moved(found: re.Match[str]) -> str:
        done = text.startswith(now, found.start()) and text[found.start() + len(now) :][:1] in ("", "/")
        return former if done else now  # a home that was moved into its former place, and killed halfway

    return re.sub(rf"(?<![^\s\"'=,:(\[/]){re.escape(former)}(?=/|$|[\s\"',;)\]])", moved, text)


def _place_by_database(database: Path) -> str | None:
    """Where a home of an earlier version was made, by the place of its experiments' files."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.DatabaseError):
        query = "SELECT artifact_location FROM experiments WHERE artifact_location LIKE '/%/artifacts'"
        for (location,) in connection.execute(query):
            return str(Path(location).parent)
    return None


def _rewrite_database(root: Path, former: str) -> None:
    """Keep a copy, then rewrite every text that holds the former place, in one transaction."""
    draft = root / f".{KEPT}.part"
    with closing(sqlite3.connect(root / DATABASE, isolation_level=None)) as connection:
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(draft)) as copy:
            connection.backup(copy)
        os.replace(draft, root / KEPT)
        connection.create_function("moved", 1, lambda text: rewrite(text, former, str(root)), deterministic=True)
        connection.execute("BEGIN IMMEDIATE")
        for table, column in list(_text_columns(connection)):
            connection.execute(
                f'UPDATE "{table}" SET "{column}" = moved("{column}") WHERE instr("{column}", ?)',
                (former,),
            )
        connection.execute("COMMIT")


def _text_columns(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            if "CHAR" in kind.upper() or "TEXT" in kind.upper():
                yield table, column


def _rewrite_notes(root: Path, former: str) -> None:
    """The events that tables were read from, where they lie in the home: a property of the table."""
    for folder, note in read_notes(root):
        moved = _moved(note, former, str(root))
        if moved != note:
            write_note(folder, moved)


def _moved(value: Any, former: str, now: str) -> Any:
    """Whatever JSON holds, with every text rewritten."""
    if isinstance(value, str):
        return rewrite(value, former, now)
    if isinstance(value, list):
        return [_moved(one, former, now) for one in value]
    return {key: _moved(one, former, now) for key, one in value.items()} if isinstance(value, dict) else value


def _rewrite_runs(root: Path, former: str) -> None:
    """The records of runs, whose parameters later runs repeat, and their pages."""
    from localrun.run.page import write_page
    from localrun.run.record import JobRun, past_runs

    for folder, run in past_runs(root / "runs"):
        before = json.loads(run.to_json())
        after = _moved(before, former, str(root))
        if after != before:
            write_page(folder, JobRun.from_json(json.dumps(after)))
