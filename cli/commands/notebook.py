"""`notebook NAME`: one notebook as a Jupyter file with the last run's values, and the kernel that it runs in."""

import argparse
import itertools
import json
import os
import shlex
import sys
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from cli.errors import CliError
from cli.local.home import Home, open_home
from cli.local.last_values import LastValues, read_last_values
from cli.local.machine import SOCKET_LETTERS
from cli.local.plan import SCHEMA
from cli.options import PROJECT
from localrun.notebook.defaults import fill_defaults
from localrun.notebook.kernelspec import install_kernelspec
from localrun.notebook.source import KERNEL_TITLE, to_ipynb

# Jupyter's own kernels listen on ports of the machine. Commands need a key there, but whoever connects may read along
# what cells print (jupyter_client 8.10, ipykernel 7.4); files that are sockets lie in a folder of the user's own.
_SOCKETS = "--KernelManager.transport=ipc"
_BELOW_RUNTIME = len("/kernel-00000000-0000-0000-0000-000000000000-ipc-5")


def main(arguments: argparse.Namespace) -> int:
    """Write the file below the home, never over one that is there, and say how to open it."""
    names = sorted(path.stem for path in (PROJECT / "notebooks").glob("*.py"))
    name = arguments.name.removesuffix(".py")
    if name not in names:
        raise CliError(f"There is no notebook {name!r}. There is {', '.join(names)}.")
    home = open_home(arguments.home)
    last = read_last_values(home)
    notebook = to_ipynb(PROJECT / "notebooks" / f"{name}.py")
    filled = fill_defaults(notebook, last.values) if last else []
    install_kernelspec(Path(sys.prefix), home.root, PROJECT, schemas=[SCHEMA], environment=home.environment())
    file = _new_file(home, name)
    file.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    print(file, _format_values(last, filled), *_format_opening(file), sep="\n")
    print(f"A job runs notebooks/{name}.py: bring there what you want to keep.")
    return 0


def _new_file(home: Home, name: str) -> Path:
    folder = home.root / "notebooks"
    folder.mkdir(exist_ok=True)
    numbers = itertools.count(2)
    file = folder / f"{name}.ipynb"
    while file.exists():
        file = folder / f"{name}-{next(numbers)}.ipynb"
    return file


def _format_values(last: LastValues | None, filled: list[str]) -> str:
    if last is None:
        return "Its widgets hold the defaults, since no run has prepared anything yet. Start with: ./propensity run"
    written = f"hold what run {last.run_id} was asked: {', '.join(sorted(filled))}" if filled else "hold the defaults"
    return f"Its widgets {written}."


def _format_opening(file: Path) -> list[str]:
    """The file is named, and not its folder's parent: Jupyter serves the folder of a file, and no hidden one below."""
    jupyter = shlex.quote(str(Path(sys.prefix) / "bin" / "jupyter"))
    fits = len(os.fsencode(jupyter_runtime_dir())) + _BELOW_RUNTIME <= SOCKET_LETTERS
    ports = "where whoever has an account on this machine can read what its cells print"
    return [
        f"Jupyter: {jupyter} lab {f'{_SOCKETS} ' * fits}{shlex.quote(str(file))}",
        *([] if fits else [f"Its kernel listens on ports, {ports}: set JUPYTER_RUNTIME_DIR to a shorter path."]),
        f"VS Code: open the file, and choose the kernel {KERNEL_TITLE!r} of {sys.prefix}. It opens ports, {ports}.",
    ]
