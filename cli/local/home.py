"""The folder that holds all that runs store, and the lock that keeps two runs apart."""

import fcntl
import json
import os
import secrets
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from cli.errors import CliError
from cli.local import place, readers
from lib.config.kinds import NONE
from lib.config.secrets import variable
from lib.whole_files import write_whole

KEY_FILE = "forgotten.key"  # by which users who were forgotten are known again; in no backup
_SCOPE, _KEY = "propensity", "forgotten"  # as a secret
SETTINGS = "clean.json"  # the periods by which each run cleans up after itself; not there, all is kept
_NAP_SECONDS = 1.0  # between two looks at a lock that is waited for


@dataclass(frozen=True)
class Home:
    """Names of everything below one home; deleting the folder deletes it all."""

    root: Path

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def sources(self) -> Path:
        return self.root / "sources"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def database(self) -> Path:
        return self.root / "mlflow.db"

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.database}"

    def parameters(self) -> dict[str, str]:
        """Job parameters that say where this machine keeps things."""
        key = {"forgotten_key": f"secret({_SCOPE}/{_KEY})"} if self.forgotten_key() else {}
        return (
            (self.periods() or {})
            | key
            | {
                "compute": NONE,  # this machine, which is none of a workspace's
                "experiment": "propensity",
                "optuna_storage": f"sqlite:///{self.root / 'optuna.db'}",
                "reports": str(self.root / "reports"),
            }
        )

    def periods(self) -> dict[str, str] | None:
        """For how long the home was told to keep things, by parameters; None where it keeps all.

        Raises
        ------
        CliError
            If what was noted cannot be read.
        """
        path = self.root / SETTINGS
        if not path.exists():
            return None
        try:
            noted = json.loads(path.read_text(encoding="utf-8"))
            texts = {name if name.startswith("keep_") else f"keep_{name}_days": str(noted[name]) for name in noted}
        except (ValueError, TypeError) as error:
            raise CliError(f"{path} cannot be read: {error}. Delete it, and the home keeps all.") from error
        return texts

    def keep_for(self, periods: Mapping[str, str]) -> None:
        """Let each run of the home clean up by these parameters, and by what is usual where they say nothing."""
        write_whole(self.root / SETTINGS, (json.dumps(dict(periods), indent=2) + "\n").encode())

    def forgotten_key(self) -> str:
        """The key to the list of forgotten users; blank where nobody was forgotten, or it was not brought along."""
        with suppress(FileNotFoundError):
            return (self.root / KEY_FILE).read_text(encoding="ascii").strip()
        return ""

    def secrets(self) -> dict[str, str]:
        """What a task finds in its environment besides, and no file of a kernel may hold."""
        key = self.forgotten_key()
        return {variable(_SCOPE, _KEY): key} if key else {}

    def environment(self) -> dict[str, str]:
        """What every task's process finds in its environment."""
        return {
            "MLFLOW_TRACKING_URI": self.tracking_uri,
            "MLFLOW_REGISTRY_URI": self.tracking_uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing that runs here calls home
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # two files of this machine need none
            "PYSPARK_PYTHON": sys.executable,  # Spark's workers must be of the driver's version
            "TZ": "UTC",
            "OMP_WAIT_POLICY": "PASSIVE",  # Spark shares the cores: threads that spin while waiting slow fits threefold
        }


def open_home(path: Path) -> Home:
    """The home at `path`, made if it is not there; one that was moved there, copied or restored is made to fit.

    Raises
    ------
    CliError
        If it is no folder, has a path that MLflow would misread, or was moved and cannot be changed.
    """
    root = path.expanduser().resolve()
    if misread := next((letter for letter in "%?#" if letter in str(root)), ""):
        raise CliError(f"--home {path} has a {misread} in its path, which MLflow reads otherwise. Name another folder.")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        new = not root.exists()
        empty = new or not any(root.iterdir())
        root.mkdir(mode=0o700, exist_ok=True)  # which shuts all below it
        if empty:
            Home(root).keep_for({})  # the usual periods
        if new and (remark := readers.who_can_read(root)):
            print(f"{remark} This file system keeps no permissions, so that cannot be changed here.", flush=True)
    except OSError as error:
        raise CliError(f"--home {path} cannot be used as a folder: {error.strerror}.") from error
    home, former = Home(root), place.former_place(root)
    if former is None:
        with suppress(OSError):  # somebody else's, to be looked at: nothing is noted
            place.note_place(root)
        return home
    try:
        with lock_home(home, forgetting=True):
            place.settle(root, former)
    except (OSError, sqlite3.DatabaseError) as error:
        raise CliError(
            f"This home lay in {former} and lies in {root} now. Its models are known by whole paths, and these cannot "
            f"be rewritten: {error}. Make it writable, or restore its mlflow.db, and call this again."
        ) from error
    print(
        f"This home lay in {former} before: its models and notes lead to {root} now, and {place.KEPT} is MLflow's "
        "database as it was.",
        flush=True,
    )
    return home


def new_run_id(start: datetime) -> str:
    """An id for what is done in a home: ids sort by their start."""
    return f"{start:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


FORGETTING = "forgetting"  # a file that is there while users are taken out of the home: not before all is done
RESTORING = "restoring"  # and one until it is known whom a restored home must leave out


class HomeInUse(CliError):
    """Another process works in the home; the message names it."""


@contextmanager
def lock_home(home: Home, wait_until: datetime | None = None, *, forgetting: bool = False) -> Iterator[None]:
    """Hold the home for one run; another one that holds it is waited for as long as is asked for.

    The lock is the operating system's and ends with its process, so one that a killed run left is no lock.

    Raises
    ------
    HomeInUse
        If another run holds it.
    CliError
        If a call that takes users out of the home was cut off; only another such call may go on.
    """
    with (home.root / "run.lock").open("a+", encoding="utf-8") as file:
        told = ""
        while not _take(file):
            file.seek(0)
            holder = file.read().strip()
            if wait_until is None or datetime.now(UTC) >= wait_until:
                raise HomeInUse(
                    f"A run is under way in {home.root}, process {holder}. Wait for it, stop it, or choose another "
                    "--home."
                )
            if told != holder:
                print(f"waiting for process {holder}, which works in {home.root} ...", flush=True)
            told = holder
            time.sleep(_NAP_SECONDS)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        if not forgetting and (home.root / FORGETTING).exists():
            raise CliError(
                f"Users are half taken out of {home.root}: a call of ./propensity forget was cut off. Call it again "
                "with the same users; nobody has noted them."
            )
        if not forgetting and (home.root / RESTORING).exists():
            raise CliError(f"{home.root} is half restored: that was cut off. Delete the folder, and restore again.")
        yield


def _take(file: TextIO) -> bool:
    """Take the lock of an open file, unless somebody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
