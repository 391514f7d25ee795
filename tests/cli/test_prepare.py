"""The installation's last step, a first start of Spark, is a convenience: whatever becomes of it, all else works."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli import prepare
from localrun.errors import LocalRunError, SetupError, SparkServerError
from localrun.spark import java
from localrun.spark.java import Java

ROOT = Path(__file__).parents[2]
JAVA = Java(Path("/usr/bin/java"), 'openjdk version "21.0.8"')


class Server:
    """Pretends to be Spark: `error` is what comes of waiting for it, `alone` whether Java ends by itself."""

    error: Exception | None = None
    alone = True
    longest = 0.0

    def __init__(self, home: Path, schemas: list[str], log: Path, *, java_flags: list[str]) -> None:
        self.url = "sc://localhost:1"
        self.archive = Path(java_flags[0].partition("=")[2])

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None: ...

    def wait_ready(self, *, longest: float) -> None:
        Server.longest = longest
        if self.error:
            raise self.error

    def stop(self, grace: float) -> bool:
        self.archive.write_text("classes")
        return self.alone


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that has all but the archive, which is returned."""
    monkeypatch.setattr(prepare, "storage", lambda: tmp_path)
    monkeypatch.setattr(prepare, "class_archive", lambda java: tmp_path / "classes-new.jsa")
    monkeypatch.setattr(prepare, "bring_java", lambda: JAVA)
    monkeypatch.setattr(prepare, "bring_delta", lambda java: None)
    monkeypatch.setattr(prepare, "SparkServer", Server)
    monkeypatch.setattr(prepare, "_practise", lambda url: None)
    for name, value in (("error", None), ("alone", True)):
        monkeypatch.setattr(Server, name, value)
    return tmp_path / "classes-new.jsa"


def test_a_start_that_works_leaves_the_archive(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (archive.parent / "classes-old.jsa").write_text("of another Java")

    assert prepare.main() == 0

    assert [path.name for path in archive.parent.iterdir()] == ["classes-new.jsa"]
    assert capsys.readouterr().err == ""
    assert Server.longest == 300  # on a busy machine; half of what a run waits


def test_java_and_jars_are_the_same_by_whatever_link_they_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    programs = [tmp_path / name / "java" for name in ("real", "link")]
    programs[0].touch()
    monkeypatch.setattr(java, "class_path", lambda: "/one/*")
    archives = []
    for program in programs:
        monkeypatch.setattr(sys, "prefix", str(program.parent))
        archives.append(java.class_archive(Java(program, JAVA.version)))

    assert archives[0] == archives[1]
    assert java.class_archive(Java(programs[0], "another")) != archives[0]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            SparkServerError("The local Spark server has ended. The end of /x/log:\n  one\nIs enough memory free?"),
            "The local Spark server has ended.",
        ),
        (SetupError("Java could not dump its own classes. It said:\n  no"), "Java could not dump its own classes."),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device."),
        (RuntimeError(), "RuntimeError."),
    ],
)
def test_a_start_that_fails_is_told_in_one_line(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, told: str
) -> None:
    monkeypatch.setattr(Server, "error", error)
    (archive.parent / "classes-old.jsa").write_text("of another Java")

    assert prepare.main() == 0

    assert capsys.readouterr().err == (
        f"  that start failed: {told} All is installed; until it succeeds, Spark starts more slowly. "
        f"The log is {archive.parent / 'first-start.log'}; to try again, delete .venv/ready.\n"
    )
    assert str(error) in (archive.parent / "first-start.log").read_text()
    assert not archive.exists()


def test_what_spark_cannot_do_is_told_the_same_way(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(url: str) -> None:
        raise ValueError("no merge")

    monkeypatch.setattr(prepare, "_practise", fails)
    assert prepare.main() == 0
    told = capsys.readouterr().err
    assert "that start failed: Spark starts but does not work here: ValueError: no merge. All" in told


def test_an_archive_cut_short_is_not_kept(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Server, "alone", False)
    assert prepare.main() == 0
    assert not archive.exists()
    assert "that start failed: Java had not written down its classes after 180 s. All" in capsys.readouterr().err


@pytest.mark.parametrize("step", ["bring_java", "bring_delta"])
def test_what_every_run_needs_is_no_convenience(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: str
) -> None:
    def fails(*_: object) -> None:
        raise LocalRunError("It is not there.")

    monkeypatch.setattr(prepare, step, fails)
    assert prepare.main() == 1
    assert capsys.readouterr().err == "error: It is not there.\n"
    assert not archive.exists()


# Makes an environment with itself inside, and prepares it for real but for a Spark that is never ready in time.
PYTHON = """\
#!/bin/sh
case "$*" in
*ensurepip* | "-c import pip" | "-m pip "*) ;;
"-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
"-P -m cli.prepare") exec {python} -P {script} ;;
"-P -m cli"*) exec {python} "$@" ;;
esac
"""
SLOW = """\
from pathlib import Path
from cli import prepare
from localrun.spark import java
from localrun.spark.java import Java
from localrun.spark.server import SparkServer

def late(self, longest):
    self._log.write_text("WARN it takes its time\\n")
    raise prepare.LocalRunError(self._report(f"was not ready after {longest:g} s"))

prepare.bring_java = lambda: Java(Path("/usr/bin/java"), "21")
prepare.bring_delta = lambda java: None
prepare.storage = lambda: Path(ROOM)
prepare.class_archive = lambda java: Path(ROOM, "classes.jsa")
SparkServer.start, SparkServer.wait_ready = lambda self: None, late
raise SystemExit(prepare.main())
"""


def test_an_installation_that_cannot_start_spark_in_time_is_an_installation(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy(ROOT / "propensity", root)
    files = ("requirements.txt", "requirements-local.txt", "constraints.txt", "pyproject.toml")
    for name in (*files, "cli", "localrun", "lib", "datasets"):
        (root / name).symlink_to(ROOT / name)
    script = tmp_path / "slow.py"
    script.write_text(SLOW.replace("ROOM", repr(str(tmp_path))))
    (tmp_path / "python").write_text(PYTHON.format(python=sys.executable, script=script))
    (tmp_path / "python").chmod(0o755)

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        own = {"PYTHON": str(tmp_path / "python"), "PATH": os.defpath}
        return subprocess.run([root / "propensity", *arguments], env=own, capture_output=True, text=True, check=False)

    first = call("rnu")  # help alone would install nothing

    assert "that start failed: The local Spark server was not ready after 300 s. All is installed" in first.stderr
    installing, _, said = first.stderr.partition("installed.\n")
    assert installing
    assert "Did you mean run?" in said
    assert (root / ".venv" / "ready").exists()
    again = call("rnu")
    assert (again.returncode, again.stderr) == (first.returncode, said)  # and nothing is installed a second time
