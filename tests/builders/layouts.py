"""A folder as a deployment leaves it in a workspace."""

import shutil
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def lay_out(files: Path) -> Path:
    """What a run needs of what is uploaded, and nothing else of the project."""
    for name in ("notebooks", "lib"):
        shutil.copytree(PROJECT / name, files / name, ignore=shutil.ignore_patterns("__pycache__"))
    return files
