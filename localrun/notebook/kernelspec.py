"""How our kernel is started, and how editors learn of it."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from localrun.notebook.source import KERNEL, KERNEL_TITLE

HOME, SCHEMAS, PROJECT = "PROPENSITY_HOME", "PROPENSITY_SCHEMAS", "PROPENSITY_PROJECT"
ROOT = Path(__file__).parents[2]
# The package is found without its folder staying on the path: a notebook must bring its own.
_BOOT = "import sys; sys.path.insert(0, {root!r}); from localrun.notebook.{module} import main; main()"


def command() -> list[str]:
    """The command line of a kernel, with Jupyter's placeholder for the connection file."""
    return [sys.executable, "-c", _BOOT.format(root=str(ROOT), module="kernel"), "-f", "{connection_file}"]


def template_command() -> list[str]:
    """The command line of the process that forks kernels."""
    return [sys.executable, "-c", _BOOT.format(root=str(ROOT), module="template")]


def install_kernelspec(
    prefix: Path,
    home: Path,
    project: Path,
    *,
    schemas: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Path:
    """Make the kernel known to every Jupyter and editor that looks below `prefix`.

    Parameters
    ----------
    prefix : Path
        A virtual environment; the kernel lands in its `share/jupyter/kernels`.
    home : Path
        Where the kernel's Spark finds and keeps its tables.
    project : Path
        The folder with `notebooks/`.
    schemas, environment
        Schemas that must exist, and what else the kernel finds in its environment.

    Returns
    -------
    Path
        The folder of the kernel.
    """
    folder = prefix / "share" / "jupyter" / "kernels" / KERNEL
    folder.mkdir(parents=True, exist_ok=True)
    places = {HOME: str(home.resolve()), SCHEMAS: " ".join(schemas), PROJECT: str(project.resolve())}
    spec = {
        "argv": command(),
        "display_name": KERNEL_TITLE,
        "language": "python",
        "env": {**(environment or {}), **places},
    }
    (folder / "kernel.json").write_text(json.dumps(spec, indent=1), encoding="utf-8")
    return folder
