"""Users who were forgotten stand in no notebook that somebody opened; all else of it stays."""

import json

import pytest

from cli.local.opened_notebooks import leave_out
from lib.audience.erasing import whole_words


def put(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": list(cells), "nbformat": 4}), encoding="utf-8")


def code(source, *texts):
    outputs = [{"output_type": "stream", "text": [text]} for text in texts]
    return {"cell_type": "code", "source": source, "outputs": outputs, "metadata": {}}


def test_outputs_and_lines_that_name_them_go_and_the_rest_stays(tmp_path):
    opened, kept, other = (tmp_path / "notebooks" / name for name in (
        "workbench.ipynb", ".ipynb_checkpoints/workbench-checkpoint.ipynb", "train.ipynb"
    ))  # fmt: skip
    cell = code("x = 1\nuser = 'müller'\ny = 2", "müller 0.5", "somebody 0.4")
    put(opened, cell, {"cell_type": "markdown", "source": ["# müller\n", "more"], "metadata": {}})
    put(kept, code(["pass"], "a\nmüller\n"))
    put(other, code("müllerei = 1", "u11"))
    before = other.read_bytes()
    words = whole_words(["müller", "u1"])
    assert leave_out(tmp_path, words) == 2
    first, second = json.loads(opened.read_text(encoding="utf-8"))["cells"]
    assert "".join(first["source"]) == "x = 1\ny = 2"
    assert [output["text"] for output in first["outputs"]] == [["somebody 0.4"]]
    assert second["source"] == ["more"]
    assert json.loads(kept.read_text(encoding="utf-8"))["cells"][0]["outputs"] == []
    assert other.read_bytes() == before
    assert leave_out(tmp_path, words) == 0
    assert leave_out(tmp_path / "nowhere", words) == 0


V3 = {"worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1\nmüller", "outputs": []}]}], "nbformat": 3}


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": [{"source": ["user = 1\\nm\\u00fcller',  # cut off, and as JSON spells it
        json.dumps(V3), json.dumps(V3, ensure_ascii=False), '[{"source": "müller"}]',
        json.dumps({"cells": [{"cell_type": "code"}, "müller"]}),
        json.dumps({"cells": [{"source": [], "outputs": "müller"}]}), "müller",
    ],
)  # fmt: skip
def test_what_is_no_notebook_of_today_goes_whole_where_it_names_them(tmp_path, text):
    path = tmp_path / "notebooks" / "own.ipynb"
    path.parent.mkdir()
    words = whole_words(["müller"])
    for other in ("", text.replace("üller", "üllerei").replace("u00fcller", "u00fcllerei")):
        path.write_text(other, encoding="utf-8")
        assert leave_out(tmp_path, words) == 0
        assert path.read_text(encoding="utf-8") == other
    path.write_text(text, encoding="utf-8")
    assert leave_out(tmp_path, words) == 1
    assert not path.exists()
