"""A data scientist's own models: only their settings are used, on this run's rows, and what they lack is named."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from lib.config.stages import RetrainConfig
from lib.errors import ModelError
from lib.labels.split import Split
from lib.models.blueprint import OwnModels, make_models
from lib.models.estimators import fit_models
from lib.models.pair import positive_probability
from lib.training import comparison
from tests.builders.runs import LOGISTIC, THRESHOLDS, ago, asked, labelled

QUESTION = asked(RetrainConfig).question
ROWS = labelled(ago(7), ago(14), ago(21), ago(28))
PARTS = Split(training=(ago(14), ago(21), ago(28)), holdout=(ago(7),))
USED = ["recency", "buy__events_90"]
WHERE = "runs:/abc/own"


def own(*steps, model=None, columns=USED, y=None):
    """Own models, fitted on everything and so on the holdout too."""
    model = LogisticRegression(C=0.5) if model is None else model
    whole = Pipeline([*steps, ("model", model)]).fit(ROWS.X[columns], ROWS.y if y is None else y)
    return OwnModels.of(WHERE, whole.steps[:-1], whole.steps[-1][1])


def test_own_models_are_fitted_anew_on_the_rows_that_are_given():
    mine = own(("scale", StandardScaler()))
    learn = ROWS.at([ago(28)])
    transformer, model, columns, params = make_models(learn.X, learn.y, mine, seed=0)
    assert columns == mine.columns == tuple(USED)
    expected = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(C=0.5))]).fit(learn.X[USED], learn.y)
    X = ROWS.X[USED]
    assert positive_probability(model, transformer.transform(X)) == pytest.approx(expected.predict_proba(X)[:, 1])
    assert model is not mine.prediction
    assert transformer["scale"] is not mine.preprocessing["scale"]
    assert mine.preprocessing["scale"].n_samples_seen_ == len(ROWS)  # the ones that were handed in stay as they were
    assert list(transformer.feature_names_in_) == USED
    assert params == {"family": "own", "challenger": WHERE, "prediction": "LogisticRegression(C=0.5)"}


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (("same", "passthrough"), ("scale", StandardScaler())),
        (("choose", ColumnTransformer([("one", StandardScaler(), ["recency"])])),),
        (("scale", StandardScaler().set_output(transform="pandas")),),
    ],
    ids=["none", "passthrough", "by name", "frames"],
)
def test_any_steps_before_the_classifier_are_the_preprocessing(steps):
    pair = comparison.fit_pair(ROWS, own(*steps), QUESTION, ago(7), 0)
    assert pair.columns == tuple(USED)
    scores = pair.score(ROWS.X)
    assert scores.shape == (len(ROWS),)
    assert scores[ROWS.y == 1].mean() > scores[ROWS.y == 0].mean() + 0.1


def test_what_would_be_drawn_by_chance_is_drawn_by_the_runs_seed():
    mine = own(model=HistGradientBoostingClassifier(max_iter=5, max_features=0.5, random_state=None))
    fixed = own(model=HistGradientBoostingClassifier(max_iter=5, max_features=0.5, random_state=7))
    assert [make_models(ROWS.X, ROWS.y, mine, seed)[1].random_state for seed in (0, 3)] == [0, 3]
    assert make_models(ROWS.X, ROWS.y, fixed, 0)[1].random_state == 7
    assert mine.prediction.random_state is None


def test_own_models_are_compared_and_refitted_like_searched_ones(monkeypatch):
    seen, fitted = [], comparison.fit_pair
    monkeypatch.setattr(comparison, "fit_pair", lambda rows, *rest: seen.append(rows) or fitted(rows, *rest))
    mine = own(("scale", StandardScaler()))
    trained = comparison.fit_and_compare(ROWS, PARTS, mine, QUESTION, None, False, THRESHOLDS, 0)
    assert set(seen[0].frame["cutoff"]) == set(PARTS.training)  # not the holdout, whatever it had seen before
    assert trained.quality.rows == 120
    assert trained.choice.why.startswith("First model, promoted")
    again = comparison.refit(ROWS, PARTS, trained, QUESTION, 0)
    assert set(seen[1].frame["cutoff"]) == {*PARTS.training, *PARTS.holdout}
    assert (again.trained_through, again.columns) == (str(ago(7)), tuple(USED))
    # and after a bad champion, from one half
    bad = comparison.fit_and_compare(ROWS, PARTS, mine, QUESTION, again, True, THRESHOLDS, 0)
    assert bad.quality.rows < 120
    assert bad.pair.trained_through == str(ago(7))


def test_parameters_are_a_blueprint_too():
    transformer, model, columns, params = make_models(ROWS.X, ROWS.y, LOGISTIC, 0)
    expected = fit_models(ROWS.X, ROWS.y, LOGISTIC, 0)
    assert model.predict_proba(transformer.transform(ROWS.X)).tolist() == (
        expected[1].predict_proba(expected[0].transform(ROWS.X)).tolist()
    )
    assert (columns, params) == (tuple(ROWS.X.columns), LOGISTIC)


def test_a_column_that_is_no_feature_is_named():
    message = (
        "The challenger runs:/abc/own reads tenure, buy__events_90, which this run's 2 features lack. "
        r"Did you mean tenures\? Fit it on columns of the table features."
    )
    mine = own(columns=["recency", "tenure", "buy__events_90"])
    with pytest.raises(ModelError, match=message):
        make_models(ROWS.X[["recency", "tenure"]].rename(columns={"tenure": "tenures"}), ROWS.y, mine, 0)


def test_own_models_without_column_names_are_refused():
    whole = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())]).fit(ROWS.X.to_numpy(), ROWS.y)
    message = "The challenger runs:/abc/own was fitted without column names. Fit it on a DataFrame of features."
    for steps in (whole.steps[:-1], []):
        with pytest.raises(ModelError, match=message):
            OwnModels.of(WHERE, steps, whole.steps[-1][1])


def test_a_classifier_without_probabilities_is_refused():
    message = "The challenger runs:/abc/own ends in LinearSVC, which gives no probabilities. Take a classifier with"
    with pytest.raises(ModelError, match=message):
        own(model=LinearSVC())


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (np.where(ROWS.y == 1, "yes", "no"), r"\['no', 'yes'\]"),
        (ROWS.y + 1, r"\[1, 2\]"),
        (ROWS.y + (ROWS.frame["recency"].to_numpy() > 30), r"\[0, 1, 2\]"),
    ],
)
def test_other_classes_than_0_and_1_are_refused(y, told):
    message = f"The challenger runs:/abc/own knows the classes {told}. Fit it on labels 0 and 1."
    with pytest.raises(ModelError, match=message):
        own(y=y)
