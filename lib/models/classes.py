"""Which classes and parameters a model of one's own may name: our own list, whatever a file says."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector
from sklearn.gaussian_process.kernels import Kernel
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit

from lib.errors import ModelError

ROOMS = (  # of scikit-learn, whose public estimators may take part: none of them reads a file or runs what it is given
    "calibration", "cluster", "compose", "covariance", "cross_decomposition", "decomposition", "discriminant_analysis",
    "dummy", "ensemble", "feature_selection", "frozen", "gaussian_process", "impute", "isotonic",
    "kernel_approximation", "linear_model", "mixture", "model_selection", "naive_bayes", "neighbors", "neural_network",
    "pipeline", "preprocessing", "random_projection", "semi_supervised", "svm", "tree",
)  # fmt: skip
KINDS = (BaseEstimator, BaseCrossValidator, BaseShuffleSplit, Kernel, make_column_selector)
ON_TRIAL = {  # estimators that scikit-learn gives only where they were asked for
    "impute": ("enable_iterative_imputer", "IterativeImputer"),
    "model_selection": ("enable_halving_search_cv", "HalvingGridSearchCV", "HalvingRandomSearchCV"),
}
IGNORED = ("memory", "n_jobs", "verbose", "verbosity", "thread_count")  # how a fit goes on, not what it comes to
_SHARED = ("learning_rate", "max_depth", "n_estimators", "random_state", "reg_alpha", "reg_lambda", "subsample",
           "colsample_bytree", "min_child_weight", "scale_pos_weight", "objective", "max_bin")  # fmt: skip
BOOSTERS: Mapping[tuple[str, str], tuple[str, ...]] = {  # package, class -> parameters that may be given
    ("lightgbm", "LGBMClassifier"): (
        *_SHARED, "boosting_type", "num_leaves", "subsample_for_bin", "class_weight", "min_split_gain",
        "min_child_samples", "subsample_freq", "importance_type", "extra_trees", "path_smooth", "is_unbalance",
        "bagging_fraction", "bagging_freq", "feature_fraction", "feature_fraction_bynode", "lambda_l1", "lambda_l2",
        "min_data_in_leaf", "min_gain_to_split", "max_delta_step", "linear_lambda", "cat_smooth", "seed",
        "deterministic", "force_col_wise", "force_row_wise", "monotone_constraints", "interaction_constraints",
    ),
    ("xgboost", "XGBClassifier"): (
        *_SHARED, "max_leaves", "grow_policy", "booster", "tree_method", "gamma", "max_delta_step", "sampling_method",
        "colsample_bylevel", "colsample_bynode", "base_score", "missing", "num_parallel_tree", "monotone_constraints",
        "interaction_constraints", "importance_type", "device", "validate_parameters", "enable_categorical",
        "max_cat_to_onehot", "max_cat_threshold", "multi_strategy", "eval_metric",
    ),
    ("catboost", "CatBoostClassifier"): (
        *_SHARED, "iterations", "depth", "l2_leaf_reg", "random_strength", "bagging_temperature", "border_count",
        "random_seed", "rsm", "grow_policy", "min_data_in_leaf", "max_leaves", "bootstrap_type",
        "leaf_estimation_method", "leaf_estimation_iterations", "boosting_type", "auto_class_weights", "class_weights",
        "loss_function",
        "eval_metric", "sampling_frequency", "model_shrink_rate", "score_function", "feature_border_type", "eta",
        "num_trees", "allow_writing_files", "nan_mode", "one_hot_max_size",
    ),
}  # fmt: skip
FIXED: Mapping[str, Mapping[str, Any]] = {"catboost": {"allow_writing_files": False, "verbose": 0}}
INSTEAD = "Take an estimator of scikit-learn, or of LightGBM, XGBoost or CatBoost where these are installed."


def find_class(module: str, name: str, where: str) -> Any:
    """The class that a model's description names, imported from its public place.

    Raises
    ------
    ModelError
        If it is not on the list, or of a library that is not installed; the message names it and a way on.
    """
    package = module.partition(".")[0]
    if package == "sklearn" and (kind := _find_in_sklearn(module, name)) is not None:
        return kind
    if (package, name) not in BOOSTERS:
        raise ModelError(f"The challenger {where} holds {module}.{name}, which is not read from a file. {INSTEAD}")
    if find_spec(package) is None:
        raise ModelError(
            f"The challenger {where} holds {name} of {package}, which is not installed here. Add {package} to "
            "requirements.txt, or take HistGradientBoostingClassifier of scikit-learn."
        )
    return getattr(import_module(package), name)


def _find_in_sklearn(module: str, name: str) -> Any:
    room = module.split(".")[1] if "." in module else ""
    if room not in ROOMS:
        return None
    public = import_module("sklearn.gaussian_process.kernels" if module.endswith(".kernels") else f"sklearn.{room}")
    switch, *on_trial = ON_TRIAL.get(room, ("",))
    if name in on_trial:
        import_module(f"sklearn.experimental.{switch}")
    kind = getattr(public, name, None) if not name.startswith("_") else None
    return kind if isinstance(kind, type) and issubclass(kind, KINDS) else None


def check_params(package: str, name: str, params: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The parameters of a boosting library's class that may be given; those that are None or say nothing are dropped.

    Raises
    ------
    ModelError
        If another one is given; the message names it with its value.
    """
    chosen = {key: value for key, value in params.items() if value is not None and key not in IGNORED}
    for key, value in chosen.items():
        if key not in BOOSTERS[package, name]:
            raise ModelError(f"The challenger {where} gives {name} {key}={value!r}, which is not read. Leave it out.")
    return chosen | dict(FIXED.get(package, {}))
