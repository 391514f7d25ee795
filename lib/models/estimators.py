"""What the two models of a pair are made of: scikit-learn and numpy classes only, so that anybody can load them."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, MinMaxScaler, OneHotEncoder, StandardScaler

from lib.attributes.columns import DAYS, KNOWN, is_attribute, is_text
from lib.errors import ModelError
from lib.features.vocabulary import type_prefix
from lib.models.pair import Floats, Params

SIGNED = (  # already logarithms; all others are counts, sums or spans
    "trend_7_28", "trend_28_90", "expected", "ends_within_7", "ends_within_28", "ends_within_90",
)  # fmt: skip
# A third member of a blend, whose parts then err in three ways. Nothing of it is searched: what was tried made little
# difference. Each tree sees a third of the rows, at a third of the cost; its depth bounds its file.
FOREST: Params = {
    "n_estimators": 50, "max_depth": 10, "min_samples_leaf": 15, "max_features": 0.2, "bootstrap": True,
    "max_samples": 0.3,
}  # fmt: skip
PARTS: Mapping[str, tuple[str, ...]] = {  # what models are made of, and what of each is searched
    "logistic": ("C",),
    "boosting": (
        "learning_rate", "max_iter", "max_leaf_nodes", "min_samples_leaf", "l2_regularization", "max_features",
    ),
    "forest": (),
}  # fmt: skip
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "logistic": ("logistic",),
    "boosting": ("boosting",),
    "blend": ("logistic", "boosting", "forest"),
}
RARE = 0.005  # a value of an attribute that fewer of the rows have shares one input with the other rare ones
MARK = 3.0  # of an input that is 0 for most rows: to a standard deviation of 1 where one row in eight has it
MOST_VALUES = 20  # inputs of one attribute; a value that nobody had when it was learnt counts as a rare one
BINS = 10  # of equally many rows, for the scale that keeps nothing but their order
# Numbers that grow with the log's age: where all histories begin on one day, they drift as the log ages.
LIFETIME = (
    "silence", "tenure", "log_age", "gap_mean", "gap_std", "overdue", "gap_median", "ends_within_7", "ends_within_28",
    "ends_within_90",
)  # fmt: skip


def is_lifetime(column: str) -> bool:
    """Whether a feature grows with the age of the log."""
    if is_attribute(column):
        return column.startswith(DAYS)
    return column.rpartition("__")[2] in LIFETIME or column.endswith("_all")


def group_columns(columns: Sequence[str], params: Params, actions: Sequence[str]) -> list[str]:
    """The feature columns that `params["groups"]` lets a pair read.

    "all", also where the parameters name no groups, keeps every one; "lean" those of the user and of the question's
    own actions.
    """
    prefixes = {"", *map(type_prefix, actions)}
    lean = params.get("groups", "all") == "lean"
    return [column for column in columns if not lean or column.rpartition("__")[0] in prefixes]


def make_preprocessing(columns: Sequence[str], params: Params) -> Pipeline:
    """Choose columns, bring counts and spans to one scale, and standardise.

    Attributes are 0 or `MARK`: of a text for each frequent value, of a number for each decile. They are not
    standardised: what few rows have, and so what nobody had when it was learnt, would weigh the more the rarer it is.

    `params["lifetime"]` says whether features that grow with the log's age take part, `params["scale"]` whether
    numbers are taken as logarithms ("log") or as the decile of the rows that they fall into ("bins").
    """
    used = [c for c in columns if params["lifetime"] or not is_lifetime(c)]
    chosen = [c for c in used if not is_attribute(c)]
    features = _scale_features(chosen, params)
    attributes = _attribute_parts([c for c in used if is_attribute(c)])
    if not attributes:
        return features
    return Pipeline([("parts", ColumnTransformer([("features", features, chosen), *attributes]))])


def _scale_features(chosen: Sequence[str], params: Params) -> Pipeline:
    if params.get("scale", "log") == "bins":
        binned = ColumnTransformer([("bins", _bins("ordinal"), list(chosen))])
        return Pipeline([("choose", binned), ("scale", StandardScaler())])
    logged = [c for c in chosen if c.rpartition("__")[2] not in SIGNED]
    plain = [c for c in chosen if c not in logged]
    # arcsinh is log(2x) for large x, linear at 0 and odd: a negative sum of refunds stays finite
    parts = [
        ("log", FunctionTransformer(np.arcsinh, feature_names_out="one-to-one"), logged),
        ("plain", "passthrough", plain),
    ]
    return Pipeline([("choose", ColumnTransformer(parts)), ("scale", StandardScaler())])


def _attribute_parts(columns: Sequence[str]) -> list[tuple[str, Any, list[str]]]:
    """How attributes become inputs; no part without any."""
    texts = [c for c in columns if is_text(c)]
    known = [c for c in columns if c.startswith(KNOWN)]
    numbers = [c for c in columns if c not in (*texts, *known)]
    values = OneHotEncoder(
        min_frequency=RARE, max_categories=MOST_VALUES, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    parts = [("values", values, texts), ("deciles", _bins("onehot-dense"), numbers), ("known", "passthrough", known)]
    chosen = ColumnTransformer([part for part in parts if part[2]])
    marked = Pipeline([("choose", chosen), ("mark", MinMaxScaler(feature_range=(0, MARK), clip=True))])
    return [("attributes", marked, list(columns))] if columns else []


def _bins(encode: str) -> KBinsDiscretizer:
    # "averaged_inverted_cdf" is the one that weights leave as it is, and scikit-learn's coming default
    return KBinsDiscretizer(BINS, encode=encode, quantile_method="averaged_inverted_cdf", random_state=0)


def make_prediction(params: Params, seed: int) -> Any:
    """Build the unfitted prediction model that the parameters describe."""
    parts = [(name, make_part(name, params, seed)) for name in part_names(params)]
    return parts[0][1] if len(parts) == 1 else VotingClassifier(parts, voting="soft")


def part_names(params: Params) -> tuple[str, ...]:
    """What a model of these parameters is made of: its probability is the mean of theirs."""
    if params["family"] not in FAMILIES:
        raise ModelError(f"Unknown model family {params['family']!r}: logistic, boosting or blend.")
    return FAMILIES[params["family"]]


def make_part(name: str, params: Params, seed: int) -> Any:
    """Build one unfitted part of a prediction model."""
    searched = {param: params[param] for param in PARTS[name]}
    if name == "logistic":
        return LogisticRegression(**searched, solver="newton-cholesky")
    if name == "boosting":
        return HistGradientBoostingClassifier(**searched, early_stopping=False, random_state=seed)
    return ExtraTreesClassifier(**FOREST, random_state=seed)


def fit_models(
    X: pd.DataFrame, y: npt.NDArray[np.int64], params: Params, seed: int, weight: Floats | None = None
) -> tuple[Pipeline, Any]:
    """Fit both models on one set of rows.

    Parameters
    ----------
    X : DataFrame[feature float32]
    y : array of 0 and 1
    weight : array or None
        How many rows each row stands for; None where each stands for itself.
    """
    transformer = make_preprocessing(list(X.columns), params)
    # Newton's steps need double precision: in single, nearly equal columns make its equations unsolvable.
    Z = transform(transformer, X, fit=True)
    return transformer, make_prediction(params, seed).fit(Z, y, sample_weight=weight)


def transform(transformer: Pipeline, X: pd.DataFrame, *, fit: bool = False) -> Floats:
    """Apply a preprocessing model in double precision, fitting it first if asked to."""
    wide = X.astype(np.float64)
    with warnings.catch_warnings():
        # most counts are mostly 0, and some always
        warnings.filterwarnings("ignore", r"Bins whose width|Feature \d+ is constant", UserWarning)
        return np.asarray(transformer.fit_transform(wide) if fit else transformer.transform(wide))
