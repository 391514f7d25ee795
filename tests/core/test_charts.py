"""The notebooks' plots: what they draw, and that nothing to draw is no error."""

from io import BytesIO

import pandas as pd

from lib import charts


def test_trials_show_the_best_so_far_and_leave_pruned_ones_hollow():
    table = pd.DataFrame(
        {"trial": [0, 1, 2, 3], "log_loss": [0.5, 0.6, 0.4, 0.3], "pruned": [False, False, False, True]}
    )
    (axes,) = charts.trials(table).axes
    finished, pruned = axes.collections
    assert finished.get_offsets().tolist() == [[0, 0.5], [1, 0.6], [2, 0.4]]
    assert pruned.get_offsets().tolist() == [[3, 0.3]]
    assert pruned.get_facecolors().tolist() == []
    assert axes.lines[0].get_ydata().tolist() == [0.5, 0.5, 0.4]  # a pruned trial was never compared in full


def test_a_search_without_trials_is_an_empty_plot():
    (axes,) = charts.trials(pd.DataFrame()).axes
    assert len(axes.collections) == 0


def test_propensities_are_counted_over_the_whole_scale():
    (axes,) = charts.propensities(pd.Series([0.0, 0.01, 0.99, 1.0])).axes
    heights = [bar.get_height() for bar in axes.patches]
    assert (len(heights), heights[0], heights[-1], sum(heights)) == (40, 2, 2, 4)


def test_the_strongest_importance_stands_on_top_and_only_a_dozen_are_shown():
    table = pd.DataFrame({"name": [f"n{n}" for n in range(20)], "mean": [1 / (n + 1) for n in range(20)], "std": 0.01})
    (axes,) = charts.importances(table).axes
    assert [bar.get_width() for bar in axes.patches] == [1 / (n + 1) for n in range(12)]
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"n{n}" for n in range(12)]
    assert axes.yaxis_inverted()


def test_event_types_of_any_name_can_be_drawn():
    names = ["$a_{", "alike", "alike"]
    figure = charts.importances(pd.DataFrame({"name": names, "mean": [3.0, 2.0, 1.0], "std": 0.1}))
    figure.savefig(BytesIO())
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [3, 2, 1]
    assert [label.get_text() for label in axes.get_yticklabels()] == names
