"""What is read of somebody's own model, and what is refused by name with a way that works."""

import io
import json
import re
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, StandardScaler

from lib.errors import ModelError
from lib.models import classes
from lib.models.blueprint import OwnModels, make_models
from lib.models.settings import read_described, read_settings
from tests.builders.runs import ago, labelled

ROWS = labelled(ago(7), ago(14))
X, Y = ROWS.X[["recency", "events_7", "tenure"]].astype(np.float64), ROWS.y
WHERE = "runs:/7/own"


def read(model):
    """A model's settings, out of the file that skops writes of it."""
    archive = zipfile.ZipFile(io.BytesIO(skops.io.dumps(model)))
    return read_settings(archive.read, WHERE)


def refused(message, call, *given):
    with pytest.raises(ModelError) as error:
        call(*given)
    assert str(error.value) == message


def log1p(values):
    """A function of one's own, which no file of a model can hold."""
    return np.log1p(values)


class Home:
    """A type that is on nobody's list."""


def test_only_settings_are_read_and_columns_and_labels():
    forest = RandomForestClassifier(3, max_depth=2, class_weight={0: 1.0, 1: 2.0}, n_jobs=2, verbose=1)
    model = read(forest.fit(X, Y))
    assert model.get_params() == forest.get_params() | {"n_jobs": None, "verbose": 0}
    left = {name for name in vars(model) if name.endswith("_")}
    assert left == {"feature_names_in_", "classes_"}
    assert (list(model.feature_names_in_), list(model.classes_)) == (list(X), [0, 1])


@pytest.mark.parametrize("model", [
    make_pipeline(SimpleImputer(strategy="median"), FunctionTransformer(np.log1p), KNeighborsClassifier(7)),
    make_pipeline(StandardScaler(), MLPClassifier((4, 2), alpha=0.1, tol=1.0)),
    make_pipeline(KBinsDiscretizer(4), LogisticRegression()),
    make_pipeline(OneHotEncoder(dtype=np.float32, handle_unknown="ignore"), LogisticRegression()),
    make_pipeline(SelectKBest(chi2, k=2), GaussianNB(priors=np.array([0.5, 0.5]))),
    Pipeline([("columns", ColumnTransformer([
        ("one", StandardScaler(), ["recency"]), ("rest", "passthrough", make_column_selector(pattern="events")),
    ]).set_output(transform="pandas")), ("model", HistGradientBoostingClassifier(max_iter=3))]),
    CalibratedClassifierCV(RandomForestClassifier(2), method="isotonic", cv=StratifiedKFold(3)),
    StackingClassifier([("a", LogisticRegression(C=0.5)), ("b", GaussianNB())]),
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3),
    GaussianProcessClassifier(1.0 * RBF(2.0) + WhiteKernel(0.5), optimizer=None),
], ids=lambda model: type(model[-1] if isinstance(model, Pipeline) else model).__name__)  # fmt: skip
def test_an_ordinary_model_comes_back_with_its_settings_and_can_be_fitted(model):
    again = read(model)
    assert re.sub(" at 0x\\w+", "", str(again)) == re.sub(" at 0x\\w+", "", str(model))
    steps = list(again.steps) if isinstance(again, Pipeline) else [("model", again)]
    own = OwnModels.of(WHERE, steps[:-1], steps[-1][1], tuple(X))
    transformer, fitted, columns, _ = make_models(X, Y, own, 0)
    scores = fitted.predict_proba(transformer.transform(X))
    assert (columns, scores.shape) == (tuple(X), (len(X), 2))


@pytest.mark.parametrize(("model", "message"), [
    (FunctionTransformer(log1p), "holds the function {0}.log1p, and no file holds a function's code. Take one of numpy "
     "like numpy.log1p, or let lib/features/build.py compute it."),
    (FunctionTransformer(kw_args={"of": Home()}), "holds {0}.Home, which is not read from a file. Take an estimator of "
     "scikit-learn, or of LightGBM, XGBoost or CatBoost where these are installed."),
    (LogisticRegression(random_state=np.random.RandomState(0)), "holds numpy.random.mtrand.RandomState, which is not "
     "read from a file. Give numbers, texts and estimators only: a seed is a whole number, a rule of splitting one of "
     "scikit-learn's."),
    (GridSearchCV(make_pipeline(StandardScaler(), GaussianNB()), {"memory": ["kept"]}), "holds memory, a folder of "
     "pickles, which is not read from a file. Give numbers, texts and estimators only: a seed is a whole number, a "
     "rule of splitting one of scikit-learn's."),
])  # fmt: skip
def test_what_is_not_read_is_named_with_a_way_on(model, message):
    refused(f"The challenger {WHERE} {message.format(__name__)}", read, model)


def test_a_folder_of_pickles_is_forgotten():
    assert read(Pipeline([("model", GaussianNB())], memory="kept")).memory is None


def described(**changes):
    return json.dumps({"class": "lightgbm.LGBMClassifier", "params": {}, "columns": ["recency"]} | changes)


@pytest.fixture
def library(monkeypatch):
    """A library that is there: one class that takes any parameter."""

    class LGBMClassifier:
        __module__ = "lightgbm.sklearn"

        def __init__(self, **params):
            self.params = params

    import_module = classes.import_module
    monkeypatch.setattr(classes, "find_spec", lambda name: name)
    here = {"lightgbm": type("lightgbm", (), {"LGBMClassifier": LGBMClassifier})}
    monkeypatch.setattr(classes, "import_module", lambda name: here.get(name) or import_module(name))


def test_of_a_booster_class_and_parameters_are_read(library):
    params = {"num_leaves": 7, "learning_rate": 0.1, "class_weight": None, "n_jobs": 4, "verbosity": -1}
    model, columns = read_described(described(params=params), WHERE)
    assert (model.params, columns) == ({"num_leaves": 7, "learning_rate": 0.1}, ("recency",))


def test_a_parameter_of_a_booster_that_is_not_on_the_list_is_named(library):
    refused(
        f"The challenger {WHERE} gives LGBMClassifier forcedsplits_filename='splits.json', which is not read. Leave it "
        "out.",
        read_described, described(params={"forcedsplits_filename": "splits.json"}), WHERE,
    )  # fmt: skip


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(classes, "find_spec", lambda name: None)
    refused(
        f"The challenger {WHERE} holds LGBMClassifier of lightgbm, which is not installed here. Add lightgbm to "
        "requirements.txt, or take HistGradientBoostingClassifier of scikit-learn.",
        read_described, described(), WHERE,
    )  # fmt: skip


def test_a_parameter_that_a_class_does_not_take_is_named():
    with pytest.raises(ModelError, match=r"cannot be made: .* unexpected keyword argument 'trees'. Leave that paramet"):
        read_described(described(**{"class": "sklearn.naive_bayes.GaussianNB"}, params={"trees": 3}), WHERE)


@pytest.mark.parametrize("name", ["sklearn.datasets.load_files", "sklearn.feature_extraction.text.CountVectorizer",
                                  "sklearn.linear_model._base.LinearModel", "sklearn.linear_model.ridge_regression",
                                  "lightgbm.LGBMRanker", "LGBMClassifier"])  # fmt: skip
def test_a_class_that_is_not_on_the_list_is_named(name):
    with pytest.raises(ModelError, match=re.escape(f"{name}, which is not read from a file. Take an estimator of sci")):
        read_described(described(**{"class": name}), WHERE)


@pytest.mark.parametrize("text", ["", "[]", "3", '{"class": "a.B"}', '{"class": 3, "columns": []}', "{" * 9])
def test_what_is_no_description_is_shown_one(text):
    with pytest.raises(ModelError, match=rf"{WHERE} is no description like {{\"class\": \"lightgbm.LGBMClassifier\""):
        read_described(text, WHERE)


def test_settings_that_cannot_be_fitted_are_told_with_the_library_s_words():
    own = OwnModels.of(WHERE, [], KNeighborsClassifier(10_000), tuple(X))
    why = (
        "ValueError: Expected n_neighbors <= n_samples_fit, but n_neighbors = 10000, n_samples_fit = 240, n_samples = 1"
    )
    refused(
        f"The challenger {WHERE} cannot be fitted on this run's 240 rows: {why}. Change its settings; the "
        "table features has such rows to try it on.",
        make_models, X, Y, own, 0,
    )  # fmt: skip


def test_model_inputs_are_dense_whatever_the_steps_make():
    own = OwnModels.of(WHERE, [("bins", KBinsDiscretizer(3))], GaussianNB(), tuple(X))
    transformer, model, *_ = make_models(X, Y, own, 0)
    assert isinstance(transformer.transform(X), np.ndarray)
    assert model.n_features_in_ == 9


def test_a_frozen_part_is_refused():
    from sklearn.frozen import FrozenEstimator

    frozen = StackingClassifier([("a", GaussianNB()), ("b", FrozenEstimator(GaussianNB()))])
    refused(
        f"The challenger {WHERE} holds a FrozenEstimator, and nothing that a model has learnt is read. Take what is in "
        "it by itself.",
        OwnModels.of, WHERE, [], frozen, tuple(X),
    )  # fmt: skip
