"""What a run shows on a terminal: a row for the job and each running task, with counts and the time that is left."""

from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from cli.local.bars import Bars, Pace, expected_seconds, open_bars
from cli.local.progress import Progress, format_closing, format_results
from localrun.platform.state import State
from localrun.run.record import JobRun, TaskRun


def a_run(**states: State) -> JobRun:
    tasks = {
        key: TaskRun(key=key, notebook=key, depends_on=[], state=state, begun=0.0) for key, state in states.items()
    }
    return JobRun(
        run_id="1",
        job="propensity",
        target="dev",
        started="2024-06-01T00:00:00",
        parameters={},
        changed=[],
        tasks=tasks,
    )


def terminal() -> Console:
    return Console(file=StringIO(), force_terminal=True, width=110, color_system=None, _environ={"TERM": "xterm"})


def drawn(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_rows_show_what_runs_what_it_does_and_how_far_it_is() -> None:
    console = terminal()
    with Bars(console, {"train": 60.0}) as bars:
        progress = Progress("1", bars=bars)
        progress.changed(a_run(extract=State.SUCCESS, train=State.RUNNING, publish=State.PENDING))
        progress.line("train", "trial 3/30: logistic")
        bars.draw()

    shown = drawn(console)
    assert "▸ train: running\n" in shown
    assert "  train | trial 3/30: logistic\n" in shown
    rows = [line.split() for line in shown.splitlines() if "left" in line]
    assert [words for words in rows if "propensity" in words and "1/3" in words and "1:00" in words]
    assert [words for words in rows if "train" in words and "3/30" in words and "logistic" in words]


def test_the_job_needs_what_its_tasks_need_and_nothing_of_one_that_is_passed_over() -> None:
    console = terminal()
    with Bars(console, {"extract": 40.0, "retrain": 600.0, "publish": 20.0}) as bars:
        before = a_run(extract=State.SUCCESS, retrain=State.PENDING, publish=State.PENDING)
        bars.changed(before)
        assert bars.minutes_left("1") == "10:20"
        bars.changed(a_run(extract=State.SUCCESS, retrain=State.EXCLUDED, publish=State.RUNNING))
        assert bars.minutes_left("1") == "0:20"


def test_rows_go_when_what_they_show_has_ended() -> None:
    console = terminal()
    with Bars(console, {}) as bars:
        progress = Progress("1", bars=bars)
        progress.changed(a_run(train=State.RUNNING))
        progress.changed(a_run(train=State.SUCCESS))
        assert bars.rows == ["propensity"]
        ended = a_run(train=State.SUCCESS)
        ended.state = State.SUCCESS
        progress.changed(ended)
        assert bars.rows == []
        progress.line("train", "a late word 1/2")  # of a task without a row

    assert "  train | a late word 1/2\n" in drawn(console)


def test_a_long_line_or_one_with_brackets_is_printed_as_it_stands() -> None:
    console = terminal()
    text = "[red]" + "x" * 200 + "[/red]"
    with Bars(console, {}) as bars:
        bars.say(text)

    assert f"{text}\n" in drawn(console)


@pytest.mark.parametrize(("notes", "total", "now", "left"), [
    ([], 0, 104.0, 56.0),  # by the last time: 60 s, 4 of them gone
    ([], 0, 170.0, 0.0),  # it takes longer than then
    ([(1, 110.0)], 10, 112.0, 48.0),  # one count has no pace
    ([(1, 110.0), (3, 114.0)], 10, 115.0, 13.0),  # 2 s each, 7 to go, 1 s gone
    ([(1, 110.0), (3, 114.0), (3, 118.0)], 10, 118.0, 10.0),  # the same count again is no step
    ([(1, 110.0), (9, 114.0), (1, 120.0), (2, 125.0)], 4, 125.0, 10.0),  # another round has its own pace
    ([(1, 110.0), (2, 111.0)], 2, 115.0, 0.0),
])  # fmt: skip
def test_time_left_is_told_by_counts_else_by_the_last_time(
    notes: list[tuple[int, float]], total: float, now: float, left: float
) -> None:
    pace = Pace(100.0, 60.0)
    for count, at in notes:
        pace.note(count, at)

    assert pace.seconds_left(total, now) == left


def test_without_counts_and_a_last_time_no_time_is_told() -> None:
    assert Pace(100.0, 0.0).seconds_left(0, 104.0) is None


def test_the_last_time_is_the_newest_in_which_a_task_succeeded() -> None:
    new, old = a_run(train=State.FAILED, publish=State.SUCCESS), a_run(train=State.SUCCESS, publish=State.SUCCESS)
    new.tasks["train"].seconds, new.tasks["publish"].seconds = 1.0, 2.0
    old.tasks["train"].seconds, old.tasks["publish"].seconds = 3.0, 4.0

    assert expected_seconds([new, old]) == {"train": 3.0, "publish": 2.0}


@pytest.mark.parametrize("console", [
    Console(file=StringIO()),
    Console(file=StringIO(), force_terminal=True, _environ={"TERM": "dumb"}),
], ids=["piped", "dumb"])  # fmt: skip
def test_where_nobody_watches_there_are_no_bars(tmp_path: Path, console: Console) -> None:
    assert open_bars(tmp_path, "propensity", console) is None


def test_a_home_without_runs_has_bars_too(tmp_path: Path) -> None:
    assert isinstance(open_bars(tmp_path, "propensity", terminal()), Bars)


def test_a_summary_that_was_told_is_not_told_again() -> None:
    said: list[str] = []
    progress = Progress(say=said.append)
    run = a_run(train=State.SUCCESS, publish=State.SUCCESS)
    run.tasks["train"].values["summary"] = "Verdict: good.\n  One."
    run.tasks["publish"].values["summary"] = "Published.\n  The list."
    for line in ("Verdict: good.", "  One.", "Published."):
        progress.line("train" if line != "Published." else "publish", line)

    closing = list(format_closing(run, Path("runs"), progress.has_told))

    assert [line for line in closing if "Verdict" in line or "Published" in line] == ["Published.\n  The list."]


def test_a_task_that_is_silent_is_told_of_every_five_seconds_and_later_every_thirty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, said = [0.0], []
    monkeypatch.setattr("cli.local.progress.time.monotonic", lambda: now[0])
    progress = Progress(say=lambda text: said.append((now[0], text)))
    run = a_run(extract=State.SUCCESS, train=State.RUNNING, publish=State.PENDING)
    for second in range(0, 130, 2):
        now[0] = float(second)
        if second == 6:
            progress.line("train", "  counting")
        progress.changed(run)
    told = [pair for pair in said if "train |" in pair[1]]
    assert told[:4] == [
        (4.0, "  train | starting ... 4 s"), (6.0, "  train |   counting"),
        (10.0, "  train | counting ... 4 s"), (14.0, "  train | counting ... 8 s"),
    ]  # fmt: skip
    times = [at for at, _ in told]
    assert [after - before for before, after in pairwise(times[1:16])] == [4.0] * 14  # from the word at 6 s on
    assert times[15:] == [62.0, 90.0, 118.0]
    assert not any("extract |" in text or "publish |" in text for _, text in said)


def test_on_a_terminal_the_rows_tell_that_a_task_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    console = terminal()
    with Bars(console, {}) as bars:
        progress = Progress("1", bars=bars)
        progress.changed(a_run(train=State.RUNNING))
        monkeypatch.setattr("cli.local.progress._SILENT_SECONDS", 0.0)
        progress.changed(a_run(train=State.RUNNING))
    assert "starting" not in drawn(console)


def test_results_are_the_list_the_report_and_the_file(tmp_path: Path) -> None:
    report, export = tmp_path / "report.html", tmp_path / "list.csv"
    report.touch()
    export.touch()
    run = a_run(publish=State.SUCCESS)
    assert list(format_results(run, tmp_path)) == []
    run.tasks["publish"].values["report"] = str(report)
    run.parameters = {"export": "none"}
    told = [f"list      {tmp_path / 'audience'}", f"report    {report}"]
    assert list(format_results(run, tmp_path)) == told
    run.parameters = {"export": str(export)}
    assert list(format_results(run, tmp_path)) == [*told, f"file      {export}"]
    run.tasks["publish"].state = State.FAILED  # it may have been written, and is not in use
    assert list(format_results(run, tmp_path)) == []
