"""What a notebook asks for and hands on, read from its source without running it."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localrun.errors import LocalRunError
from localrun.notebook.source import HEADER

_WIDGETS = ("text", "dropdown", "combobox", "multiselect", "get", "getArgument")
_SET, _GET = "dbutils.jobs.taskValues.set", "dbutils.jobs.taskValues.get"


@dataclass(frozen=True)
class Notebook:
    """Widgets declared or read; keys of the task values set and read.

    `widgets` and `sets` are None when a name is no constant, so that it might be any. `gets` holds (task,
    key); a read with a default is not in it, because it does not need the value.
    """

    widgets: frozenset[str] | None
    sets: frozenset[str] | None
    gets: frozenset[tuple[str, str]]


def scan(path: Path) -> Notebook:
    """Read one notebook in Databricks source format.

    Raises
    ------
    LocalRunError
        If the file is missing, lacks the header line, or is not Python.
    """
    try:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except OSError as error:
        raise LocalRunError(f"notebook {path}: {error.strerror}. Correct notebook_path.") from error
    except SyntaxError as error:
        raise LocalRunError(
            f"notebook {path.name}: line {error.lineno}: {error.msg}. Write magics as # MAGIC."
        ) from error
    if source.partition("\n")[0].rstrip() != HEADER:
        raise LocalRunError(f"notebook {path.name} must have {HEADER!r} as its first line.")
    return Notebook(
        _names(_calls(tree, [f"dbutils.widgets.{kind}" for kind in _WIDGETS], "name")),
        None if _is_setter_handed_on(tree) else _names(_calls(tree, [_SET], "key")),
        frozenset(
            (task, key)
            for task, key, default in _calls(tree, [_GET], "taskKey", "key", "default")
            if task and key and default is None
        ),
    )


def _is_setter_handed_on(tree: ast.AST) -> bool:
    """Is the setter of task values used without being called, so that somebody else calls it?"""
    mentions = sum(ast.unparse(node) == _SET for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return mentions > len(list(_calls(tree, [_SET])))


def _names(calls: Iterable[tuple[Any, ...]]) -> frozenset[str] | None:
    names = frozenset(name for (name,) in calls)
    return names if all(names) else None


def _calls(tree: ast.AST, functions: Sequence[str], *names: str) -> Iterator[tuple[Any, ...]]:
    """The arguments `names` of each call of the functions: None if not given, "" if no constant."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in functions:
            arguments = dict(zip(names, node.args, strict=False)) | {key.arg: key.value for key in node.keywords}
            values = [arguments.get(name) for name in names]
            yield tuple(getattr(value, "value", "") if value else None for value in values)
