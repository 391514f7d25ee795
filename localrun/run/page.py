"""The folder that a run leaves: index.html as the workspace's run page would show it, and run.json."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from localrun.platform.references import format_value
from localrun.platform.state import State
from localrun.run.graph import LOOKS, draw
from localrun.run.record import JobRun, TaskRun, past_runs
from localrun.run.shell import Link, neighbours, relative, render_document, replace_text

SUMMARY = "summary"  # the task value that the page shows as text of its own
HEADLINE = "headline"  # the one that says what to do, which it shows on top
REPORT = "report"  # the one that names a file for readers


def write_page(folder: Path, run: JobRun) -> None:
    """Write both files whole, so that a reader never meets a half; called with every change of the run."""
    for name, text in (("run.json", run.to_json()), ("index.html", render_page(run, folder))):
        replace_text(folder / name, text)


def close_abandoned(runs: Path) -> None:
    """Show as canceled what a killed run left as running; for whoever knows that no run is under way."""
    for folder, run in past_runs(runs):
        if not run.state.is_final:
            run.state = State.CANCELED
            for task in run.tasks.values():
                if not task.state.is_final:
                    task.state = State.CANCELED if task.begun is not None else State.UPSTREAM_CANCELED
            write_page(folder, run)


def render_page(run: JobRun, folder: Path = Path()) -> str:
    """The page as HTML that needs nothing else, to lie in a folder; while the job runs it reloads itself."""
    started = datetime.fromisoformat(run.started).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    tasks = list(run.tasks.values())
    parts = [
        f"<header><h1>{escape(run.job)}</h1>{_badge(run.state)}"
        f"<p>Run <code>{escape(run.run_id)}</code> · started {started} · {run.seconds:.1f} s · target "
        f'{escape(run.target)} · <a href="run.json">run.json</a> · <a href="spark.log">Spark log</a></p>'
        "</header>",
        _outcome(run, tasks, folder),
        f'<section><h2>Tasks</h2><div class="scroll graph">{draw(run.tasks)}</div><div class="scroll">{_tasks(run)}'
        "</div></section>",
        _summaries(tasks),
        f'<div class="columns"><section><h2>Parameters</h2>{_parameters(run)}</section>'
        f"<section><h2>Task values</h2>{_values(tasks)}</section></div>",
        f"<section><h2>Question file</h2><pre>{escape(run.asked)}</pre></section>" if run.asked else "",
    ]
    title = f"{run.job} {run.run_id}: {LOOKS[run.state].words}"
    return render_document(title, parts, run_links(folder), reload=not run.state.is_final)


def run_links(folder: Path) -> list[Link]:
    """Up to the home's page, where there is one, and to the runs before and after."""
    pages = sorted({*folder.parent.glob("*/index.html"), folder / "index.html"}) if folder.name else []
    landing = folder.parent.parent / "index.html"
    up = [("All questions and runs", relative(landing, folder))] if pages and landing.is_file() else []
    beside = neighbours(pages, pages.index(folder / "index.html"), ("← Run before", "Next run →")) if pages else []
    return [*up, *beside]


def _outcome(run: JobRun, tasks: Sequence[TaskRun], folder: Path) -> str:
    """What came out, on top: what failed, what to do with the list, and the files for its reader."""
    errors = [
        f'<p class="error"><b>{escape(task.key)}</b>: {escape(task.error)}</p>'
        for task in tasks
        if task.error and task.state in (State.FAILED, State.TIMEDOUT)
    ]
    lines = [line for task in tasks for line in str(task.values.get(HEADLINE) or "").splitlines()]
    report = "Reports of all lists" if len(run.each_question()) > 1 else "Report of the list"
    files = [(report, file) for file in reports(tasks)]
    if run.state is State.SUCCESS and files:
        files += [(f"File {Path(file).name}", file) for file in exports(run)]
    links = [f'<a class="file" href="{escape(relative(Path(file), folder))}">{text}</a>' for text, file in files]
    body = [*errors, *map(format_line, lines), f"<p>{' '.join(links)}</p>" if links else ""]
    return f"<section><h2>What came out</h2>{''.join(body)}</section>" if any(body) else ""


def format_line(line: str) -> str:
    """A sentence whose first words say what it is about; one without such words is the one to act on."""
    about, sign, rest = re.match(r"([^.;:?]*)([:?]?)(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
    if not sign:
        return f'<p class="do">{escape(line)}</p>'
    return f"<p><b>{escape(about + sign)}</b>{escape(rest)}</p>"


def _badge(state: State) -> str:
    look = LOOKS[state]
    return f'<span class="badge {look.css}">{look.sign} {look.words}</span>'


def _table(heads: Iterable[str], rows: Iterable[str], look: str = "") -> str:
    """A table; one whose look is `stacked` has a paragraph for each row where there is no room for columns."""
    kinds = {"Seconds": "number", "When": "wide"}
    names = "".join(f'<th class="{kinds.get(head, "")}">{head}</th>' for head in heads)
    return f'<table class="{look}"><thead><tr>{names}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _tasks(run: JobRun) -> str:
    return _table(
        ["Task", "Result", "Seconds", "When", "Notebook"],
        (_task_row(task, max(run.seconds, 0.1)) for task in run.tasks.values()),
        "stacked",
    )


def _task_row(task: TaskRun, total: float) -> str:
    seconds, bar = "", ""
    if task.has_seconds and task.begun is not None:
        seconds, left, width = f"{task.seconds:.1f}", 100 * task.begun / total, 100 * task.seconds / total
        bar = f'<i class="{LOOKS[task.state].css}" style="margin-left:{left:.1f}%;width:{width:.1f}%"></i>'
    links = " ".join(
        f'<a href="{escape(html)}">{"executed notebook" if i == len(task.attempts) else f"attempt {i}"}</a>'
        for i, html in enumerate(task.attempts, 1)
    )
    condition = escape("{left} {op} {right}".format_map(task.parameters)) if task.outcome else ""
    error = f'<tr class="error"><td colspan="5">{escape(task.error)}</td></tr>' if task.error else ""
    return (
        f"<tr><td><b>{escape(task.key)}</b></td><td>{_badge(task.state)}</td>"
        f'<td class="number">{seconds}</td><td class="wide"><div class="bar">{bar}</div></td>'
        f"<td>{links}{f'<code>{condition}</code> → {task.outcome}' if condition else ''}</td></tr>"
        f"{error}"
    )


def _summaries(tasks: Sequence[TaskRun]) -> str:
    texts = {task.key: str(task.values[SUMMARY]) for task in tasks if SUMMARY in task.values}
    blocks = "".join(f"<h3>{escape(key)}</h3><pre>{escape(text)}</pre>" for key, text in texts.items())
    return f"<section><h2>What each task says</h2>{blocks}</section>" if blocks else ""


def reports(tasks: Iterable[TaskRun]) -> list[str]:
    """The files for readers that tasks have written."""
    named = [str(task.values[REPORT]) for task in tasks if task.values.get(REPORT)]
    return [file for file in named if Path(file).is_file()]


def exports(run: JobRun) -> list[str]:
    """The files that lists were written to, as far as they are there: each question may name its own."""
    named = dict.fromkeys(parameters.get("export", "") for parameters in run.each_question().values())
    return [file for file in named if Path(file).is_absolute() and Path(file).is_file()]  # no word, like none


def _parameters(run: JobRun) -> str:
    return _table(
        ["Name", "Value"],
        (
            f'<tr><td class="{"changed" if name in run.changed else ""}">{escape(name)}</td>'
            f"<td><code>{escape(value)}</code></td></tr>"
            for name, value in sorted(run.parameters.items(), key=lambda item: item[0] not in run.changed)
        ),
    )


def _values(tasks: Iterable[TaskRun]) -> str:
    return _table(
        ["Task", "Key", "Value"],
        (
            f"<tr><td>{escape(task.key)}</td><td>{escape(key)}</td>"
            f"<td><code>{escape(format_value(value))}</code></td></tr>"
            for task in tasks
            for key, value in task.values.items()
            if key not in (SUMMARY, HEADLINE)
        ),
        "stacked",
    )
