"""The page of an executed notebook: it says what was used, and fits its reader's screen and theme."""

from pathlib import Path

import pytest
from nbformat import v4

from localrun.notebook.html import render_notebook

WIDGETS = """# parameters begin: widgets; written
dbutils.widgets.text("action", "", "Action")
# parameters end

config = 1"""


@pytest.fixture(scope="module")
def notebook():
    made = v4.new_notebook(cells=[v4.new_code_cell(WIDGETS), v4.new_code_cell("print(2)")])
    made.cells[1].outputs = [v4.new_output("stream", name="stdout", text="two")]
    return made


def test_it_shows_the_parameters_as_used_in_the_place_of_the_widgets(notebook):
    page = render_notebook(notebook, Path("train.py"), "train", "SUCCESS", 1.5, {"action": "<b>", "seed": ""})
    assert "<summary>2 parameters as used</summary>" in page
    assert "<td>action</td><td><code>&lt;b&gt;</code></td></tr><tr><td>seed</td><td>blank</td>" in page
    assert "widgets.text" not in page
    assert "the widgets: their values stand above" in page
    assert "two" in page
    assert "dbutils.widgets.text" in notebook.cells[0].source  # the notebook itself stays


def test_one_that_was_given_nothing_shows_itself(notebook):
    page = render_notebook(notebook, Path("train.py"), "train", "SUCCESS", 1.5)
    assert "parameters as used" not in page
    assert "widgets" in page


def test_it_fits_a_phone_follows_light_and_dark_and_leads_back(notebook):
    page = render_notebook(notebook, Path("train.py"), "train", "FAILED", 1.5)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert page.count("prefers-color-scheme: dark") == 2  # the page's own colours, and those of code
    assert '<nav class="around" aria-label="Other pages"><a href="index.html">This run</a></nav>' in page
