"""Widgets that begin with other values: only defaults change, and only to what the notebook can declare."""

from pathlib import Path

import pytest

from localrun.notebook.defaults import fill_defaults
from localrun.notebook.source import to_ipynb

HEADER = "# Databricks notebook source\n"
CELL = "\n# COMMAND ----------\n"


@pytest.fixture
def fill(tmp_path: Path):
    """The code cells of a notebook with these values, and the names of those that were written."""

    def do(values, *cells):
        (tmp_path / "n.py").write_text(HEADER + CELL.join(cells), encoding="utf-8")
        notebook = to_ipynb(tmp_path / "n.py")
        filled = fill_defaults(notebook, values)
        return [cell.source for cell in notebook.cells if cell.cell_type == "code"], filled

    return do


def test_a_default_is_replaced_and_all_else_stays(fill):
    source = (
        "# how long\n"
        'dbutils.widgets.text("days", "", "Tage für alle: 28")  # of the horizon\n'
        'dbutils.widgets.text("schema", "a.b", "Schema")\n'
        'größe = "ü"; dbutils.widgets.text("one", "", "One"); dbutils.widgets.text("two", "", "Two")\n'
        'config = dbutils.widgets.get("days")'
    )
    values = {"days": "7", "schema": "a.b", "one": "1", "two": 'o\'ne "q" \\ ü', "config": "x"}
    (filled,), names = fill(values, source)
    assert filled == (
        "# how long\n"
        'dbutils.widgets.text("days", "7", "Tage für alle: 28")  # of the horizon\n'
        'dbutils.widgets.text("schema", "a.b", "Schema")\n'
        'größe = "ü"; dbutils.widgets.text("one", "1", "One"); '
        'dbutils.widgets.text("two", "o\'ne \\"q\\" \\\\ ü", "Two")\n'
        'config = dbutils.widgets.get("days")'
    )
    assert sorted(names) == ["days", "one", "two"]


def test_a_dropdown_takes_what_it_offers(fill):
    source = 'dbutils.widgets.dropdown("a", "", ["", "false", "true"])\ndbutils.widgets.dropdown("b", "", ["", "x"])'
    (filled,), names = fill({"a": "true", "b": "y"}, source)
    assert filled.splitlines()[0] == 'dbutils.widgets.dropdown("a", "true", ["", "false", "true"])'
    assert filled.splitlines()[1] == source.splitlines()[1]
    assert names == ["a"]


def test_cells_of_other_languages_and_computed_defaults_stay(fill):
    cells = ('# MAGIC %sql SELECT \'dbutils.widgets.text("a", "")\'', 'dbutils.widgets.text("a", str(1))')
    sources, names = fill({"a": "2"}, *cells)
    assert sources == ['%%sql\nSELECT \'dbutils.widgets.text("a", "")\'', cells[1]]
    assert names == []


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "notebooks").glob("*.py")), ids=lambda p: p.stem)
def test_every_notebook_of_ours_takes_values_and_stays_python(path):
    notebook = to_ipynb(path)
    filled = fill_defaults(notebook, {"action": "it's", "schema": "a.b", "without": "true"})
    assert "schema" in filled
    for cell in notebook.cells:
        if cell.cell_type == "code":
            compile(cell.source, path.stem, "exec")
