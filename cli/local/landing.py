"""The page of a home: its questions with their newest lists, its runs, and the links that lead from page to page."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from cli.local import questions
from cli.local.home import Home
from cli.local.registered import registered_models, registered_versions
from lib.config.bases import ModelConfig
from lib.registry.versions import questions_of
from lib.report.amounts import format_day
from lib.whole_files import write_whole
from localrun.run.graph import LOOKS
from localrun.run.page import HEADLINE, format_line, run_links
from localrun.run.record import JobRun, past_runs
from localrun.run.shell import neighbours, put_around, relative, render_document

NEXT_RUN = "next_run"  # a file in the home, while `schedule` waits: the moment, ISO
_SHOWN = 60  # runs


def write_pages(home: Home) -> None:
    """Write the page of a home, and link its pages up, back and forward; no user's id stands in any of this.

    What goes wrong is a warning: it is no reason for a run to fail.
    """
    try:
        runs = list(past_runs(home.runs))
        write_whole(home.root / "index.html", _render(home, runs).encode())
        _link(home, runs)
    except Exception as error:  # noqa: BLE001 - whatever it was, what was to be done is done
        print(f"warning: the home's page was not written: {type(error).__name__}: {error}", flush=True)


def _render(home: Home, runs: Sequence[tuple[Path, JobRun]]) -> str:
    name = home.root.parent.name if home.root.name.startswith(".") else home.root.name
    cards = [_question(home, config, runs) for config in questions_of(registered_models(home))]
    parts = [
        f"<header><h1>{escape(name)}</h1><p>{_next_run(home)}{_side_by_side(home)}</p></header>",
        *(cards or ["<section><h2>No question yet</h2><p>The first run that ends makes one.</p></section>"]),
        f'<section><h2>Runs</h2><div class="scroll">{_runs(home, runs[:_SHOWN])}</div></section>',
        "<section><h2>More</h2><p><code>./propensity models</code> lists every version and when it was in use, "
        "<code>./propensity ui</code> opens the models and their searches, <code>./propensity audience</code> the "
        "lists.</p></section>",
    ]
    return render_document(f"{name}: questions and runs", parts)


def _next_run(home: Home) -> str:
    path = home.root / NEXT_RUN
    due = datetime.fromisoformat(path.read_text(encoding="utf-8").strip()) if path.exists() else None
    if due is None or due < datetime.now(UTC):  # whoever waited has gone
        return "No run is scheduled here: ./propensity schedule waits for the next one."
    return f"Next run: {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC, while ./propensity schedule waits for it."


def _side_by_side(home: Home) -> str:
    """A link to the newest page of a run that asked several questions."""
    pages = sorted((home.root / "reports" / "questions").glob("????-??-??.html"))
    return f' <a href="{relative(pages[-1], home.root)}">All questions side by side</a>' if pages else ""


def _question(home: Home, config: ModelConfig, runs: Sequence[tuple[Path, JobRun]]) -> str:
    """A card: the newest list, what to do with it, and the models in use."""
    parts = [f"<h2>{escape(str(config.question))}</h2>"]
    lists = questions.rows(home, config, "publications").sort_values("number")
    lists = lists[lists["kind"] != "recorded"]
    if len(lists):
        newest = lists.iloc[-1]
        made = lists[(lists["cutoff"] == newest["cutoff"]) & (lists["kind"] == "published")]["run_id"].tail(1).tolist()
        run = next(((folder, run) for folder, run in runs if run.run_id in made), None)
        headline = _headline(home, config, run[1]) if run else ""
        parts += [f"<p>Newest list: {format_day(newest['cutoff'])}, {newest['users']:,} users.</p>"]
        parts += map(format_line, headline.splitlines())
        report = home.root / "reports" / config.question.slug / f"{newest['cutoff']}.html"
        links = [("Report of the list", report)] * report.is_file() + ([("Run", run[0] / "index.html")] if run else [])
        anchors = (f'<a class="file" href="{escape(relative(path, home.root))}">{text}</a>' for text, path in links)
        parts += [f"<p>{' '.join(anchors)}</p>"]
    parts += [f"<p>{escape(_champion(home, config))}</p>"]
    return f"<section>{''.join(parts)}</section>"


def _headline(home: Home, config: ModelConfig, run: JobRun) -> str:
    """What a run said of a question: noted by question where it asked several."""
    notes = questions.rows(home, config, "question_runs")
    notes = notes[(notes["run_id"] == run.run_id) & (notes["stage"] == "publish")].sort_values("number")
    if len(notes):
        return str(json.loads(notes["said"].iloc[-1]).get(HEADLINE, ""))
    return next((str(task.values[HEADLINE]) for task in run.tasks.values() if task.values.get(HEADLINE)), "")


def _champion(home: Home, config: ModelConfig) -> str:
    champion = next((one for one in registered_versions(home, config) if one.in_use), None)
    if champion is None:
        return "No models are in use."
    since = f" since {format_day(champion.champion_since)}" if champion.champion_since else ""
    through = f", trained through {format_day(champion.trained_through)}" if champion.trained_through else ""
    return f"Models in use: version {champion.prediction_version}{since}{through}."


def _runs(home: Home, runs: Sequence[tuple[Path, JobRun]]) -> str:
    rows = []
    for folder, run in runs:
        look = LOOKS[run.state]
        about = run.parameters.get("action", "")
        rows.append(
            f'<tr><td><a href="{escape(relative(folder / "index.html", home.root))}">{escape(run.run_id)}</a></td>'
            f'<td><span class="badge {look.css}">{look.sign} {look.words}</span></td><td>{escape(run.job)}</td>'
            f"<td>{escape(about)}</td><td>{_format_started(run)}</td></tr>"
        )
    head = "<tr><th>Run</th><th>Result</th><th>Job</th><th>Action</th><th>Started</th></tr>"
    return f'<table class="stacked"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _format_started(run: JobRun) -> str:
    started = datetime.fromisoformat(run.started).astimezone(UTC)
    return f"{format_day(started.date())}, {started:%H:%M} UTC"


def _link(home: Home, runs: Sequence[tuple[Path, JobRun]]) -> None:
    landing = home.root / "index.html"
    for folder, run in runs:
        if run.state.is_final and (folder / "index.html").is_file():
            put_around(folder / "index.html", run_links(folder))
    for folder, run in runs[:1]:  # notebooks of earlier runs are linked already
        pages = list(_notebooks(folder, run))
        for place, page in enumerate(pages):
            put_around(page, [("This run", "index.html"), *neighbours(pages, place, ("← Task before", "Next task →"))])
    for folder in sorted((home.root / "reports").glob("*/")):
        pages = sorted(folder.glob("????-??-??.html"))
        for place, page in enumerate(pages):
            up = ("All questions and runs", relative(landing, folder))
            put_around(page, [up, *neighbours(pages, place, ("← List before", "Next list →"))])


def _notebooks(folder: Path, run: JobRun) -> Iterator[Path]:
    for task in run.tasks.values():
        for name in task.attempts:
            if (folder / name).is_file():
                yield folder / name
