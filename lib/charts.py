"""Small plots for the executed notebooks."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 12  # importances: more names would not be legible


def trials(table: pd.DataFrame) -> "Figure":
    """Log loss of each trial and the best so far; pruned trials are hollow."""
    figure, axes = _axes("trial", "log loss")
    if not table.empty:
        done = table[~table["pruned"]]
        cut = table[table["pruned"]]
        axes.scatter(done["trial"], done["log_loss"], label="finished")
        axes.scatter(cut["trial"], cut["log_loss"], facecolors="none", edgecolors="grey", label="pruned")
        axes.step(done["trial"], done["log_loss"].cummin(), where="post", label="best so far")
        axes.legend()
    return figure


def importances(table: pd.DataFrame) -> "Figure":
    """By how much the log loss rises without each of the `SHOWN` strongest groups; lines are one standard deviation."""
    shown = table.head(SHOWN)
    figure, axes = _axes("rise of the log loss when exchanged between users", "")
    places = range(len(shown))  # not the names: two event types may be called alike
    axes.barh(places, shown["mean"], xerr=shown["std"])
    axes.set_yticks(places, shown["name"], parse_math=False)
    axes.invert_yaxis()  # the strongest on top
    return figure


def propensities(values: pd.Series) -> "Figure":
    """How many users have which propensity."""
    figure, axes = _axes("propensity", "users")
    axes.hist(values, bins=40, range=(0, 1))
    return figure


def _axes(x: str, y: str) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes
