"""What a machine lacks is one line, with the way out, and is found before a run starts where it can be."""

import errno
import importlib
import io
import os
from types import SimpleNamespace

import pytest

from cli.__main__ import main
from cli.errors import CliError
from cli.local import machine
from cli.local.home import open_home
from cli.local.machine import check_machine
from localrun.errors import format_machine_error


@pytest.fixture
def home(tmp_path):
    return open_home(tmp_path / "home")


def refused(home):
    with pytest.raises(CliError) as told:
        check_machine(home)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_sound_machine_passes_and_nothing_is_left(home):
    check_machine(home)
    assert sorted(path.name for path in home.root.iterdir()) == ["clean.json", "place"]


@pytest.mark.parametrize(("letters", "refusal"), [(78, False), (79, True), (99, True)])
def test_a_tmpdir_too_long_for_sockets(home, tmp_path, monkeypatch, letters, refusal):
    scratch = str(tmp_path)[:10] + "/x" * 60
    monkeypatch.setattr(machine.tempfile, "gettempdir", lambda: scratch[: letters - 1] + "y")
    monkeypatch.setattr(machine.tempfile, "NamedTemporaryFile", lambda **_: io.BytesIO())
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**40))
    monkeypatch.setattr(machine, "_runs_programs", lambda _: True)
    if not refusal:
        check_machine(home)
        return
    assert refused(home).endswith(
        f", {letters} bytes long: sockets in it may not exceed 107, so 78 are the most. Set TMPDIR to a shorter path."
    )


@pytest.mark.parametrize(
    ("code", "way"),
    [
        (errno.EROFS, "Read-only file system. That file system is read-only: choose another place."),
        (errno.EACCES, "Permission denied. You may not: choose a place that is yours, or ask its owner."),
        (errno.ENOSPC, "No space left on device. The disk is full: make room, and call this again."),
    ],
)
def test_a_home_that_cannot_be_written_to(home, monkeypatch, code, way):
    def fails(dir, **_):
        raise OSError(code, os.strerror(code), f"{dir}/.propensity-x")

    monkeypatch.setattr(machine.tempfile, "NamedTemporaryFile", fails)
    assert refused(home) == f"The home {home.root} cannot be written to: {home.root}/.propensity-x: {way}"


def test_a_disk_that_is_nearly_full(home, monkeypatch):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=150 * 2**20))
    assert refused(home) == (
        f"The home {home.root} has 150 MB left, and a run needs 200. Make room, or choose another place."
    )


def test_a_tmpdir_that_runs_no_programs(home, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(machine.subprocess, "run", denied)
    assert refused(home).endswith(
        " runs no programs (it is mounted noexec), and Spark unpacks some there. Set TMPDIR to another folder."
    )


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/a/b"),
         "/a/b: No space left on device. The disk is full: make room, and call this again."),
        (MemoryError(), "Memory is used up: free some, and call this again."),
        (OSError(errno.EMFILE, "Too many open files"),
         "Too many open files. Too many files are open: raise the limit (ulimit -n)."),
    ],
)  # fmt: skip
def test_whatever_command_meets_it_says_it_in_one_line(monkeypatch, tmp_path, capsys, error, line):
    def fails(_):
        raise error

    monkeypatch.setattr(importlib.import_module("cli.commands.ui"), "main", fails)
    assert main(["ui", "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"error: {line}\n"


def test_an_error_that_no_person_can_mend_stays_a_traceback(monkeypatch, tmp_path):
    def fails(_):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(importlib.import_module("cli.commands.ui"), "main", fails)
    with pytest.raises(OSError, match="Bad file descriptor"):
        main(["ui", "--home", str(tmp_path)])


def test_what_spark_passes_on_is_told_in_the_same_words():
    class SparkException(Exception):
        __module__ = "pyspark.errors.exceptions.connect"

    java = "Job aborted due to stage failure: java.io.IOException: No space left on device\n\nJVM stacktrace:\n at x"
    assert format_machine_error(SparkException(java)) == (
        "No space left on device. The disk is full: make room, and call this again."
    )
    assert format_machine_error(SparkException("java.lang.OutOfMemoryError: Java heap space")).startswith("OutOfMemory")
    assert format_machine_error(ValueError("No space left on device")) == ""
