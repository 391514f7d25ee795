"""Reasons: exactly what each group of features adds, for every kind of pair; the typical user has none."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, StandardScaler

from lib.config.bases import StageConfig
from lib.explain import reasons as reasons_rules
from lib.explain.groups import ASPECTS, SHARED, GroupView, group_features
from lib.explain.importance import format_importances, measure_importances
from lib.explain.reasons import explanation_notes, format_reasons, measure_changes
from lib.features.build import build_features
from lib.features.vocabulary import TYPE_FEATURES, USER_FEATURES
from lib.labels.rows import Rows
from lib.models.notes import PairNotes
from lib.models.pair import Pair
from lib.training.fit import fit_pair
from tests.builders.runs import CUTOFF, activity, ago, asked, first_seen, labelled, plan

TREES = {
    "learning_rate": 0.1, "max_iter": 30, "max_leaf_nodes": 6, "min_samples_leaf": 10, "l2_regularization": 1.0,
    "max_features": 0.5, "C": 0.3, "lifetime": True,
}  # fmt: skip
PLAIN = ("trend_7_28", "expected", "weekend_share", "rent__expected", "rent__events_7", "log_age")
COEFFICIENTS = (0.5, -2.0, 1.0, 0.25, 4.0, -5.0)
TYPICAL = dict.fromkeys(PLAIN, 1.0)


class Rented:
    """A log of three event types that have nothing to do with each other; who rents much, acts."""

    def __init__(self, users=600):
        rng = np.random.default_rng(5)
        rows = []
        for kind in ("rent", "view", "It's; odd"):
            counts = rng.poisson(rng.gamma(1.0, 0.06, (users, 1)), (users, 100))
            user, back = np.nonzero(counts)
            rows += [
                {"user_id": f"u{u}", "day": ago(int(b) + 1), "event_type": kind, "known_day": ago(int(b) + 1),
                 "count": int(counts[u, b]), "value": None, "items": None}
                for u, b in zip(user, back, strict=True)
            ]  # fmt: skip
        self.activity = activity(*rows)
        table = build_features(self.activity, plan(self.activity)).to_pandas()
        rents = np.arcsinh(table["rent__events_28"])
        acted = rng.random(len(table)) < 1 / (1 + np.exp(2.5 - 2.5 * rents))
        self.rows = Rows(table.assign(label=acted.astype(int)))
        self.kinds = list(first_seen(self.activity))

    def pair(self, family):
        made = fit_pair(self.rows, TREES | {"family": family}, asked(StageConfig).question, CUTOFF, 0)
        return replace(made, notes=explanation_notes(made, self.rows.X, self.rows, self.kinds, seed=0))


@pytest.fixture(scope="module")
def rented():
    return Rented()


@pytest.fixture(scope="module", params=["logistic", "boosting", "blend"])
def explained(request, rented):
    return rented.pair(request.param)


def known(columns=PLAIN, coefficients=COEFFICIENTS, typical=TYPICAL):
    """A pair whose log-odds are the sum of its columns times their coefficients."""
    X = pd.DataFrame([[0.0] * len(columns), [1.0] * len(columns)], columns=list(columns))
    model = LogisticRegression().fit(X.to_numpy(), [0, 1])
    model.coef_, model.intercept_ = np.array([coefficients]), np.array([-1.0])
    passed = StandardScaler(with_mean=False, with_std=False).fit(X)
    return Pair(passed, model, tuple(columns), "q", "2024-05-01", notes=PairNotes(typical=dict(typical)))


def own(preprocessing, prediction, rows):
    """A data scientist's own pair."""
    X = rows.X
    transformer = preprocessing.fit(X)
    return Pair(transformer, prediction.fit(transformer.transform(X), rows.y), tuple(X.columns), "q", "2024-05-01")


def by_definition(pair, features, typical):
    """Score anew with each group of feature columns replaced."""

    def log_odds(rows):
        p = pair.score(rows)
        return np.log(p / (1 - p))

    return pd.DataFrame({
        group: log_odds(features) - log_odds(features.assign(**typical.iloc[0][columns]))
        for group, columns in group_features(pair.columns).items()
    })  # fmt: skip


def test_every_feature_is_in_one_group():
    parts = [*ASPECTS.values(), SHARED]
    names = [name for part in parts for name in part]
    assert sorted(names) == sorted(set(USER_FEATURES))  # each once: a new feature needs its place here
    columns = [*USER_FEATURES, *(f"{kind}__{name}" for kind in ("rent", "a_", "other") for name in TYPE_FEATURES)]
    groups = group_features([*columns, "distance"])
    assert list(groups)[-4:] == ["rent__", "a___", "other__", "distance"]
    assert set(groups) - set(ASPECTS) == {"rent__", "a___", "other__", "distance"}
    assert groups["a___"] == [f"a___{name}" for name in TYPE_FEATURES if name != "covered_90"]


def test_a_change_is_coefficient_times_deviation_summed_over_the_group():
    X = pd.DataFrame([[1.5, 3, 0, 5, 1, 1.5]], columns=PLAIN)  # the log's age is nobody's reason
    found = measure_changes(known(), X, pd.DataFrame([TYPICAL]))
    assert found.columns.tolist() == ["trend of events", "activity", "weekends", "rent__"]
    assert found.iloc[0].tolist() == pytest.approx([0.25, -4, -1, 1], rel=0, abs=1e-9)


def test_the_strongest_are_told_in_order_with_their_direction():
    X = pd.DataFrame([[1.5, 3, 0, 5, 1, 1.5]], columns=PLAIN)
    for most, wanted in ((2, 2), (3, 3), (4, 4), (9, 4)):
        (text,) = format_reasons(known(), X, most)
        assert text.split("; ") == [
            "activity: no figures (lowers)", "weekends: 0% of active days (lowers)", "rent: no figures (raises)",
            "trend of events: no figures (raises)",
        ][:wanted]  # fmt: skip
    assert format_reasons(known(), X, 0) == [None]


@pytest.mark.parametrize(("deviation", "told"), [(0.1, True), (-0.1, True), (0.0999, False), (0.0, False)])
def test_what_hardly_matters_is_left_out(deviation, told):
    pair = known(("distance",), (1.0,), {"distance": 1.0})
    (text,) = format_reasons(pair, pd.DataFrame({"distance": [1 + deviation]}), 3)
    assert (text is not None) == told


def test_equally_strong_reasons_stand_in_column_order():
    columns = ("b", "a", "c")
    pair = known(columns, (0.1, -0.1, 0.2), dict.fromkeys(columns, 0.3))
    X = pd.DataFrame([[2.3, 2.3, 1.3], [1.3, 1.3, 1.3]], columns=columns)
    assert format_reasons(pair, X, 3) == [
        "b: 2.3 (raises); a: 2.3 (lowers); c: 1.3 (raises)",
        "c: 1.3 (raises); b: 1.3 (raises); a: 1.3 (lowers)",
    ]


def test_opposite_users_have_opposite_changes():
    away = np.array([0.5, -1.0, 0.25, 2.0, 0.125, 0.0])
    X = pd.DataFrame([1 + away, 1 - away], columns=PLAIN)
    found = measure_changes(known(), X, pd.DataFrame([TYPICAL])).to_numpy()
    assert found[0] == pytest.approx(-found[1], rel=0, abs=1e-9)
    assert np.abs(found).min() > 0


def test_the_typical_user_has_no_reasons(explained):
    typical = pd.DataFrame([explained.notes.typical])
    assert measure_changes(explained, typical, typical).to_numpy().tolist() == [
        [0] * len(group_features(explained.columns))
    ]
    assert format_reasons(explained, typical, 3) == [None]


def test_a_certainty_has_a_finite_weight():
    pair = known(("distance",), (1e6,), {"distance": -1.0})
    (found,) = measure_changes(pair, pd.DataFrame({"distance": [1.0]}), pd.DataFrame({"distance": [-1.0]}))["distance"]
    assert found == pytest.approx(2 * np.log(1e6 - 1))


def test_what_drives_the_action_is_what_is_told(explained, rented):
    """By construction, nothing but how often somebody rented makes anybody act."""
    found = measure_changes(explained, rented.rows.X, pd.DataFrame([explained.notes.typical]))
    often = rented.rows.X["rent__events_28"]
    assert (found["rent__"][often >= 4] > 0.5).all()
    assert (found.abs().idxmax(axis=1)[often >= 4] == "rent__").mean() > 0.95
    assert found.abs().mean().drop("rent__").max() < found["rent__"].abs().mean() / 2
    texts = np.array(format_reasons(explained, rented.rows.X, 1), object)[often >= 4]
    assert np.mean([text.startswith("rent: ") and text.endswith(" (raises)") for text in texts]) > 0.95


def test_importances_find_it_too(explained):
    first, second, *_ = explained.notes.importances
    assert first["name"] == "rent"
    assert first["mean"] > 5 * abs(second["mean"])
    assert first["std"] > 0


def test_neither_order_nor_batches_move_a_reason(explained, rented):
    X, typical = rented.rows.X, pd.DataFrame([explained.notes.typical])
    whole, texts = measure_changes(explained, X, typical), format_reasons(explained, X, 3)
    order = np.random.default_rng(0).permutation(len(X))
    parts = [X.iloc[order[start : start + 97]] for start in range(0, len(X), 97)]
    assert [text for part in parts for text in format_reasons(explained, part, 3)] == [texts[row] for row in order]
    apart = pd.concat([measure_changes(explained, part, typical) for part in parts])
    pd.testing.assert_frame_equal(apart, whole.iloc[order], check_exact=False, rtol=0, atol=1e-9)


def test_asking_changes_neither_scores_nor_rows(explained, rented):
    X, before = rented.rows.X, rented.rows.X.copy()
    scores = explained.score(X)
    format_reasons(explained, X, 3)
    pd.testing.assert_frame_equal(X, before)
    assert explained.score(X).tolist() == scores.tolist()


def test_the_prediction_models_inputs_are_enough_for_our_own_pairs(explained, rented):
    X, typical = rented.rows.X.head(50), pd.DataFrame([explained.notes.typical])
    assert GroupView.of(explained, typical).transformed
    found = measure_changes(explained, X, typical)
    pd.testing.assert_frame_equal(found, by_definition(explained, X, typical), check_exact=False, rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("ignore::UserWarning:sklearn")  # columns too plain for so many bins
@pytest.mark.parametrize(
    "preprocessing",
    [
        make_pipeline(StandardScaler(), FunctionTransformer(np.cumsum, kw_args={"axis": 1})),  # mixes columns
        make_pipeline(StandardScaler(), PCA(5)),  # mixes them too, and refuses missing numbers
        KBinsDiscretizer(3, encode="onehot-dense", quantile_method="averaged_inverted_cdf"),  # refuses missing numbers
        make_pipeline(SimpleImputer(), StandardScaler()),  # fills them in
        StandardScaler().set_output(transform="pandas"),
        make_pipeline(StandardScaler(), FunctionTransformer(csr_array)),
    ],
    ids=["summed", "mixed", "binned", "filled", "frame", "sparse"],
)
def test_any_other_pair_is_asked_by_its_features(preprocessing, rented):
    rows = rented.rows
    X = rows.X.head(20)
    pair = own(preprocessing, LogisticRegression(C=0.1), rows)
    typical = rows.X.median().to_frame().T
    assert not GroupView.of(pair, typical).transformed
    found = measure_changes(pair, X, typical)
    pd.testing.assert_frame_equal(found, by_definition(pair, X, typical), check_exact=False, rtol=0, atol=1e-9)


def test_a_pipeline_as_prediction_model_works_as_any(rented):
    rows, model = rented.rows, make_pipeline(PCA(8), HistGradientBoostingClassifier(max_iter=10, random_state=0))
    pair = own(StandardScaler(), model, rows)
    pair = replace(pair, notes=explanation_notes(pair, rows.X, rows, rented.kinds, seed=0))
    X, typical = rows.X.head(20), pd.DataFrame([pair.notes.typical])
    assert GroupView.of(pair, typical).transformed
    found = measure_changes(pair, X, typical)
    pd.testing.assert_frame_equal(found, by_definition(pair, X, typical), check_exact=False, rtol=0, atol=1e-9)
    assert any(format_reasons(pair, X, 3))


def test_a_pair_of_before_has_no_reasons(explained, rented):
    assert format_reasons(replace(explained, notes=PairNotes()), rented.rows.X.head(3), 3) == [None] * 3
    assert format_reasons(explained, rented.rows.X.head(0), 3) == []
    assert [reasons_rules.is_explainable(p) for p in (explained, replace(explained, notes=PairNotes()))] == [
        True,
        False,
    ]


def test_notes_can_be_kept_as_json_and_explain_the_same(explained, rented):
    back = replace(explained, notes=PairNotes.from_json(json.loads(json.dumps(explained.notes.to_json()))))
    assert format_reasons(back, rented.rows.X, 3) == format_reasons(explained, rented.rows.X, 3)


def test_notes_say_what_is_typical_and_how_event_types_are_called(explained, rented):
    X = rented.rows.X
    assert explained.notes.typical == {name: float(np.median(X[name].astype(float))) for name in explained.columns}
    names = explained.notes.names
    assert sorted(names.values()) == ["It's; odd", "rent", "view"]
    assert all(f"{prefix}recency" in explained.columns for prefix in names)
    assert "It's, odd" in [found["name"] for found in explained.notes.importances]
    assert explained.notes.names == explanation_notes(explained, X, rented.rows, [*rented.kinds, "later"], 0).names


def test_importances_repeat_and_are_measured_on_few_rows(monkeypatch):
    rows = labelled(ago(7), users=300)
    pair = own(StandardScaler(), LogisticRegression(), rows)
    asked = []
    monkeypatch.setattr(Pair, "inputs", lambda _, features: asked.append(len(features)) or features)
    typical = rows.X.median().to_frame().T
    monkeypatch.setattr("lib.explain.importance.ROWS", 299)
    first = measure_importances(pair, typical, rows.X, rows.y, 1)
    assert max(asked) == 299
    assert first == measure_importances(pair, typical, rows.X, rows.y, 1)
    assert first != measure_importances(pair, typical, rows.X, rows.y, 2)
    monkeypatch.setattr("lib.explain.importance.ROWS", 300)
    assert measure_importances(pair, typical, rows.X, rows.y, 1) != measure_importances(
        pair, typical, rows.X, rows.y, 2
    )
    monkeypatch.setattr("lib.explain.importance.MOST", 2)
    (one, other) = measure_importances(pair, typical, rows.X, rows.y, 1)
    assert max(asked) == 300
    assert one["mean"] >= other["mean"]


def test_a_summary_names_the_three_largest():
    rows = [{"name": f"n{n}", "mean": mean} for n, mean in enumerate((0.25, 0.125, 0.0001, 0.00001))]
    assert (
        format_importances(rows)
        == "The models rest most on n0 0.2500, n1 0.1250, n2 0.0001: so much does the log loss rise without each."
    )
    assert format_importances([{"name": "a", "mean": 0.5}, {"name": "b", "mean": 0.0}]).endswith(
        "on a 0.5000: so much does the log loss rise without each."
    )
    assert format_importances([{"name": "a", "mean": 0.0}]) == "The models rest on nothing that lowers the log loss."
    assert format_importances([]) == "The models rest on nothing that lowers the log loss."
