"""Data files inside installed packages, and outputs that are written whole or not at all."""

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from datasets.errors import DatasetError


def locate_packaged(module: str, distribution: str, inner: str) -> Path:
    """Locate the file or folder `inner` of an installed module, without running any of the module's code."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise DatasetError(
            f"The package {distribution} is not installed, and its data is wanted. "
            "Install what requirements-local.txt lists, with this Python's pip."
        )
    path = Path(spec.origin).parent / inner
    if not path.exists():
        raise DatasetError(
            f"The installed package {distribution} has no {inner}. "
            "Install the version that requirements-local.txt pins."
        )
    return path


def write_once(target: Path, write: Callable[[Path], None]) -> Path:
    """Make `target`, a file or a folder, unless it is there already; return it.

    `write` fills a draft beside the target, which one rename then puts in place: a writer killed
    halfway leaves no target, so the next call begins anew. The draft's folder starts with a dot,
    which Spark and other readers of folders pass over.
    """
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".draft-") as scratch:
            draft = Path(scratch, target.name)
            write(draft)
            draft.rename(target)
    return target
