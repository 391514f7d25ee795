"""What a run says of its questions, side by side: a table, and a small page that leads to the report of each."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from lib.report.amounts import format_day
from lib.report.tables import format_share

HEADS = {
    "question": "Question", "asked": "Asked", "quality": "Quality", "users": "Users", "expected": "Of them expected",
    "contact": "To contact first", "mean": "Average probability", "verdict": "Verdict", "failed": "Failed",
}  # fmt: skip


NUMBERS = ("users", "expected", "contact", "mean")
STYLE = """
:root { color-scheme: light dark; --paper: #fff; --text: #1b2129; --quiet: #566170; --line: #cfd6de; --link: #1d5fbf }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --text: #e6eaef; --quiet: #a3afbd; --line: #46515e;
  --link: #7fb2ff } }
body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; margin: 1.25rem auto;
  max-width: 90rem; padding: 0 1rem; background: var(--paper); color: var(--text); overflow-wrap: break-word }
a { color: var(--link) }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; font-size: .875rem; min-height: 1.4rem }
h1 { font-size: 1.75rem; line-height: 1.2 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { white-space: nowrap; vertical-align: bottom }
th, td { text-align: left; padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.n, th.n { text-align: right }
td:first-child { font-weight: 600 }
@media (max-width: 820px) {
  h1 { font-size: 1.4rem }
  table, tbody { display: block }
  thead { display: none }
  tr { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .6rem 0; border-bottom: 1px solid var(--line) }
  td, td.n { border: 0; padding: 0; text-align: left }
  td:nth-child(-n + 2) { flex-basis: 100% }
  td:nth-child(n + 3)::before { content: attr(data-title) " "; color: var(--quiet) }
}
"""


def side_by_side(questions: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per question; what is not known of one is null."""
    return pd.DataFrame(list(questions), columns=list(HEADS))


def render_side_by_side(table: pd.DataFrame, reports: Mapping[str, str], as_of: str) -> str:
    """The same as a page of HTML that loads nothing; `reports` are files beside its folder, by question."""
    shown = [name for name in HEADS if name != "failed" or table[name].notna().any()]
    heads = "".join(f"<th{_kind(name)}>{HEADS[name]}</th>" for name in shown)
    rows = "".join(_row(row, shown, reports) for row in table.to_dict("records"))
    day = format_day(as_of)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width, initial-scale=1">'
        f"<title>All questions, {escape(day)}</title><style>{STYLE}</style></head><body>"
        '<nav class="around" aria-label="Other pages"></nav>'
        f"<main><h1>All questions of the run of {escape(day)}</h1>"
        '<div class="scroll" role="region" tabindex="0" aria-label="All questions">'
        f"<table><thead><tr>{heads}</tr>"
        f"</thead><tbody>{rows}</tbody></table></div></main></body></html>\n"
    )


def _row(row: Mapping[Any, Any], shown: Sequence[str], reports: Mapping[str, str]) -> str:
    cells = {name: "-" if pd.isna(row[name]) else _format(name, row[name]) for name in shown}
    if report := reports.get(str(row["question"])):
        folder, name = PurePosixPath(report).parts[-2:]
        cells["question"] = f'<a href="../{escape(folder)}/{escape(name)}">{cells["question"]}</a>'
    tds = (f'<td{_kind(name)} data-title="{HEADS[name]}">{cell}</td>' for name, cell in cells.items())
    return f"<tr>{''.join(tds)}</tr>"


def _kind(name: str) -> str:
    return ' class="n"' if name in NUMBERS else ""


def _format(name: str, value: Any) -> str:
    if name == "mean":
        return escape(format_share(value))
    if isinstance(value, float):  # of users, where a question beside it has none, too
        return f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))
