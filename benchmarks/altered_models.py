"""A pair in MLflow whose files are altered, one at a time: none is loaded unless it is the pair that was registered.

    python -m benchmarks.altered_models [--number 200] [--seed 0]

Prints how many of each file and way were refused, and how many were loaded as they were, since nothing that is read was
altered. Exit code 1 where a refusal is no line with *cannot be loaded*; anything else that happens is raised.
"""

import argparse
import logging
import os
import sys
import tempfile
from collections import Counter
from dataclasses import replace

from mlflow import MlflowClient

from benchmarks.own_models import CUTOFF, EVIDENCE, QUESTION, draw
from lib.registry.mlflow_registry import MlflowRegistry
from lib.training.fit import fit_pair
from tests.builders.altered_models import EQUAL, is_one_line, try_altered

LOGISTIC = {"family": "logistic", "C": 0.25, "lifetime": True}


def main() -> None:
    """Register a pair in a folder of its own, and try it."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--number", type=int, default=200)
    asked.add_argument("--seed", type=int, default=0)
    given = asked.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
            os.environ[name] = f"sqlite:///{folder}/mlflow.db"
        MlflowClient().create_experiment("altered", artifact_location=f"{folder}/artifacts")
        registry = MlflowRegistry("app.propensity", "altered")
        rows = draw()
        fitted = replace(fit_pair(rows, LOGISTIC, QUESTION, CUTOFF, 0), metrics={"auc": 0.75})
        made = registry.register(QUESTION, fitted, rows.X, EVIDENCE)
        sound = registry.load(QUESTION, made.prediction_version)
        counts: Counter[tuple[str, str, str]] = Counter()
        odd = []
        for tried in try_altered(registry, QUESTION, sound, given.number, given.seed):
            counts[tried.file, tried.how, EQUAL if tried.said == EQUAL else "refused"] += 1
            if tried.said != EQUAL and not is_one_line(tried.said):
                odd.append(tried)
    for (file, how, became), number in sorted(counts.items()):
        print(f"{number:4} {file:12} {how:20} {became}")
    print(f"{counts.total()} altered, {sum(n for key, n in counts.items() if key[2] == EQUAL)} loaded as they were")
    for one in odd:
        print(f"ODD: {one}")
    sys.exit(1 if odd else 0)


if __name__ == "__main__":
    main()
