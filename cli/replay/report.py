"""How a backtest is told: a table on the screen; a CSV, a plot and a page in its home."""

from collections.abc import Iterator
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from cli.replay.outcome import TRUTH
from cli.replay.request import Request
from cli.replay.store import Outcome
from lib.backtest.replay import EVERY, GATE
from lib.report import charts
from lib.whole_files import write_whole

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }}
figure {{ background: white; margin: 1rem 0; }} svg {{ max-width: 100%; height: auto; }}
div {{ overflow-x: auto; }} table {{ border-collapse: collapse; font-size: 14px; }}
th, td {{ padding: .2rem .6rem; border-bottom: 1px solid #8884; text-align: right; white-space: nowrap; }}
</style></head><body><h1>{title}</h1>{text}<figure>{plot}</figure>
<h2>Policies</h2><div>{policies}</div><h2>Runs</h2><div>{runs}</div></body></html>
"""


def format_outcome(request: Request, outcome: Outcome) -> Iterator[str]:
    """The closing words: the table, what it leaves out, and what the gate was worth."""
    table = format_policies(outcome.policies)
    widths = [max(map(len, [name, *table[name]])) for name in table]
    for row in [list(table), *table.to_numpy().tolist()]:
        yield "  ".join(f"{cell:>{width}}" if place else f"{cell:{width}}" for place, (cell, width)
                        in enumerate(zip(row, widths, strict=True))).rstrip()  # fmt: skip
    yield from format_notes(outcome)


def format_notes(outcome: Outcome) -> Iterator[str]:
    """What the table does not say."""
    for day, why in outcome.left_out.items():
        yield f"{day} is in no average: {why}."
    troubled = outcome.runs[(outcome.runs["stopped"] != "") | (outcome.runs["refused"] != "")]
    for run in troubled.to_dict("records"):
        what = f"ended without scores: {run['stopped']}" if run["stopped"] else f"not published: {run['refused']}"
        yield f"{run['policy']} {run['as_of']} {what}"
    policies = outcome.policies.set_index("policy")
    if pd.notna(policies.loc[GATE, "ratio"]):
        gate, every = policies.loc[GATE], policies.loc[EVERY]
        yield (
            f"The gate's log loss is {gate['ratio'] - 1:+.2%} ({gate['ratio_low'] - 1:+.2%} to "
            f"{gate['ratio_high'] - 1:+.2%}) beside retraining every run, at {gate['retrains']:.0f} of "
            f"{every['retrains']:.0f} retrains."
        )


def format_policies(policies: pd.DataFrame) -> pd.DataFrame:
    """The table of policies as it is printed: texts."""
    rows = []
    for row in policies.to_dict("records"):
        is_policy = row["policy"] != TRUTH
        rows.append({
            "policy": row["policy"],
            "runs": f"{row['runs']:.0f}",
            "log loss": _format_number(row["log_loss"]),
            "of every (90 %)": _format_interval(row),
            "retrains": f"{row['retrains']:.0f}" if is_policy else "",
            "promotions": f"{row['promotions']:.0f}" if is_policy else "",
            "seconds": f"{row['seconds']:.0f}" if is_policy else "",
            "AUC": _format_number(row["auc"]),
            "promised": _format_number(row["promised"]),
            "less promised": _format_number(row["realised_less_promised"], "+.4f"),
            "by the truth": _format_number(row["expected"]),
        })  # fmt: skip
    table = pd.DataFrame(rows)
    return table if table["by the truth"].any() else table.drop(columns="by the truth")


def write_all(request: Request, outcome: Outcome, folder: Path) -> None:
    """Write `backtest.csv`, `backtest.svg` and `backtest.html`, which needs neither of the others nor a network."""
    write_whole(folder / "backtest.csv", outcome.runs.to_csv(index=False).encode())
    plot = _draw(outcome.runs)
    write_whole(folder / "backtest.svg", plot.encode())
    question = f"{request.question}, {request.days[0]} to {request.days[-1]}, {len(request.days)} runs"
    notes = "".join(f"<p>{escape(line)}</p>" for line in (question, *format_notes(outcome)))
    runs = outcome.runs.drop(columns=["reasons"]).to_html(
        index=False, na_rep="", float_format="{:.4f}".format, border=0
    )
    page = _PAGE.format(
        title="Backtest of the policies of retraining", text=notes, plot=plot[plot.index("<svg") :],
        policies=format_policies(outcome.policies).to_html(index=False, border=0), runs=runs,
    )  # fmt: skip
    write_whole(folder / "backtest.html", page.encode())


def _draw(runs: pd.DataFrame) -> str:
    import matplotlib as mpl

    sink = StringIO()
    with mpl.rc_context({"svg.hashsalt": "backtest"}):  # the same figures give the same file
        charts.plot_replays(runs, GATE, EVERY).savefig(sink, format="svg", metadata={"Date": None})
    return sink.getvalue()


def _format_number(value: Any, form: str = ".4f") -> str:
    return "" if pd.isna(value) else format(value, form)


def _format_interval(row: dict[Any, Any]) -> str:
    if pd.isna(row["ratio"]):
        return ""
    if row["policy"] == EVERY:
        return "1"
    return f"{row['ratio']:.4f} ({row['ratio_low']:.4f} to {row['ratio_high']:.4f})"
