"""A report's plots: SVG to stand in an HTML page, in colours that follow the page's own, light or dark."""

import re
from collections.abc import Sequence
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Drawn in colours that nothing else has, which then become the page's.
INK, GRID, FIRST, SECOND = "#010203", "#010204", "#010205", "#010206"
COLOURS = {INK: "currentColor", GRID: "var(--line)", FIRST: "var(--first)", SECOND: "var(--second)"}
STYLE: dict[Any, Any] = {  # of matplotlib's parameters
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and set in the page's font
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same measures everywhere
    "font.size": 9.5, "axes.labelsize": 9.5, "xtick.labelsize": 9, "ytick.labelsize": 9, "legend.fontsize": 9,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GRID, "xtick.color": GRID, "ytick.color": GRID,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": GRID, "grid.linewidth": 0.6,
    "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "lines.linewidth": 1.6, "lines.markersize": 5, "errorbar.capsize": 3,
}  # fmt: skip
WIDTH = 4.6  # inches: on a phone's screen the letters then keep about their size
BARS = 12  # more names would not be legible
LONGEST = 22  # characters of a name beside a bar; the table has all of it
DAYS = 4  # so many dates fit beneath a plot
Interval = tuple[str, str]  # the columns of its two ends


def plot_over_time(
    title: str,
    frame: pd.DataFrame,
    y: str,
    series: Sequence[tuple[str, str, Interval | None]],
    level: float | None = None,
    percent: bool = False,
) -> str:
    """Draw one point per list, oldest first, with its interval; "" where there is nothing to draw.

    Parameters
    ----------
    frame : DataFrame[cutoff, and the columns that `series` names]
    series : (label, column, columns of the interval or None), two at the most
    level : float or None
        A line to compare with.
    percent : bool
        Whether the numbers are shares.
    """
    if frame[[column for _, column, _ in series]].isna().all(axis=None):
        return ""

    def draw(axes: "Axes") -> None:
        _draw_level(axes, level)
        apart = 0.08 * (len(series) - 1)  # two intervals at one place would hide each other
        for (label, column, ends), colour, shape, shift in zip(
            series, (FIRST, SECOND), ("o-", "D--"), (-apart, apart), strict=False
        ):
            places = [place + shift for place in range(len(frame))]
            arms = _arms(frame, column, ends) if ends else None
            axes.errorbar(places, frame[column], yerr=arms, fmt=shape, color=colour, label=label)
        step = -(-len(frame) // DAYS)
        shown = range(len(frame) - 1, -1, -step)[::-1]  # the newest list always
        axes.set_xticks(list(shown), [str(frame["cutoff"].iloc[place]) for place in shown])
        axes.set_xlim(-0.6, len(frame) - 0.4)
        axes.margins(y=0.15)
        axes.set_xlabel("list of")
        axes.set_ylabel(y)
        _set_percent(axes, "y" if percent else "")
        if len(series) > 1:
            _draw_legend(axes)

    return _draw_svg(title, draw)


def plot_reliability(title: str, deciles: pd.DataFrame) -> str:
    """Draw the observed share over the expected one, decile by decile, beside the diagonal."""

    def draw(axes: "Axes") -> None:
        most = 1.08 * float(np.nanmax(deciles[["mean", "rate", "high"]].to_numpy(float))) or 1.0
        axes.plot([0, most], [0, most], "--", color=INK, linewidth=1, label="as expected")
        arms = _arms(deciles, "rate", ("low", "high"))
        axes.errorbar(deciles["mean"], deciles["rate"], yerr=arms, fmt="o", color=FIRST, label="deciles of the list")
        axes.set(xlim=(0, most), ylim=(0, most), xlabel="expected share", ylabel="observed share")
        _set_percent(axes, "xy")
        _draw_legend(axes)

    return _draw_svg(title, draw, height=3.4)


def plot_gains(title: str, deciles: pd.DataFrame) -> str:
    """Draw which share of the actions is reached with which share of the list, best first."""

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], "--", color=INK, linewidth=1, label="in any order")
        axes.plot([0, *deciles["reached"]], [0, *deciles["gained"]], "o-", color=FIRST, label="by this order")
        axes.set(xlim=(0, 1.02), ylim=(0, 1.05), xlabel="share of the list, best first", ylabel="share of the actions")
        _set_percent(axes, "xy")
        _draw_legend(axes)

    return _draw_svg(title, draw, height=3.2)


def plot_lift(title: str, deciles: pd.DataFrame) -> str:
    """Draw how many times the actions of an equal number of users the best part of the list has."""

    def draw(axes: "Axes") -> None:
        _draw_level(axes, 1.0)
        axes.plot(deciles["reached"], deciles["lift"], "o-", color=FIRST)
        axes.set(xlim=(0, 1.02), xlabel="share of the list, best first", ylabel="times the average")
        axes.set_ylim(bottom=0)
        axes.margins(y=0.1)
        _set_percent(axes, "x")

    return _draw_svg(title, draw)


def plot_columns(title: str, frame: pd.DataFrame, x: str, y: str, labels: tuple[str, str]) -> str:
    """Draw an upright bar for each row."""

    def draw(axes: "Axes") -> None:
        axes.bar(frame[x].astype(str), frame[y], color=FIRST)
        axes.grid(visible=False, axis="x")
        axes.set(xlabel=labels[0], ylabel=labels[1])

    return _draw_svg(title, draw)


def plot_bars(title: str, frame: pd.DataFrame, name: str, value: str, ends: Interval, label: str, level: float) -> str:
    """Draw a lying bar with its interval for each of the first `BARS` rows, the first one on top."""
    shown = frame.head(BARS)

    def draw(axes: "Axes") -> None:
        places = range(len(shown))  # not the names: two may be called alike
        axes.axvline(level, color=INK, linewidth=1, linestyle="--" if level else "-")
        axes.barh(places, shown[value], xerr=_arms(shown, value, ends), color=FIRST, ecolor=INK, height=0.65)
        axes.set_yticks(places, [_format_short(text) for text in shown[name]], parse_math=False)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(label)

    return _draw_svg(title, draw, height=0.9 + 0.24 * len(shown))


def _draw_svg(title: str, draw: Any, height: float = 2.7) -> str:
    """Draw, and make of it an element that needs nothing but the page: no ids of others, no namespace, no date."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.rcsetup import cycler

    page = StringIO()
    # Ids of markers and clips are digests of the salt: the same each time, and others in each plot.
    style = STYLE | {"svg.hashsalt": title, "axes.prop_cycle": cycler(color=[FIRST, SECOND])}
    with mpl.rc_context(style):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure.subplots())
        figure.savefig(
            page, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    document = page.getvalue()
    view = re.search(r'viewBox="[^"]*"', document)
    body = document[document.index(">", document.index("<svg")) + 1 :]
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)  # it would hold for the whole page
    body = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", body).replace("xlink:href", "href")
    body = re.sub(r"((?:fill|stroke): )(#[0-9a-f]{6})", lambda match: match[1] + COLOURS.get(match[2], match[2]), body)
    return f'<svg role="img" {view[0] if view else ""}><title>{escape(title)}</title>{body.strip()}'


def _arms(frame: pd.DataFrame, value: str, ends: Interval) -> Any:
    """How far an interval reaches below and above the value: two rows of numbers, none below 0."""
    low, high = (frame[end].astype(float) for end in ends)
    return np.array([frame[value] - low, high - frame[value]]).clip(min=0)


def _draw_level(axes: "Axes", level: float | None) -> None:
    if level is not None:
        axes.axhline(level, color=INK, linewidth=1, linestyle="--")


def _draw_legend(axes: "Axes") -> None:
    axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)


def _set_percent(axes: "Axes", which: str) -> None:
    from matplotlib.ticker import PercentFormatter

    for side in which:
        getattr(axes, f"{side}axis").set_major_formatter(PercentFormatter(1.0))


def _format_short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
