"""What a notebook asks for and hands on, read from its source without running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localrun.errors import LocalRunError

HEADER = "# Databricks notebook source"
_WIDGETS = ("text", "dropdown", "combobox", "multiselect", "get", "getArgument")
_SET, _GET = "dbutils.jobs.taskValues.set", "dbutils.jobs.taskValues.get"


@dataclass(frozen=True)
class Notebook:
    """Widgets declared or read; keys of the task values set and read.

    `sets` is None when a key is not a constant, so that any might be set. `gets` holds (task, key); a read
    with a default is not in it, because it does not need the value.
    """

    widgets: frozenset[str]
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
        frozenset(name for kind in _WIDGETS for name, *_ in _calls(tree, f"dbutils.widgets.{kind}", "name")),
        _keys_set(tree),
        frozenset(
            (task, key)
            for task, key, default in _calls(tree, _GET, "taskKey", "key", "default")
            if task and key and default is None
        ),
    )


def _keys_set(tree: ast.AST) -> frozenset[str] | None:
    keys = [key for key, *_ in _calls(tree, _SET, "key")]
    mentions = sum(ast.unparse(node) == _SET for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return frozenset(keys) if len(keys) == mentions else None


def _calls(tree: ast.AST, function: str, *names: str) -> Iterator[tuple[Any, ...]]:
    """The arguments `names` of each call of `function` whose first one is a constant; others may be ""."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == function:
            given = dict(zip(names, node.args, strict=False)) | {
                word.arg: word.value for word in node.keywords
            }
            found = [given.get(name) for name in names]
            if isinstance(found[0], ast.Constant):
                yield tuple(getattr(value, "value", "") if value else None for value in found)
