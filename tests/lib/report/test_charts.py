"""The notebooks' plots: what they draw, and that nothing to draw is no error."""

from io import BytesIO

import matplotlib
import numpy as np
import optuna
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex

from lib.audience.spread import Spread
from lib.report import charts
from lib.training import space


def test_trials_show_the_best_so_far_and_leave_pruned_ones_hollow():
    table = pd.DataFrame(
        {"trial": [0, 1, 2, 3], "log_loss": [0.5, 0.6, 0.4, 0.3], "pruned": [False, False, False, True]}
    )
    (axes,) = charts.plot_trials(table).axes
    finished, pruned = axes.collections
    assert finished.get_offsets().tolist() == [[0, 0.5], [1, 0.6], [2, 0.4]]
    assert pruned.get_offsets().tolist() == [[3, 0.3]]
    assert pruned.get_facecolors().tolist() == []
    assert axes.lines[0].get_ydata().tolist() == [0.5, 0.5, 0.4]  # a pruned trial was never compared in full


def test_the_best_so_far_of_a_precision_is_the_highest():
    table = pd.DataFrame({"trial": [0, 1, 2], "average_precision": [0.5, 0.6, 0.4], "pruned": [False] * 3})
    (axes,) = charts.plot_trials(table, "average_precision").axes
    assert axes.lines[0].get_ydata().tolist() == [0.5, 0.6, 0.6]
    assert axes.get_ylabel() == "average precision"


def test_a_search_without_trials_is_an_empty_plot():
    (axes,) = charts.plot_trials(pd.DataFrame()).axes
    assert len(axes.collections) == 0


def test_propensities_are_counted_over_the_whole_scale():
    spread = Spread(np.array([100_000, 99_000, 1_000, 0]), np.array([3, 1, 1, 1]), np.array([3.0, 0.99, 0.01, 0.0]))
    (axes,) = charts.plot_propensities(spread).axes
    heights = [bar.get_height() for bar in axes.patches]
    assert (len(heights), heights[0], heights[-1], sum(heights)) == (40, 2, 4, 6)


def test_the_strongest_importance_stands_on_top_and_only_a_dozen_are_shown():
    table = pd.DataFrame({"name": [f"n{n}" for n in range(20)], "mean": [1 / (n + 1) for n in range(20)], "std": 0.01})
    (axes,) = charts.plot_importances(table).axes
    assert [bar.get_width() for bar in axes.patches] == [1 / (n + 1) for n in range(12)]
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"n{n}" for n in range(12)]
    assert axes.yaxis_inverted()


def test_event_types_of_any_name_can_be_drawn():
    names = ["$a_{", "alike", "alike"]
    figure = charts.plot_importances(pd.DataFrame({"name": names, "mean": [3.0, 2.0, 1.0], "std": 0.1}))
    figure.savefig(BytesIO())
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [3, 2, 1]
    assert [label.get_text() for label in axes.get_yticklabels()] == names


def studied(n, pruned=(), value=lambda params: params.get("C", 1.0)):
    """A study of the real space: its trials told, not fitted."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial):
        params = space.suggest(trial)
        trial.report(1.0, 0)
        if trial.number in pruned:
            raise optuna.TrialPruned
        return value(params)

    study.optimize(objective, n_trials=n)
    return study


@pytest.mark.parametrize(
    ("study", "names"),
    [
        (studied(1), ["history", "slices"]),  # nothing to compare: nothing is more important
        (studied(2), ["history", "importances", "slices"]),
        (studied(5, pruned=range(1, 5)), ["history", "slices"]),
        (studied(6, value=lambda _: 0.5), ["history", "slices"]),
        (studied(12, pruned=(5, 7)), ["history", "importances", "slices"]),
    ],
    ids=["one trial", "two", "all pruned but one", "all alike", "a search"],
)
def test_optunas_plots_of_a_search_are_drawn_in_silence(study, names, recwarn, capsys):
    colour = matplotlib.rcParams["axes.facecolor"]
    plots = charts.plot_search(study, "average_precision")
    assert sorted(plots) == names
    for figure in plots.values():
        figure.savefig(BytesIO())
        assert figure.patch.get_alpha() == 0  # the page's own colour, light or dark, shows through
        for axes in figure.axes:
            assert axes.xaxis.label.get_color() == charts.INK
            assert to_hex(axes.get_facecolor(), keep_alpha=True)[-2:] == "00"
    assert plots["history"].axes[0].get_ylabel() == "average precision"
    assert [str(warning.message) for warning in recwarn] == []
    assert capsys.readouterr() == ("", "")
    assert matplotlib.rcParams["axes.facecolor"] == colour  # Optuna sets a style for everybody
    assert pyplot.get_fignums() == []


def test_the_importances_name_what_every_trial_drew_and_the_slices_what_the_best_one_drew_besides():
    plots = charts.plot_search(studied(12, value=lambda p: (p["groups"] == "lean") + p.get("C", 200.0)), "log_loss")
    (axes,) = plots["importances"].axes
    shared = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(shared) == sorted([*space.CHOICES, "family"])
    shown = [axes.get_xlabel() for axes in plots["slices"].axes if axes.get_xlabel()]
    assert len(shown) == charts.SLICES
    assert set(shared) < set(shown)


def test_all_plots_are_of_one_style():
    search = charts.plot_search(studied(12, pruned=(5, 7)), "log_loss")
    trials = charts.plot_trials(pd.DataFrame({"trial": [0], "log_loss": [0.5], "pruned": [False]}))
    ours = charts.plot_importances(pd.DataFrame({"name": ["a"], "mean": [1.0], "std": [0.1]}))
    figures = [*search.values(), trials, ours]
    assert len(figures) == 5
    bars = [to_hex(bar.get_facecolor()) for figure in figures for bar in figure.axes[0].patches]
    assert set(bars) == {charts.FIRST}
    assert {tick.get_color() for figure in figures for tick in figure.axes[0].get_xticklabels()} == {charts.INK}


def test_a_search_without_a_finished_trial_has_no_plots():
    assert charts.plot_search(None, "log_loss") == {}
    assert charts.plot_search(studied(3, pruned=range(3)), "log_loss") == {}


def test_the_plots_of_a_search_are_drawn_once_and_only_when_somebody_looks(monkeypatch):
    drawn, draw = [], charts.plot_search
    monkeypatch.setattr(charts, "plot_search", lambda *asked: drawn.append(asked) or draw(*asked))
    study = studied(3)
    plots = charts.SearchPlots(study, "log_loss")
    assert drawn == []
    assert sorted(plots) == ["history", "importances", "slices"]
    assert list(plots.values()) == [plots[name] for name in plots]
    assert drawn == [(study, "log_loss")]
