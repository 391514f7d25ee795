"""Small plots for the executed notebooks."""

import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lib.audience.spread import Spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from optuna import Study

INK, FIRST, SECOND = (
    "#6f7885",
    "#3b82d6",
    "#d9822b",
)  # legible on white and on black: the page's own colour shows through
SLICES = 6  # so many parameters side by side can still be read

BINS = 40  # of propensities
SHOWN = 12  # importances: more names would not be legible


class SearchPlots(Mapping[str, Any]):
    """The plots of a search by their names, drawn when somebody looks: a run without a registry that keeps figures
    need not wait for them."""

    def __init__(self, study: "Study | None", objective: str) -> None:
        self.study, self.objective = study, objective

    @cached_property
    def figures(self) -> "dict[str, Figure]":
        """All of them."""
        return plot_search(self.study, self.objective)

    def __getitem__(self, name: str) -> Any:
        return self.figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.figures)

    def __len__(self) -> int:
        return len(self.figures)


def plot_search(study: "Study | None", objective: str) -> "dict[str, Figure]":
    """Optuna's own plots of a search: `history`, `importances`, `slices`.

    Importances by fANOVA, of the parameters that every trial has, left out where all trials came to the same; slices
    of these and of what else the best trial drew. Empty where no trial has finished.
    """
    from optuna.importance import FanovaImportanceEvaluator
    from optuna.trial import TrialState

    values = {trial.values[0] for trial in study.get_trials(states=(TrialState.COMPLETE,))} if study else set()
    if study is None or not values:
        return {}
    import matplotlib.pyplot as plt
    from optuna.visualization import matplotlib as plots

    label, fanova = objective.replace("_", " "), FanovaImportanceEvaluator(seed=0)
    # Optuna plots on pyplot's own figures, in a style that it sets for everybody; all of it warns that it is young.
    with warnings.catch_warnings(), plt.rc_context():
        warnings.simplefilter("ignore")
        weights = fanova.evaluate(study) if len(values) > 1 else {}
        shown = list(dict.fromkeys([*weights, *study.best_params]))[:SLICES]
        slices: Any = plots.plot_slice(study, params=shown, target_name=label)
        drawn: dict[str, tuple[Any, tuple[float, float]]] = {
            "history": (plots.plot_optimization_history(study, target_name=label), (8, 3)),
            "slices": (np.ravel(slices)[0], (12, 3)),
        }
        if weights:
            drawn["importances"] = plots.plot_param_importances(study, fanova, target_name=label), (8, 2.5)
        for axes, size in drawn.values():
            axes.figure.set_layout_engine("constrained")
            axes.figure.set_size_inches(size)
            for one in axes.figure.axes:  # labels between the decades of a log scale would run into each other
                one.tick_params(axis="x", which="minor", labelbottom=False)
                _set_colours(one)
            _set_style(axes.figure)
            plt.close(axes.figure)  # else a notebook would show it twice
    return {name: axes.figure for name, (axes, _) in drawn.items()}


def plot_trials(table: pd.DataFrame, objective: str = "log_loss") -> "Figure":
    """The objective of each trial and the best so far; pruned trials are hollow."""
    figure, axes = _axes("trial", objective.replace("_", " "))
    if not table.empty:
        done = table[~table["pruned"]]
        cut = table[table["pruned"]]
        axes.scatter(done["trial"], done[objective], color=FIRST, label="finished")
        axes.scatter(cut["trial"], cut[objective], facecolors="none", edgecolors=INK, label="pruned")
        best = done[objective].cummin() if objective == "log_loss" else done[objective].cummax()
        axes.step(done["trial"], best, where="post", color=SECOND, label="best so far")
        axes.legend()
    return _set_style(figure)


def plot_importances(table: pd.DataFrame) -> "Figure":
    """By how much the log loss rises without each of the `SHOWN` strongest groups; lines are one standard deviation."""
    shown = table.head(SHOWN)
    figure, axes = _axes("rise of the log loss when exchanged between users", "")
    places = range(len(shown))  # not the names: two event types may be called alike
    axes.barh(places, shown["mean"], xerr=shown["std"], color=FIRST, ecolor=INK)
    axes.set_yticks(places, shown["name"], parse_math=False)
    axes.invert_yaxis()  # the strongest on top
    return _set_style(figure)


def plot_propensities(spread: Spread) -> "Figure":
    """How many users have which propensity."""
    figure, axes = _axes("propensity", "users")
    places = (np.arange(BINS) + 0.5) / BINS
    axes.hist(places, bins=BINS, range=(0, 1), weights=spread.histogram(BINS), color=FIRST)
    return _set_style(figure)


def _set_style(figure: "Figure") -> "Figure":
    """One style for all plots of notebooks: no ground of their own, thin lines, and letters in the colour of ink."""
    from matplotlib.text import Text

    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.set_facecolor("none")
        axes.set_axisbelow(True)
        axes.grid(visible=True, color=INK, alpha=0.3, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        axes.tick_params(which="both", colors=INK, labelsize=9)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set_fontsize(10)
        if legend := axes.get_legend():
            legend.get_frame().set_alpha(0)
    for text in figure.findobj(Text):
        text.set_color(INK)
    return figure


def _set_colours(axes: "Axes") -> None:
    """Give what Optuna drew the colours of the other plots; what is coloured by a scale keeps it."""
    for line in axes.lines:
        line.set_color(SECOND)
    for points in axes.collections:
        if points.get_array() is None and len(points.get_facecolor()):
            points.set_color(FIRST)
    legend = axes.get_legend()
    for mark in [*axes.patches, *(legend.legend_handles if legend else ())]:
        mark.set_color(SECOND if mark.get_label() == "Best Value" else FIRST)


def _axes(x: str, y: str) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def plot_replays(runs: pd.DataFrame, promises_of: str, compared_with: str) -> "Figure":
    """Quality per cutoff of several policies, and what one of them had promised.

    Parameters
    ----------
    runs : DataFrame[policy, as_of, retrained, promoted, log_loss and promised_log_loss with _low and _high]
        A row per policy and run; without a log loss where nothing is known of it.
    promises_of : policy
        Whose promises are shown below, and whose retrains are marked: filled where the new pair was promoted.
    compared_with : policy
        Beside whose log loss that of all is shown in the middle.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 2))
    policies = list(dict.fromkeys(runs["policy"]))
    beside = runs[runs["policy"] == compared_with].set_index("as_of")["log_loss"]
    for place, policy in enumerate(policies):
        policy_runs = runs[runs["policy"] == policy]
        days = pd.to_datetime(policy_runs["as_of"]) + pd.Timedelta(hours=14 * (place - (len(policies) - 1) / 2))
        _plot_with_interval(above, days, policy_runs, "log_loss", policy)
        ratio = policy_runs.set_index("as_of")["log_loss"] / beside - 1
        middle.plot(pd.to_datetime(ratio.index), 100 * ratio.to_numpy(float), marker="o", markersize=3, linewidth=1)
    policy_runs = runs[runs["policy"] == promises_of]
    floor = above.get_ylim()[0]
    for promoted, fill, what in ((True, "black", "promoted"), (False, "none", "rejected")):
        marked = policy_runs[policy_runs["retrained"] & (policy_runs["promoted"] == promoted)]
        if len(marked):
            days = pd.to_datetime(marked["as_of"])
            above.scatter(days, [floor] * len(marked), marker="^", facecolors=fill, edgecolors="black",
                          label=f"{promises_of} retrained, {what}", zorder=3)  # fmt: skip
    days = pd.to_datetime(policy_runs["as_of"])
    _plot_with_interval(below, days, policy_runs, "log_loss", f"{promises_of}, realised")
    below.step(days, policy_runs["promised_log_loss"], where="mid", color="black", label="promised at registration")
    low, high = policy_runs["promised_log_loss_low"].astype(float), policy_runs["promised_log_loss_high"].astype(float)
    below.fill_between(days, low, high, step="mid", color="black", alpha=0.12)
    above.set_ylabel("log loss of the list")
    middle.set_ylabel(f"beside {compared_with}, %")
    below.set_ylabel("log loss")
    below.set_xlabel("as_of of the run; lines are 90 % intervals over users")
    for axes in (above, below):
        axes.legend(fontsize="small", ncols=3)
    figure.autofmt_xdate()
    return figure


def _plot_with_interval(axes: "Axes", days: pd.Series, runs: pd.DataFrame, metric: str, label: str) -> None:
    value, low, high = (runs[name].to_numpy(float) for name in (metric, f"{metric}_low", f"{metric}_high"))
    arms = [value - low, high - value]
    axes.errorbar(days.to_numpy(), value, yerr=arms, marker="o", markersize=3, linewidth=1, elinewidth=0.6, label=label)
