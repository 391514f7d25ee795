"""The platform's magics that Jupyter lacks, or that mean another thing there."""

from pathlib import Path
from typing import Any

from localrun.notebook.display import display
from localrun.notebook.source import notebook_file, to_ipynb


def install(shell: Any) -> None:
    """Register them."""

    def sql(line: str, cell: str) -> None:
        """Show what a query gives."""
        display(shell.user_ns["spark"].sql(cell))

    def run(line: str) -> None:
        """Run another notebook's cells here, in this namespace."""
        file = notebook_file(Path(line.strip().strip("\"'")))
        for cell in to_ipynb(file).cells:
            if cell.cell_type == "code":
                exec(compile(shell.transform_cell(cell.source), file, "exec"), shell.user_ns)

    def pip(line: str) -> None:
        """Say why nothing is installed: the project's requirements are already there."""
        print(f"%pip {line.strip()}: left out, the local environment comes from requirements-local.txt")

    def restart(line: str) -> None:
        """Do nothing: nothing was installed that a restart would bring in."""

    shell.register_magic_function(sql, "cell", "sql")
    shell.register_magic_function(run, "line", "run")
    shell.register_magic_function(pip, "line", "pip")
    shell.register_magic_function(restart, "line", "restart_python")
