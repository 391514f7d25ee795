"""Databricks source becomes a Jupyter notebook, cell by cell."""

from pathlib import Path

import pytest

from localrun.errors import NotebookError
from localrun.notebook.source import KERNEL, notebook_file, to_ipynb

HEADER = "# Databricks notebook source\n"


@pytest.mark.parametrize(
    ("cell", "kind", "source"),
    [
        ("x = 1\n\ny = 2", "code", "x = 1\n\ny = 2"),
        ("# MAGIC %md # Title", "markdown", "# Title"),
        ("# MAGIC %md\n# MAGIC one\n# MAGIC\n# MAGIC - two", "markdown", "one\n\n- two"),
        ("# MAGIC %md-sandbox\n# MAGIC <b>x</b>", "markdown", "<b>x</b>"),
        ("# MAGIC %sql\n# MAGIC SELECT 1\n# MAGIC -- why", "code", "%%sql\nSELECT 1\n-- why"),
        ("# MAGIC %sql SELECT 1", "code", "%%sql\nSELECT 1"),
        ("# MAGIC %sh\n# MAGIC ls", "code", "%%sh\nls"),
        ("# MAGIC %python\n# MAGIC x = 1", "code", "x = 1"),
        ("# MAGIC %run ./other", "code", "%run ./other"),
        ("# MAGIC %pip install -r ../requirements.txt\nx = 1", "code", "%pip install -r ../requirements.txt\nx = 1"),
        ("# a comment on MAGIC %md", "code", "# a comment on MAGIC %md"),
        ("# DBTITLE 1,Results", "markdown", "#### Results"),
    ],
)
def test_a_cell_keeps_its_kind(tmp_path: Path, cell: str, kind: str, source: str) -> None:
    (tmp_path / "n.py").write_text(HEADER + cell + "\n")

    cells = to_ipynb(tmp_path / "n.py").cells

    assert [(each.cell_type, each.source) for each in cells] == [(kind, source)]


def test_cells_are_parted_where_the_marker_is_a_whole_line(tmp_path: Path) -> None:
    text = 'a = 1\n\n# COMMAND ----------\n\n\n# COMMAND ----------\nb = "# COMMAND ----------"\n'
    (tmp_path / "n.py").write_text(HEADER + text)

    assert [cell.source for cell in to_ipynb(tmp_path / "n.py").cells] == ["a = 1", 'b = "# COMMAND ----------"']


def test_a_title_stands_before_its_cell(tmp_path: Path) -> None:
    (tmp_path / "n.py").write_text(HEADER + "# DBTITLE 1,Results\ndisplay(x)\n")

    assert [cell.source for cell in to_ipynb(tmp_path / "n.py").cells] == ["#### Results", "display(x)"]


def test_the_same_file_gives_the_same_notebook_for_our_kernel(tmp_path: Path) -> None:
    (tmp_path / "n.py").write_text(HEADER + "x = 1\n")

    notebook = to_ipynb(tmp_path / "n.py")

    assert notebook == to_ipynb(tmp_path / "n.py")
    assert notebook.metadata.kernelspec.name == KERNEL


def test_a_file_without_the_header_is_no_notebook(tmp_path: Path) -> None:
    (tmp_path / "n.py").write_text("import os\n")

    with pytest.raises(NotebookError, match="'# Databricks notebook source' as its first line, found 'import os'"):
        to_ipynb(tmp_path / "n.py")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"n\.py cannot be read: .*No such file.*Correct its path"):
        to_ipynb(tmp_path / "n.py")


@pytest.mark.parametrize(("path", "file"), [("./a", "a.py"), ("../b/a.py", "../b/a.py"), ("a.b", "a.b.py")])
def test_a_notebook_goes_with_and_without_its_ending(path: str, file: str) -> None:
    assert notebook_file(Path(path)) == Path(file)
