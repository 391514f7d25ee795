"""A home in one file, and back: its databases as they stand at one moment, whoever has them open."""

import os
import sqlite3
import tarfile
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from cli.errors import CliError
from cli.local.home import KEY_FILE, RESTORING, Home

_DATABASES = ("mlflow.db", "optuna.db")  # a browser with the MLflow UI may write to one of them
_LEFT_OUT = ("run.lock", KEY_FILE, *(f"{name}{end}" for name in _DATABASES for end in ("-wal", "-shm", "-journal")))


def write_archive(home: Home, target: Path) -> None:
    """Write all of a home into one file, for its owner's eyes only; whoever calls holds the home's lock.

    Raises
    ------
    CliError
        If the file lies in the home, is there already, or cannot be written.
    """
    target = target.expanduser().absolute()
    if target.resolve().is_relative_to(home.root):
        raise CliError(f"{target} lies in the home that is to be backed up. Name a file elsewhere.")
    if target.exists():
        raise CliError(f"{target} is there already. Name a new file, or move that one away.")
    draft = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        opener = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opener, "wb") as file, tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
            for path in sorted(home.root.iterdir()):
                if path.name in _DATABASES:
                    _add_database(archive, path)
                elif path.name not in _LEFT_OUT:
                    archive.add(path, arcname=path.name)
        os.replace(draft, target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise CliError(f"{target} cannot be written: {error.strerror or error}. Nothing was backed up.") from error


def read_archive(source: Path, root: Path) -> Home:
    """Unpack a home where there is none yet, marked as not ready; returns the home that it was made of.

    Raises
    ------
    CliError
        If something is there, or the file is no backup, or cannot be read or unpacked.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise CliError(f"There is something in {root}. Restore into a --home that is not there yet, or is empty.")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root.parent, prefix=".restore-") as scratch:
            with tarfile.open(source, "r:gz") as archive:
                archive.extractall(scratch, filter="data")
            if not (Path(scratch) / "place").exists():
                raise CliError(f"{source} is no backup of a home: it does not say where that lay. Name another file.")
            former = (Path(scratch) / "place").read_text(encoding="utf-8").partition("\n")[0].strip()
            root.mkdir(mode=0o700, exist_ok=True)
            (root / RESTORING).touch()
            for path in Path(scratch).iterdir():
                path.rename(root / path.name)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise CliError(f"{source} cannot be restored into {root}: {error}. Name another file or folder.") from error
    return Home(Path(former))


def _add_database(archive: tarfile.TarFile, path: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".backup-") as copy:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy.name)) as target:
            source.backup(target)
        archive.add(copy.name, arcname=path.name)
