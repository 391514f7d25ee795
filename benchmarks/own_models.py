"""Which kinds of pipelines may compete, and whether the registered pair scores and serves as the fitted one did.

    python -m benchmarks.own_models

Twenty-two kinds, each written by skops, read as a challenger, fitted anew, registered in MLflow, loaded and served; and
of LightGBM, XGBoost and CatBoost those that are installed, in a pipeline and by a description. Prints a line for each:
`competes` with the largest distance of propensities, or why it is refused. Exit code 1 where one differs by more than
1e-9, or a library's is refused.
"""

import importlib
import importlib.util
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import skops.io
from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, preprocessing, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from lib.config.question import Question
from lib.errors import ModelError
from lib.labels.rows import Rows
from lib.registry.mlflow_registry import MlflowRegistry
from lib.registry.protocol import Evidence
from lib.registry.versions import model_names
from lib.training.fit import fit_pair

QUESTION = Question(actions=("buy",), horizon_days=7, cohort_days=28)
USED = ["recency", "events_7", "tenure"]
MOST = 1e-9
CUTOFF = date(2024, 6, 3)
EVIDENCE = Evidence(as_of="2024-06-10", holdout="2024-06-03", run_id="own", tables="app", kind="rejected", why="Tried.")
LOGISTIC = linear_model.LogisticRegression()


def halved(values: Any) -> Any:
    """A function of one's own."""
    return values / 2


CLASSIFIERS: dict[str, Any] = {
    "random forest": ensemble.RandomForestClassifier(20), "extra trees": ensemble.ExtraTreesClassifier(20),
    "gradient boosting": ensemble.GradientBoostingClassifier(n_estimators=20),
    "histogram boosting": ensemble.HistGradientBoostingClassifier(max_iter=20),
    "AdaBoost": ensemble.AdaBoostClassifier(n_estimators=20), "bagging": ensemble.BaggingClassifier(n_estimators=5),
    "calibrated tree": CalibratedClassifierCV(tree.DecisionTreeClassifier(max_depth=3), method="isotonic", cv=3),
    "neighbours": neighbors.KNeighborsClassifier(15), "Bayes": naive_bayes.GaussianNB(),
    "network": neural_network.MLPClassifier((8,), max_iter=60), "support vectors": svm.SVC(probability=True),
    "SGD": linear_model.SGDClassifier(loss="log_loss"), "tree": tree.DecisionTreeClassifier(max_depth=4),
    "stacking": ensemble.StackingClassifier([("one", LOGISTIC), ("other", naive_bayes.GaussianNB())]),
    "cross-validated": linear_model.LogisticRegressionCV(cv=3),
}  # fmt: skip
STEPS: dict[str, Any] = {
    "logarithm": preprocessing.FunctionTransformer(np.log1p), "bins": preprocessing.KBinsDiscretizer(3),
    "splines": preprocessing.SplineTransformer(), "quantiles": preprocessing.QuantileTransformer(n_quantiles=40),
    "columns": ColumnTransformer([("one", SimpleImputer(), ["recency"]), ("other", "passthrough", ["tenure"])]),
    "selection": SelectKBest(k=2), "own function": preprocessing.FunctionTransformer(halved),
}  # fmt: skip
BOOSTERS = {  # by library: the class, and so many rounds, in silence
    "lightgbm": ("LGBMClassifier", {"n_estimators": 20, "verbosity": -1}),
    "xgboost": ("XGBClassifier", {"n_estimators": 20}),
    "catboost": ("CatBoostClassifier", {"iterations": 20, "verbose": 0, "allow_writing_files": False}),
}


def draw() -> Rows:
    """Six hundred users, of whom those act who came lately."""
    rng = np.random.default_rng(0)
    recency = rng.integers(1, 60, 600)
    return Rows(pd.DataFrame({
        "user_id": [f"u{number}" for number in range(600)], "cutoff": CUTOFF, "recency": recency,
        "label": (rng.random(600) < 1 / (1 + np.exp((recency - 20) / 8))).astype(int),
        "events_7": rng.poisson(2, 600), "tenure": rng.integers(60, 90, 600),
    }))  # fmt: skip


def log_fitted(own: Any, folder: Path) -> str:
    """Log a fitted model as a file that skops writes; where it lies in the run."""
    rows = draw()
    skops.io.dump(own.fit(rows.X[USED].astype(np.float64), rows.y), folder / "model.skops")
    mlflow.log_artifact(str(folder / "model.skops"), "own")
    return "own"


def log_described(own: Any, _: Path) -> str:
    """Log a model's class and parameters; where they lie in the run."""
    library = type(own).__module__.partition(".")[0]
    described = {"class": f"{library}.{type(own).__name__}", "params": own.get_params(), "columns": USED}
    mlflow.log_dict(described, "own.json")
    return "own.json"


def measure(own: Any, registry: MlflowRegistry, folder: Path, log: Callable[[Any, Path], str] = log_fitted) -> float:
    """The largest distance between what the fitted pair scores and what the registered and the served one do."""
    rows = draw()
    with mlflow.start_run(experiment_id=registry.runs.experiment_id()) as run:
        place = log(own, folder)
    pair = fit_pair(rows, registry.load_own(f"runs:/{run.info.run_id}/{place}"), QUESTION, CUTOFF, 0)
    made = registry.register(QUESTION, pair, rows.X, EVIDENCE)
    name = model_names(registry.prefix, QUESTION)[1]
    servable = registry.client.get_model_version(name, made.prediction_version).tags["servable"]
    scores = (
        registry.load(QUESTION, made.prediction_version).score(rows.X),
        mlflow.pyfunc.load_model(servable).predict(rows.X.astype(np.float64)),
    )
    return max(float(np.abs(one - pair.score(rows.X)).max()) for one in scores)


def main() -> int:
    warnings.filterwarnings("ignore")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    kinds = {name: make_pipeline(preprocessing.StandardScaler(), one) for name, one in CLASSIFIERS.items()}
    kinds |= {name: make_pipeline(step, LOGISTIC) for name, step in STEPS.items()}
    tried: list[tuple[str, Any, Callable[[Any, Path], str]]] = [(name, own, log_fitted) for name, own in kinds.items()]
    for library in filter(importlib.util.find_spec, BOOSTERS):
        name, params = BOOSTERS[library]
        own = getattr(importlib.import_module(library), name)(**params)
        tried.append((f"{library} in a pipeline", make_pipeline(preprocessing.StandardScaler(), own), log_fitted))
        tried.append((f"{library} described", own, log_described))
    furthest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.create_experiment("own", artifact_location=f"{folder}/artifacts")
        registry = MlflowRegistry("app.propensity", "own")
        for name, own, log in tried:
            try:
                apart = measure(own, registry, Path(folder), log)
                furthest = max(furthest, apart)
                print(f"{name}: competes, propensities at most {apart:.1e} apart", flush=True)
            except ModelError as error:
                furthest = furthest if name in kinds else float("inf")
                print(f"{name}: refused. {error}", flush=True)
    return 0 if furthest <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
