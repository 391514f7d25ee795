"""Every notebook finds `lib` by its own first cell, wherever it lies and wherever its process was started."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.layouts import lay_out

PROJECT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (PROJECT / "notebooks").glob("*.py"))
# A process like a workspace's: the notebook's folder on the path, and in a Git folder its root too.
FIRST_CELL = """
import json, sys
from types import SimpleNamespace
notebook, root, *path = json.loads(sys.argv[1])
sys.path += path
source = open(notebook, encoding="utf-8").read()
widgets = SimpleNamespace(text=lambda name, default: None, get={"bundle_root": root}.__getitem__)
cell = next(part for part in source.split("# COMMAND ----------") if "sys.path" in part)
exec(cell, {"dbutils": SimpleNamespace(widgets=widgets)})
print(sys.modules["lib"].__file__)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A deployed folder, and beside it another package of the name `lib` that somebody else put there."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "elsewhere" / "lib").mkdir(parents=True)
    (folder / "elsewhere" / "lib" / "__init__.py").touch()
    return lay_out(folder / "files")


def found(notebook, *, root="", start, path=()):
    """Where the notebook finds `lib`."""
    asked = json.dumps([str(notebook), str(root), *map(str, path)])
    done = subprocess.run(
        [sys.executable, "-P", "-c", FIRST_CELL, asked], cwd=start, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.mark.job
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_in_a_job_the_parameter_says_where(files, name):
    elsewhere = files.parent / "elsewhere"
    notebook = files / "notebooks" / name
    module = found(notebook, root=files, start=elsewhere, path=[elsewhere, notebook.parent])
    assert module == files / "lib" / "__init__.py"


@pytest.mark.job
@pytest.mark.parametrize("git_folder", [False, True])
def test_by_hand_it_is_the_folder_above(files, git_folder):
    notebook = files / "notebooks" / "train.py"
    path = [files.parent / "elsewhere", notebook.parent, *([files] if git_folder else [])]
    assert found(notebook, start=notebook.parent, path=path) == files / "lib" / "__init__.py"


@pytest.mark.job
def test_on_one_machine_it_is_this_project():
    notebook = PROJECT / "notebooks" / "train.py"
    assert found(notebook, start=notebook.parent) == PROJECT / "lib" / "__init__.py"


def test_there_is_one_way_and_every_notebook_shows_it():
    cells = {
        next(part for part in (PROJECT / "notebooks" / name).read_text().split("# COMMAND") if "sys.path" in part)
        .split("\n\nfrom lib")[0]
        for name in NOTEBOOKS
    }  # fmt: skip
    assert len(cells) == 1
