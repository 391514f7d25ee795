"""What a machine may lack for a run, found before it starts: each in one line, with the way out."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cli.errors import CliError
from cli.local.home import Home
from localrun.errors import format_machine_error

SOCKET_LETTERS = 107  # more does no system take for the path of a socket
_BELOW_TMP = len("/propensity-task-12345678/k-5")
LEAST_MB = 200  # a run of the built-in year writes some 60


def check_machine(home: Home) -> None:
    """Refuse to start where a run could not end.

    Raises
    ------
    CliError
        The message names the place.
    """
    for problem in _problems(home.root, Path(tempfile.gettempdir())):
        raise CliError(problem)


def _problems(home: Path, scratch: Path) -> Iterator[str]:
    longest = SOCKET_LETTERS - _BELOW_TMP
    if len(str(scratch).encode()) > longest:
        yield (
            f"TMPDIR is {scratch}, {len(str(scratch).encode())} bytes long: sockets in it may not exceed "
            f"{SOCKET_LETTERS}, so {longest} are the most. Set TMPDIR to a shorter path."
        )
    for name, folder in (("The home", home), ("TMPDIR", scratch)):
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".propensity-") as file:
                file.write(bytes(4096))
        except OSError as error:
            yield f"{name} {folder} cannot be written to: {format_machine_error(error) or error}"
        free = shutil.disk_usage(folder).free // 2**20
        if free < LEAST_MB:
            yield f"{name} {folder} has {free} MB left, and a run needs {LEAST_MB}. Make room, or choose another place."
    if not _runs_programs(scratch):
        yield (
            f"TMPDIR {scratch} runs no programs (it is mounted noexec), and Spark unpacks some there. Set TMPDIR to "
            "another folder."
        )


def _runs_programs(folder: Path) -> bool:
    with tempfile.TemporaryDirectory(dir=folder, prefix="propensity-") as name:
        program = Path(name, "program")
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o700)
        try:
            return subprocess.run([program], check=False).returncode == 0
        except OSError:
            return False
