"""Databricks source format: a Python file whose comments mark the cells of a notebook."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localrun.errors import NotebookError

if TYPE_CHECKING:
    from nbformat import NotebookNode

HEADER = "# Databricks notebook source"
KERNEL = "propensity"
KERNEL_TITLE = "Propensity (local Spark)"
_COMMAND = re.compile(r"^# COMMAND -+[ \t]*$", re.MULTILINE)
_TITLE = re.compile(r"# DBTITLE \d+,(.*)")
_MAGIC = re.compile(r"^# MAGIC ?")
_LANGUAGE = re.compile(
    r"%(md|python|sql|sh)(?:-sandbox)?(?:[ \t]+|\n|$)"
)  # of a whole cell; %run and %pip are of a line


def to_ipynb(path: Path) -> "NotebookNode":
    """Read one notebook as Jupyter knows it, without outputs.

    Raises
    ------
    NotebookError
        If the file cannot be read or lacks the header line.
    """
    try:
        header, _, body = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookError(f"Notebook {path} cannot be read: {error}. Correct its path or its text.") from error
    if header.rstrip() != HEADER:
        raise NotebookError(f"Notebook {path} must have {HEADER!r} as its first line, found {header!r}.")
    from nbformat import v4  # only whoever runs a notebook waits for it

    new: Any = v4  # its functions carry no types
    notebook: NotebookNode = new.new_notebook(cells=list(_cells(new, body)))
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"  # the same file gives the same notebook
    notebook.metadata.kernelspec = {"name": KERNEL, "display_name": KERNEL_TITLE, "language": "python"}
    notebook.metadata.title = path.stem
    return notebook


def notebook_file(path: Path) -> Path:
    """The file that a notebook's path names: on the platform it goes without `.py`."""
    return path if path.suffix == ".py" else path.with_name(f"{path.name}.py")


def _cells(new: Any, body: str) -> "Iterator[NotebookNode]":
    for part in _COMMAND.split(body):
        lines = part.strip("\n").splitlines()
        if lines and (title := _TITLE.match(lines[0])):
            yield new.new_markdown_cell(f"#### {title[1]}")
            lines = lines[1:]
        text = "\n".join(_MAGIC.sub("", line) for line in lines).strip("\n")
        magic = _LANGUAGE.match(text)
        if magic and magic[1] == "md":
            yield new.new_markdown_cell(text[magic.end() :].strip("\n"))
        elif magic and magic[1] == "python":
            yield new.new_code_cell(text[magic.end() :])
        elif magic:
            yield new.new_code_cell(f"%%{magic[1]}\n{text[magic.end() :]}")
        elif text.strip():
            yield new.new_code_cell(text)
