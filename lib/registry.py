"""The only place that talks to MLflow: registered pairs, the champion alias, and a twin in memory.

A pair is two registered model versions. The prediction version carries the tag that names its preprocessing
version, and the alias `champion` on the prediction model is the one commit point: whatever happens before it
is moved, the pair in use stays whole.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import pandas as pd

from lib.config import Question
from lib.errors import ModelError
from lib.models import Pair
from lib.search import Trial

CHAMPION = "champion"
PARTNER = "preprocessing_version"  # tag of a prediction version
# What a model file may hold besides scikit-learn's and numpy's own defaults: fixed here, never read from the file.
TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.utils._bunch.Bunch")
NOTES = "notes.json"  # artifact of a pair's run
ABOUT = ("as_of", "holdout")  # what a run records among its parameters besides those of the models
REQUIREMENTS = ("scikit-learn==1.9.1", "numpy==2.4.6", "pandas==2.3.3", "skops==0.16.0")


@dataclass(frozen=True)
class Evidence:
    """What is recorded with a new pair: how it came about, and how it did where."""

    as_of: str
    holdout: str  # newest cutoff that it was judged on
    run_id: str
    tables: str  # the schema that the features come from
    kind: str  # promoted or rejected
    why: str
    trials: Sequence[Trial] = ()
    plots: Mapping[str, Any] = field(default_factory=dict)  # figures of the search, by name
    intervals: Mapping[str, tuple[float, float]] | None = None


class Registry(Protocol):
    """What the pipeline asks of the model registry."""

    def champion(self, question: Question) -> str | None:
        """The prediction version in use; None when the alias map names none."""

    def load(self, question: Question, version: str) -> Pair:
        """Load the pair of one prediction version, and see that both belong together and to the question."""

    def register(self, question: Question, pair: Pair, example: pd.DataFrame, evidence: Evidence) -> Pair:
        """Register both models as new versions; nothing is in use before `promote`."""

    def promote(self, question: Question, version: str) -> None:
        """Point the champion alias at a prediction version."""


def model_names(prefix: str, question: Question) -> tuple[str, str]:
    """Names of the two registered models of a question: preprocessing, prediction."""
    return f"{prefix}_{question.slug}_preprocessing", f"{prefix}_{question.slug}_prediction"


def same_question(tags: Mapping[str, str], question: Question, where: str) -> None:
    """Refuse a model that was trained for another question."""
    if tags.get("question") != question.slug:
        raise ModelError(
            f"{where} answers the question {tags.get('question')!r}, not {question.slug!r}. "
            "Promote a version of this question, or run retrain."
        )


class MlflowRegistry:
    """Pairs in MLflow: a local SQLite store, a server, or Unity Catalog, as the environment configures it."""

    def __init__(self, prefix: str, experiment: str) -> None:
        from mlflow import MlflowClient

        self.prefix, self.experiment = prefix, experiment
        self.client = MlflowClient()

    def champion(self, question: Question) -> str | None:
        from mlflow.exceptions import MlflowException

        try:
            model = self.client.get_registered_model(model_names(self.prefix, question)[1])
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise  # a registry that is down must not look like one without a champion
        version = model.aliases.get(CHAMPION)
        return None if version is None else str(version)

    def load(self, question: Question, version: str) -> Pair:
        import mlflow
        from mlflow.exceptions import MlflowException

        transformers, predictors = model_names(self.prefix, question)
        tags = self._tags(predictors, version)
        same_question(tags, question, f"Version {version} of {predictors}")
        partner = tags.get(PARTNER, "")
        partner_tags = self._tags(transformers, partner) if partner else {}
        if partner_tags.get("pair") != tags.get("pair"):
            raise ModelError(
                f"Version {version} of {predictors} names version {partner or 'none'} of {transformers} as its "
                "preprocessing, and the two were not registered together. Promote another version, or run retrain."
            )
        preprocessing = self._model(transformers, partner)
        try:
            recorded = self.client.get_run(tags["pair"]).data
            notes = mlflow.artifacts.load_dict(f"runs:/{tags['pair']}/{NOTES}")
            through = tags["trained_through"]
        except (KeyError, MlflowException, OSError) as error:
            raise ModelError(
                f"The record of version {version} of {predictors} is gone: {error}. "
                "Promote another version, or retrain."
            ) from error
        return Pair(
            preprocessing=preprocessing,
            prediction=self._model(predictors, version),
            columns=tuple(preprocessing.feature_names_in_),
            question=question.slug,
            trained_through=through,
            params={name: _typed(text) for name, text in recorded.params.items() if name not in ABOUT},
            preprocessing_version=partner,
            prediction_version=version,
            metrics={name: value for name, value in recorded.metrics.items() if not name.endswith(("_low", "_high"))},
            notes=notes,
        )

    def register(self, question: Question, pair: Pair, example: pd.DataFrame, evidence: Evidence) -> Pair:
        import mlflow
        from mlflow.models import infer_signature

        # A transformer cannot be served by itself, which MLflow deplores at length for every example.
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        X = example[list(pair.columns)].head(5)
        Z = pair.preprocessing.transform(X)
        transformers, predictors = model_names(self.prefix, question)
        with mlflow.start_run(experiment_id=self._experiment_id(), run_name=f"{question.slug} {evidence.as_of}") as run:
            self._log_run(run.info.run_id, pair, evidence)
            common: dict[str, Any] = {
                "serialization_format": "skops", "skops_trusted_types": list(TRUSTED),
                "pip_requirements": list(REQUIREMENTS),
            }  # fmt: skip
            first = mlflow.sklearn.log_model(
                pair.preprocessing, name="preprocessing", signature=infer_signature(X, Z), input_example=X,
                **common,
            )  # fmt: skip
            second = mlflow.sklearn.log_model(
                pair.prediction, name="prediction", signature=infer_signature(Z, pair.prediction.predict_proba(Z)),
                input_example=Z, pyfunc_predict_fn="predict_proba", **common,
            )  # fmt: skip
        tags = {
            "question": question.slug, "pair": run.info.run_id, "trained_through": pair.trained_through,
            "as_of": evidence.as_of, "holdout": evidence.holdout,
        }  # fmt: skip
        told = f"{question}. Trained through {pair.trained_through}. {evidence.kind}: {evidence.why}"
        partner = self._version(transformers, first.model_uri, run.info.run_id, tags, told)
        version = self._version(predictors, second.model_uri, run.info.run_id, tags | {PARTNER: partner}, told)
        return replace(pair, preprocessing_version=partner, prediction_version=version)

    def promote(self, question: Question, version: str) -> None:
        self.client.set_registered_model_alias(model_names(self.prefix, question)[1], CHAMPION, version)

    def _log_run(self, run_id: str, pair: Pair, evidence: Evidence) -> None:
        import mlflow

        mlflow.log_params(dict(pair.params) | {"as_of": evidence.as_of, "holdout": evidence.holdout})
        mlflow.log_metrics(dict(pair.metrics))
        mlflow.log_dict(dict(pair.notes), NOTES)
        for name, (low, high) in (evidence.intervals or {}).items():
            mlflow.log_metrics({f"{name}_low": low, f"{name}_high": high})
        mlflow.set_tags({
            "run_id": evidence.run_id, "features": f"{evidence.tables}.features", "decision": evidence.kind,
            "why": evidence.why, "trained_through": pair.trained_through,
        })  # fmt: skip
        for trial in evidence.trials:
            self._log_trial(run_id, trial)
        for name, figure in evidence.plots.items():
            mlflow.log_figure(figure, f"search/{name}.png")

    def _log_trial(self, parent: str, trial: Trial) -> None:
        """Record one trial as a child run, in one batch: thirty trials are to cost a second, not ten."""
        from mlflow.entities import Metric, Param, RunTag

        child = self.client.create_run(
            self._experiment_id(), run_name=f"trial {trial.number}", tags={"mlflow.parentRunId": parent}
        ).info.run_id
        values = {f"fold_{fold}_{trial.objective}": value for fold, value in enumerate(trial.fold_values)}
        values[trial.objective] = trial.value
        self.client.log_batch(
            child,
            metrics=[Metric(name, value, 0, 0) for name, value in values.items()],
            params=[Param(name, str(value)) for name, value in trial.params.items()],
            tags=[RunTag("pruned", str(trial.pruned).lower())],
        )
        self.client.set_terminated(child, "KILLED" if trial.pruned else "FINISHED")

    def _experiment_id(self) -> str:
        found = self.client.get_experiment_by_name(self.experiment)
        return str(found.experiment_id if found else self.client.create_experiment(self.experiment))

    def _version(self, name: str, uri: str, run_id: str, tags: dict[str, str], told: str) -> str:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
                raise
        return str(self.client.create_model_version(name, uri, run_id, tags=tags, description=told).version)

    def _tags(self, name: str, version: str) -> dict[str, str]:
        from mlflow.exceptions import MlflowException

        try:
            return dict(self.client.get_model_version(name, version).tags)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                raise ModelError(f"Version {version} of {name} is not registered. Promote one that is.") from error
            raise

    def _model(self, name: str, version: str) -> Any:
        """Load one model from its skops file: only types on our own list are ever built."""
        import mlflow
        import skops.io
        from mlflow.exceptions import MlflowException
        from skops.io.exceptions import UntrustedTypesFoundException

        try:
            folder = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}")
            return skops.io.load(Path(folder, "model.skops"), trusted=list(TRUSTED))
        except UntrustedTypesFoundException as error:
            raise ModelError(f"Version {version} of {name} holds types that are not trusted: {error}") from error
        except (MlflowException, OSError, ValueError, KeyError, BadZipFile) as error:
            raise ModelError(
                f"Version {version} of {name} cannot be loaded: {type(error).__name__}: {error}. "
                "Restore its artifacts, or promote another version."
            ) from error


def _typed(text: str) -> Any:
    """Read back a parameter that MLflow keeps as a text: a number, true or false, else the text itself."""
    try:
        return json.loads(text.lower())
    except ValueError:
        return text


class MemoryRegistry:
    """The same in memory, for tests and replays."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, str], Pair] = {}
        self.aliases: dict[str, str] = {}

    def champion(self, question: Question) -> str | None:
        return self.aliases.get(question.slug)

    def load(self, question: Question, version: str) -> Pair:
        if (question.slug, version) not in self.pairs:
            raise ModelError(f"Version {version} of {question.slug} is not registered. Promote one that is.")
        return self.pairs[question.slug, version]

    def register(self, question: Question, pair: Pair, example: pd.DataFrame, evidence: Evidence) -> Pair:
        version = str(1 + sum(slug == question.slug for slug, _ in self.pairs))
        registered = replace(pair, preprocessing_version=version, prediction_version=version)
        self.pairs[question.slug, version] = registered
        return registered

    def promote(self, question: Question, version: str) -> None:
        if (question.slug, version) not in self.pairs:
            raise ModelError(f"Version {version} of {question.slug} is not registered. Promote one that is.")
        self.aliases[question.slug] = version
