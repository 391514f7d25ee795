"""A report's plots: SVG to stand in an HTML page, in colours that follow the page's own, light or dark."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.report.svg import FIRST, INK, SECOND, draw_svg, name_marks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
            drawn = axes.errorbar(places, frame[column], yerr=arms, fmt=shape, color=colour, label=label)
            known = frame[frame[column].notna()]
            name_marks(drawn[0], [
                f"{cutoff}, {label}: {value:.1%}" if percent else f"{cutoff}, {label}: {value:,.4g}"
                for cutoff, value in zip(known["cutoff"], known[column].astype(float), strict=True)
            ])  # fmt: skip
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

    return draw_svg(title, draw)


def plot_reliability(title: str, deciles: pd.DataFrame) -> str:
    """Draw the observed share over the expected one, decile by decile, beside the diagonal."""

    def draw(axes: "Axes") -> None:
        most = 1.08 * float(np.nanmax(deciles[["mean", "rate", "high"]].to_numpy(float))) or 1.0
        axes.plot([0, most], [0, most], "--", color=INK, linewidth=1, label="as expected")
        arms = _arms(deciles, "rate", ("low", "high"))
        points = axes.errorbar(deciles["mean"], deciles["rate"], yerr=arms, fmt="o", color=FIRST, label="deciles")[0]
        name_marks(points, [f"decile {row.decile}: {row.mean:.1%} expected, {row.rate:.1%} observed"
                       for row in deciles.itertuples()])  # fmt: skip
        axes.set(xlim=(0, most), ylim=(0, most), xlabel="expected share", ylabel="observed share")
        _set_percent(axes, "xy")
        _draw_legend(axes)

    return draw_svg(title, draw, height=3.4)


def plot_gains(title: str, deciles: pd.DataFrame) -> str:
    """Draw which share of the actions is reached with which share of the list, best first."""

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], "--", color=INK, linewidth=1, label="in any order")
        (line,) = axes.plot([0, *deciles["reached"]], [0, *deciles["gained"]], "o-", color=FIRST, label="by this order")
        name_marks(line, ["0%", *(f"{row.reached:.0%} of the list: {row.gained:.0%} of the actions"
                             for row in deciles.itertuples())])  # fmt: skip
        axes.set(xlim=(0, 1.02), ylim=(0, 1.05), xlabel="share of the list, best first", ylabel="share of the actions")
        _set_percent(axes, "xy")
        _draw_legend(axes)

    return draw_svg(title, draw, height=3.2)


def plot_lift(title: str, deciles: pd.DataFrame) -> str:
    """Draw how many times the actions of an equal number of users the best part of the list has."""

    def draw(axes: "Axes") -> None:
        _draw_level(axes, 1.0)
        (line,) = axes.plot(deciles["reached"], deciles["lift"], "o-", color=FIRST)
        name_marks(line, [f"{row.reached:.0%} of the list: {row.lift:.2f} times" for row in deciles.itertuples()])
        axes.set(xlim=(0, 1.02), xlabel="share of the list, best first", ylabel="times the average")
        axes.set_ylim(bottom=0)
        axes.margins(y=0.1)
        _set_percent(axes, "x")

    return draw_svg(title, draw)


def plot_sizes(title: str, steps: pd.DataFrame, advised: int, y: str, label: str) -> str:
    """Draw what contacting so many users comes to, `steps` of `users` and `y`, and mark what is advised."""

    def draw(axes: "Axes") -> None:
        axes.axvline(advised, color=SECOND, linewidth=1.2, linestyle="--", label="advised")
        axes.plot(steps["users"], steps[y], color=FIRST)
        tenth = steps[:: max(1, len(steps) // 10)]
        (points,) = axes.plot(tenth["users"], tenth[y], "o", color=FIRST, markersize=4)
        shown = [f"{value:.0%}" if y == "share" else f"{value:,.0f}" for value in tenth[y]]
        name_marks(points, [f"{users:,} users: {text}" for users, text in zip(tenth["users"], shown, strict=True)])
        axes.set(xlim=(0, None), xlabel="users contacted, best first", ylabel=label)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.margins(y=0.12)
        _set_percent(axes, "y" if y == "share" else "")
        _draw_legend(axes)

    return draw_svg(title, draw)


def plot_columns(title: str, frame: pd.DataFrame, x: str, y: str, labels: tuple[str, str]) -> str:
    """Draw an upright bar for each row."""

    def draw(axes: "Axes") -> None:
        bars = axes.bar(frame[x].astype(str), frame[y], color=FIRST)
        for bar, (name, value) in zip(bars, frame[[x, y]].itertuples(index=False), strict=True):
            name_marks(bar, [f"{labels[0]} {name}: {value:,.0f}"])
        axes.grid(visible=False, axis="x")
        axes.set(xlabel=labels[0], ylabel=labels[1])

    return draw_svg(title, draw)


def plot_bars(title: str, frame: pd.DataFrame, name: str, value: str, ends: Interval, label: str, level: float) -> str:
    """Draw a lying bar with its interval for each of the first `BARS` rows, the first one on top."""
    shown = frame.head(BARS)

    def draw(axes: "Axes") -> None:
        places = range(len(shown))  # not the names: two may be called alike
        axes.axvline(level, color=INK, linewidth=1, linestyle="--" if level else "-")
        bars = axes.barh(places, shown[value], xerr=_arms(shown, value, ends), color=FIRST, ecolor=INK, height=0.65)
        for bar, (text, number) in zip(bars, shown[[name, value]].itertuples(index=False), strict=True):
            name_marks(bar, [f"{text}: {number:.3g}"])
        axes.set_yticks(places, [_format_short(text) for text in shown[name]], parse_math=False)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(label)

    return draw_svg(title, draw, height=0.9 + 0.24 * len(shown))


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
