"""JSON as SELECTs of DuckDB: every value as the text that stands there, as `lib/sources/json_files.py` reads it."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lib.errors import SourceError
from lib.looking.spelling import quoted, spelled
from lib.looking.texts import open_file, unpacking
from lib.sources.files import File
from lib.sources.headers import SHOWN
from lib.sources.json_files import LINES, NEXT, TEXTS, check_keys, key_twice, no_object, not_utf_8, several

if TYPE_CHECKING:
    import duckdb

_LIST, _ROWS, _MARKED = "array", "newline_delimited", "auto"  # of lines the first may have a mark of the byte order
_MARK = b"\xef\xbb\xbf"
_SEEN = 1000  # lines in which a key that stands twice is looked for
_NEXT, _TEXTS = (re.compile(text.encode()) for text in (NEXT, TEXTS))


def json_calls(
    engine: "duckdb.DuckDBPyConnection", events: str, files: Sequence[File]
) -> list[tuple[str, Sequence[str], Sequence[File]]]:
    """Calls that read files that are one list each, and those with an object a line; the keys, and the files.

    The last bracket of a call is left to whoever says more in it.

    Raises
    ------
    SourceError
        If what stands there is no JSON, or could be read in two ways; as a run says it where it can.
    """
    groups: dict[str, list[File]] = {}
    for file in files:
        groups.setdefault(_form(events, file), []).append(file)
    return [(*_call(engine, events, same, form), same) for form, same in groups.items()]


def _form(events: str, file: File) -> str:
    """How a file is written, of which every line is looked at."""
    form = ""
    with unpacking(events, file), open_file(file) as stream:
        for number, line in enumerate(stream):
            if number < _SEEN:
                _check_once(events, file, line)
            if b"\x00" in line or not (line.isascii() or _is_utf_8(line)):
                raise not_utf_8(events, file)
            form = form or _tell_form(line)
            if form != _LIST and _NEXT.search(line) and _NEXT.search(_TEXTS.sub(b"", line)):
                raise several(events, file, f"a line holds several, {line[:SHOWN].decode('utf-8', 'ignore')!r}")
    return form or _ROWS


def _check_once(events: str, file: File, line: bytes) -> None:
    """Refuse a key that stands twice, which every line has where one does."""
    try:
        json.loads(line, object_pairs_hook=lambda pairs: _Keys(key for key, _ in pairs))
    except _Twice as twice:
        raise key_twice(events, file, str(twice)) from None
    except ValueError:
        return


class _Twice(Exception):
    pass


class _Keys(set[str]):
    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__()
        for key in keys:
            if key in self:
                raise _Twice(key)
            self.add(key)


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _tell_form(line: bytes) -> str:
    start = line.removeprefix(_MARK).lstrip()
    rows = _MARKED if line.startswith(_MARK) else _ROWS
    return _LIST if start.startswith(b"[") else rows if start else ""


def _call(
    engine: "duckdb.DuckDBPyConnection", events: str, files: Sequence[File], form: str
) -> tuple[str, Sequence[str]]:
    import duckdb

    names = "[" + ", ".join(spelled(file.address) for file in files) + "]"
    said = f"format = '{form}'" + (", ignore_errors = true" if form == _ROWS else "")  # a line that is none is a row
    objects = f"SELECT json FROM read_json_objects({names}, {said})"
    try:
        row = engine.execute(f"SELECT CAST(json_group_structure(json) AS VARCHAR) FROM ({objects})").fetchone()
    except duckdb.Error as error:
        raise _unreadable(events, files, error) from error
    keys = json.loads(row[0]) if row and row[0] else None
    if not isinstance(keys, dict) or not keys:
        raise no_object(events, files[0])
    check_keys(events, files[0], list(keys))
    named = {key: _type(kind) for key, kind in keys.items() if key}
    columns = ", ".join(f"{spelled(key)}: {spelled(kind)}" for key, kind in named.items())
    return f"read_json({names}, {said}, records = true, columns = {{{columns}}}", list(named)


def _type(kind: Any) -> str:
    """Objects by their fields, all else as its text."""
    fields = {name: one for name, one in kind.items() if name} if isinstance(kind, dict) else {}
    alike = {name.lower() for name in fields}
    if not fields or len(alike) < len(fields):
        return "VARCHAR"
    return f"STRUCT({', '.join(f'{quoted(name)} {_type(one)}' for name, one in fields.items())})"


def _unreadable(events: str, files: Sequence[File], error: Exception) -> SourceError:
    said = str(error).splitlines()[0]
    parts = re.search(r'file "(.*?)", (.*)', said)
    where, what = (parts[1], parts[2]) if parts else (files[0].name, said)
    return SourceError(
        f"The events {events!r} cannot be read: in {where}, {what.rstrip('. ')}. A file that begins with [ is one list "
        f"and nothing else. {LINES}"
    )
