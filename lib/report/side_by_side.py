"""What a run says of its questions, side by side: a table, and a small page that leads to the report of each."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

HEADS = {
    "question": "Question", "asked": "Asked", "quality": "Quality", "users": "Users", "expected": "Of them expected",
    "contact": "To contact first", "mean": "Mean propensity", "verdict": "Verdict", "failed": "Failed",
}  # fmt: skip


STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
nav { font-size: 14px; min-height: 1.4rem }
nav a { margin-right: 1.2rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th { white-space: nowrap }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #8884; vertical-align: top }
"""


def side_by_side(questions: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per question; what is not known of one is null."""
    return pd.DataFrame(list(questions), columns=list(HEADS))


def render_side_by_side(table: pd.DataFrame, reports: Mapping[str, str], as_of: str) -> str:
    """The same as a page of HTML that loads nothing; `reports` are files beside its folder, by question."""
    heads = "".join(f"<th>{head}</th>" for head in HEADS.values())
    rows = "".join(_row(row, reports) for row in table.to_dict("records"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Questions, {escape(as_of)}</title><style>{STYLE}</style></head><body>"
        '<nav class="around" aria-label="Other pages"></nav>'
        f"<h1>All questions of the run, as of {escape(as_of)}</h1>"
        '<div class="scroll" role="region" tabindex="0" aria-label="All questions">'
        f"<table><thead><tr>{heads}</tr>"
        f"</thead><tbody>{rows}</tbody></table></div></body></html>\n"
    )


def _row(row: Mapping[Any, Any], reports: Mapping[str, str]) -> str:
    cells = {name: "" if pd.isna(row[name]) else _format(row[name]) for name in HEADS}
    if report := reports.get(str(row["question"])):
        folder, name = PurePosixPath(report).parts[-2:]
        cells["question"] = f'<a href="../{escape(folder)}/{escape(name)}">{cells["question"]}</a>'
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells.values())}</tr>"


def _format(value: Any) -> str:
    if isinstance(value, float):  # of users, where a question beside it has none, too
        return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"
    return escape(str(value))
