"""The marks `spark` and `job`: on every test that starts Spark, a kernel or a whole job, and on no other.

`./propensity check` runs the tests without a mark, so one that starts a process must not slip in there, and one that
starts nothing must not stay out. Both fail here, by what they did and not by what they import.
"""

import multiprocessing.process
import os
import re
import sys
from collections.abc import Iterator, Sequence

import pytest

MARKS = ("spark", "job")
SHARED = "spark_server"  # the fixture; one process serves each room's tests with it
_LONGEST = ("tests/spark", "tests/job")  # groups that take minutes each: begun at once, one in each process
_LIMIT_SECONDS = 600  # for one test with a mark, the making of what it shares with others included
_COSTLY = re.compile(r"java|python[\d.]*")
_started: list[str] = []
_costly_fixtures: set[tuple[str, str, str]] = set()  # where it is found, its name, its parameter
_collected = pytest.StashKey[list[pytest.Item]]()
_before = pytest.StashKey[int]()


def note_start(what: str) -> None:
    """Tell that the running test started something, or works on what another one started."""
    _started.append(what)


def is_costly(command: object) -> bool:
    """Whether a command is, or names, a Java or a Python; the shell and its tools cost nothing."""
    words = command if isinstance(command, Sequence) and not isinstance(command, str | bytes) else [command]
    names = [os.path.basename(os.fsdecode(word)) for word in words if isinstance(word, str | bytes | os.PathLike)]
    return "-version" not in names and any(_COSTLY.fullmatch(name) for name in names)


def find_fault(marked: bool, started: Sequence[str]) -> str | None:
    """What is wrong with a test's marks, given what it started or works on."""
    if started and not marked:
        return f"It starts {started[0]}. Mark it spark or job, or do without."
    if marked and not started:
        return "It is marked spark or job and starts nothing. Take the mark off: ./propensity check runs it then."
    return None


def collected(config: pytest.Config) -> list[pytest.Item]:
    """All tests that were collected, before -m and -k took any away."""
    return config.stash[_collected]


def is_marked(item: pytest.Item) -> bool:
    """Whether a test has one of the two marks."""
    return any(item.get_closest_marker(mark) for mark in MARKS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what works on the shared server; give each test its limit and its group; put the long ones first."""
    config.stash[_collected] = list(items)
    for item in items:
        if SHARED in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)
            item.add_marker(pytest.mark.xdist_group("/".join(item.nodeid.split("/")[:2])))
        if is_marked(item) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_LIMIT_SECONDS))
        if not item.get_closest_marker("xdist_group"):  # what a module makes once, one process makes
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: (not is_marked(item), _group(item) not in _LONGEST))


def _group(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest) -> Iterator[None]:
    """Remember which fixtures start something: a test that finds one made works on it all the same."""
    before = len(_started)
    made = yield
    if len(_started) > before:
        _costly_fixtures.add((fixturedef.baseid, fixturedef.argname, repr(getattr(request, "param", None))))
    return made


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Count from the test's first fixture on."""
    item.stash[_before] = len(_started)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Hold a test that passed to its marks."""
    result = yield
    if fault := find_fault(is_marked(item), [*_started[item.stash[_before] :], *_shared(item)]):
        pytest.fail(fault, pytrace=False)
    return result


def _shared(item: pytest.Item) -> list[str]:
    names = set(getattr(item, "fixturenames", ()))
    drawn = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return [f"what the fixture {name} does" for base, name, parameter in _costly_fixtures
            if name in names and item.nodeid.startswith(base) and parameter == repr(drawn.get(name))]  # fmt: skip


def _notice(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and is_costly(arguments[1] or arguments[0]):
        note_start(str(arguments[0]))


def _notice_workers() -> None:
    """The processes of a pool are started past that event."""
    start = multiprocessing.process.BaseProcess.start

    def notice(process: multiprocessing.process.BaseProcess) -> None:
        note_start("a process of multiprocessing")
        start(process)

    multiprocessing.process.BaseProcess.start = notice  # type: ignore[method-assign]


sys.addaudithook(_notice)
_notice_workers()
