"""A Spark that is slow to start: waited for while it works, given up when it does nothing, and never for ever."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localrun.errors import SparkServerError
from localrun.spark import server as server_rules
from localrun.spark.patience import cpu_seconds, say_once, wait_for
from localrun.spark.server import SparkServer

BUSY = "The machine is busy: Spark is not ready after 120 s. Still waiting, up to 600 s ..."


class Clock(threading.Event):
    """An event whose waits take no time: it is set once so many seconds have gone by."""

    def __init__(self, ready_after: float) -> None:
        super().__init__()
        self.seconds, self.ready_after = 0.0, ready_after

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seconds = min(self.seconds + timeout, self.ready_after)
        return self.seconds >= self.ready_after


def wait(clock: Clock, share: Callable[[float], float]) -> tuple[str | None, list[str]]:
    """Wait for a process that has had `share(seconds)` of CPU; why it was given up, and what was said."""
    said: list[str] = []
    why = wait_for(clock, lambda: share(clock.seconds), seconds=120, longest=600, say=said.append)
    return why, said


@pytest.mark.parametrize(("after", "said"), [(5, []), (120, []), (121, [BUSY]), (599, [BUSY]), (600, [BUSY])])
def test_a_busy_machine_is_waited_for_and_said_once(after: float, said: list[str]) -> None:
    assert wait(Clock(after), lambda seconds: seconds / 100) == (None, said)


def test_there_is_a_bound() -> None:
    clock = Clock(601)
    why, said = wait(clock, lambda seconds: seconds / 100)
    assert why == "was not ready after 600 s, although it works: the machine is too busy"
    assert (clock.seconds, said) == (600, [BUSY])


@pytest.mark.parametrize(
    ("until", "why", "said"),
    [
        (0, "was not ready after 120 s and does nothing", []),
        (120, "was not ready after 240 s and does nothing", [BUSY]),
        (400, "was not ready after 600 s and does nothing", [BUSY]),
    ],
)
def test_what_does_nothing_is_given_up(until: float, why: str, said: list[str]) -> None:
    """An idle Java still spends a little: 0.9 s in each turn."""
    clock = Clock(1000)
    assert wait(clock, lambda seconds: min(seconds, until) + seconds * 0.9 / 120) == (why, said)


def test_two_who_wait_for_one_server_say_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    say = say_once()
    say(BUSY)
    say(BUSY)
    assert capsys.readouterr().err == f"{BUSY}\n"


@pytest.mark.job
def test_the_cpu_of_what_a_process_has_started_is_counted() -> None:
    code = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True); input()"
    command = ["/bin/sh", "-c", 'exec 3<&0; "$@" <&3 & wait', "sh", sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        assert 0.2 <= cpu_seconds(shell.pid) < 5
    assert cpu_seconds(shell.pid) == 0  # it is gone


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SparkServer]:
    """A server whose Java pretends: it lives, works and is never ready."""
    (tmp_path / "log").write_text("one\ntwo\n")
    made = SparkServer(tmp_path, [], tmp_path / "log")
    clock = Clock(1000)
    made._ready = clock
    made._process = Process()  # type: ignore[assignment]
    monkeypatch.setattr(server_rules, "cpu_seconds", lambda pid: clock.seconds)
    yield made
    if made._beside:
        made._beside.close()


class Process:
    pid = 1
    ended: int | None = None

    def poll(self) -> int | None:
        return self.ended


def test_a_server_that_is_not_ready_in_time_tells_the_end_of_its_log(
    server: SparkServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SparkServerError) as caught:
        server.wait_ready()

    assert str(caught.value).startswith("The local Spark server was not ready after 600 s, although it works")
    assert "one\n  two\n" in str(caught.value)
    assert capsys.readouterr().err == f"{BUSY}\n"


def test_a_java_that_ended_is_not_waited_for(
    server: SparkServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server._process, "ended", 1)
    monkeypatch.setattr(server_rules, "cpu_seconds", lambda pid: 0.0)

    with pytest.raises(SparkServerError, match=r"^The local Spark server has ended\. The end of .*log:\n  one\n  two"):
        server.wait_ready()

    assert capsys.readouterr().err == ""
