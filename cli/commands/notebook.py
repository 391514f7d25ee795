"""`notebook NAME`: one notebook as a Jupyter file, and the kernel that it runs in."""

import argparse
import itertools
import json
import sys
from pathlib import Path

from cli.errors import CliError
from cli.local.home import open_home
from cli.local.plan import SCHEMA
from cli.options import PROJECT
from localrun.notebook.kernelspec import install_kernelspec
from localrun.notebook.source import KERNEL_TITLE, to_ipynb


def main(arguments: argparse.Namespace) -> int:
    """Write the file below the home, never over one that is there, and say how to open it."""
    names = sorted(path.stem for path in (PROJECT / "notebooks").glob("*.py"))
    name = arguments.name.removesuffix(".py")
    if name not in names:
        raise CliError(f"There is no notebook {name!r}. There is {', '.join(names)}.")
    home = open_home(arguments.home)
    install_kernelspec(Path(sys.prefix), home.root, PROJECT, schemas=[SCHEMA], environment=home.environment())
    folder = home.root / "notebooks"
    folder.mkdir(exist_ok=True)
    numbers = itertools.count(2)
    file = folder / f"{name}.ipynb"
    while file.exists():
        file = folder / f"{name}-{next(numbers)}.ipynb"
    file.write_text(json.dumps(to_ipynb(PROJECT / "notebooks" / f"{name}.py"), indent=1), encoding="utf-8")
    print(f"{file}\nOpen it in Jupyter or VS Code and choose the kernel {KERNEL_TITLE!r} of {sys.prefix}.")
    print(f"A job runs notebooks/{name}.py: bring there what you want to keep.")
    return 0
