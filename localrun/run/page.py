"""The folder that a run leaves: index.html as the workspace's run page would show it, and run.json."""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from localrun.platform.references import format_value
from localrun.platform.rules import State
from localrun.run.graph import LOOKS, draw
from localrun.run.record import Iteration, JobRun, TaskRun, past_runs

SUMMARY = "summary"  # the task value that the page shows as text of its own
REPORT = "report"  # the one that names a file for readers


def write_page(folder: Path, run: JobRun) -> None:
    """Write both files whole, so that a reader never meets a half; called with every change of the run."""
    for name, text in (("run.json", run.to_json()), ("index.html", render_page(run))):
        part = folder / f".{name}.part"
        part.write_text(text, encoding="utf-8")
        os.replace(part, folder / name)


def close_abandoned(runs: Path) -> None:
    """Show as canceled what a killed run left as running; for whoever knows that no run is under way."""
    for folder, run in past_runs(runs):
        if not run.state.is_final:
            run.state = State.CANCELED
            for task in run.tasks.values():
                if not task.state.is_final:
                    task.state = State.CANCELED if task.begun is not None else State.UPSTREAM_CANCELED
                for iteration in task.iterations:
                    if not iteration.state.is_final:
                        iteration.state = State.CANCELED
            write_page(folder, run)


def render_page(run: JobRun) -> str:
    """The page as HTML that needs nothing else; while the job runs it reloads itself."""
    reload = "" if run.state.is_final else '<meta http-equiv="refresh" content="2">'
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    started = datetime.fromisoformat(run.started).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    parts = [
        f"<header><h1>{escape(run.job)}</h1>{_badge(run.state)}"
        f"<p>Run <code>{escape(run.run_id)}</code> · started {started} · {run.seconds:.1f} s · target "
        f'{escape(run.target)} · <a href="run.json">run.json</a> · <a href="spark.log">Spark log</a></p>'
        "</header>",
        f'<section><h2>Tasks</h2><div class="scroll">{draw(run.tasks)}</div></section>',
        f'<section><div class="scroll">{_tasks(run)}</div></section>',
        _summaries(list(run.tasks.values())),
        f'<div class="columns"><section><h2>Parameters</h2>{_parameters(run)}</section>'
        f"<section><h2>Task values</h2>{_values(run.tasks.values())}</section></div>",
        f"<section><h2>Question file</h2><pre>{escape(run.asked)}</pre></section>" if run.asked else "",
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{reload}'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(run.job)} {escape(run.run_id)}: {LOOKS[run.state].words}</title>"
        f"<style>{style}</style></head><body><main>{''.join(parts)}</main></body></html>\n"
    )


def _badge(state: State) -> str:
    look = LOOKS[state]
    return f'<span class="badge {look.css}">{look.sign} {look.words}</span>'


def _table(heads: Iterable[str], rows: Iterable[str]) -> str:
    names = "".join(f'<th class="{"number" if head == "Seconds" else ""}">{head}</th>' for head in heads)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _tasks(run: JobRun) -> str:
    return _table(
        ["Task", "Result", "Seconds", "When", "Notebook"],
        (_task_row(task, max(run.seconds, 0.1)) for task in run.tasks.values()),
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
        f"{''.join(map(_iteration_row, task.iterations))}{error}"
    )


def _iteration_row(iteration: Iteration) -> str:
    """A run of another job, which has a page of its own beside this one's folder."""
    link = f'<a href="../{escape(iteration.run_id)}/index.html">run page</a>' if iteration.run_id else ""
    seconds = f"{iteration.seconds:.1f}" if iteration.run_id else ""
    return (
        f'<tr><td>{escape(iteration.label)}</td><td>{_badge(iteration.state)}</td><td class="number">{seconds}</td>'
        f"<td></td><td>{link}</td></tr>"
    )


def _summaries(tasks: Sequence[TaskRun]) -> str:
    texts = {task.key: str(task.values[SUMMARY]) for task in tasks if SUMMARY in task.values}
    blocks = "".join(f"<h3>{escape(key)}</h3><pre>{escape(text)}</pre>" for key, text in texts.items())
    files = [escape(Path(file).as_uri()) for file in reports(tasks)]
    blocks += "".join(f'<p><a href="{file}">Report of the list</a></p>' for file in files)
    return f"<section><h2>What came out</h2>{blocks}</section>" if blocks else ""


def reports(tasks: Iterable[TaskRun]) -> list[str]:
    """The files for readers that tasks have written."""
    named = [str(task.values[REPORT]) for task in tasks if task.values.get(REPORT)]
    return [file for file in named if Path(file).is_file()]


def _parameters(run: JobRun) -> str:
    return _table(
        ["Name", "Value"],
        (
            f'<tr><td class="{"changed" if name in run.changed else ""}">{escape(name)}</td>'
            f"<td><code>{escape(value)}</code></td></tr>"
            for name, value in run.parameters.items()
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
            if key != SUMMARY
        ),
    )
