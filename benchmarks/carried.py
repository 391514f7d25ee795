"""Whether a pair that was registered with the packages of one runtime scores the same with those of another.

    python -m benchmarks.carried PYTHON OTHER_PYTHON ...

Each is an interpreter with `requirements.txt` installed, as `python -m benchmarks.runtimes --keep FOLDER --tests` does.
The first registers a pair of each family; each of them loads these and scores the same rows. Exit code 1 where a
propensity differs by more than 1e-9 or a pair is refused.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST = 1e-9
ONE = """
import json, sys
from lib.config.question import Question
from lib.registry.mlflow_registry import MlflowRegistry
from tests.builders.runs import LOGISTIC, ago, labelled, registered
FAMILIES = {
    "logistic": LOGISTIC,
    "boosting": {"family": "boosting", "lifetime": False, "learning_rate": 0.1, "max_iter": 20, "max_leaf_nodes": 4,
                 "min_samples_leaf": 20, "l2_regularization": 1.0, "max_features": 1.0},
    "blend": {"family": "blend", "C": 0.001, "lifetime": False, "learning_rate": 0.1, "max_iter": 20,
              "max_leaf_nodes": 4, "min_samples_leaf": 20, "l2_regularization": 1.0, "max_features": 1.0},
}
registry, scores = MlflowRegistry("app.propensity", "carried"), {}
for days, (family, params) in enumerate(FAMILIES.items(), 1):
    question = Question(actions=("buy",), horizon_days=days, cohort_days=28)
    if sys.argv[1] == "register":
        registered(registry, question, params=params)
    scores[family] = registry.load(question, "1").score(labelled(ago(7)).X).tolist()
print(json.dumps(scores))
"""


def score(python: str, folder: Path, *what: str) -> dict[str, list[float]]:
    """The propensities of each family's pair, as one interpreter has them."""
    store = f"sqlite:///{folder}/mlflow.db"
    environment = os.environ | {"MLFLOW_TRACKING_URI": store, "MLFLOW_REGISTRY_URI": store, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-c", ONE, *what], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{python}: {done.stderr[-1500:]}")
    scores: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return scores


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        first = score(sys.argv[1], Path(folder), "register")
        furthest = 0.0
        for python in sys.argv[1:]:
            for family, scores in score(python, Path(folder), "load").items():
                apart = max(abs(one - other) for one, other in zip(scores, first[family], strict=True))
                furthest = max(furthest, apart)
                print(f"{python}: {family}, {len(scores)} users, at most {apart:.1e} apart", flush=True)
    return 0 if furthest <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
