"""What talks to MLflow, beside `model_files` and `spark_search`: registered pairs, their record, the champion alias.

A pair is two registered model versions. The prediction version carries the tag that names its preprocessing
version, and the alias `champion` on the prediction model is the one commit point: whatever happens before it
is moved, the pair in use stays whole.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from lib import model_files, pairing
from lib.blueprint import Own
from lib.config import ModelConfig, Question
from lib.decision import Check
from lib.errors import ModelError
from lib.history import Version
from lib.measure import Quality
from lib.model_files import PARTNER
from lib.models import Pair
from lib.pairing import MEND
from lib.registered import Evidence, described, model_names, pair_tags
from lib.trials import Trial

CHAMPION = "champion"
NOTES = "notes.json"  # artifact of a pair's run
DRIFT = "drift.json"  # artifact of a check's run: a table that the MLflow UI shows
ABOUT = ("as_of", "holdout")  # what a run records among its parameters besides those of the models
ENDS = ("_low", "_high")  # of a metric's interval: metrics of their own, so that MLflow can chart them
WHAT = ("the preprocessing model, from features to model inputs", "the prediction model; the alias champion is in use")


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
        transformers, predictors = model_names(self.prefix, question)
        where = f"Version {version} of {predictors}"
        tags = self._tags(predictors, version)
        pairing.same_question(tags, question, where)
        partner = tags.get(PARTNER, "")
        partner_tags = self._tags(transformers, partner) if partner else {}
        pairing.registered_together(tags, partner_tags, f"{where} names version {partner or 'none'} of {transformers}")
        through = pairing.readable_day(tags, where)
        record, notes = self._record_of(where, tags["pair"])
        preprocessing, prediction, columns = model_files.read_pair(
            (f"models:/{transformers}/{partner}", f"Version {partner} of {transformers}"),
            (f"models:/{predictors}/{version}", where),
        )
        pair = Pair(
            preprocessing=preprocessing, prediction=prediction, columns=columns, question=question.slug,
            trained_through=through, params=record["params"], preprocessing_version=partner,
            prediction_version=version, metrics=record["metrics"], notes=notes,
        )  # fmt: skip
        pairing.fits(pair, where)
        return pair

    def notes(self, question: Question, version: str) -> Mapping[str, Any]:
        name = model_names(self.prefix, question)[1]
        tags, where = self._tags(name, version), f"Version {version} of {name}"
        pairing.same_question(tags, question, where)
        return self._record_of(where, tags.get("pair", ""))[1]

    def register(self, question: Question, pair: Pair, example: pd.DataFrame, evidence: Evidence) -> Pair:
        import mlflow

        transformers, predictors = model_names(self.prefix, question)
        with mlflow.start_run(experiment_id=self._experiment_id(), run_name=f"{question.slug} {evidence.as_of}") as run:
            self._log_run(run.info.run_id, pair, evidence)
            first, second = model_files.write_pair(pair, example)
        tags = pair_tags(question, pair, evidence) | {"pair": run.info.run_id}
        told = described(question, pair, evidence)
        self._models(question, evidence.tables)
        partner = self._version(transformers, first, run.info.run_id, tags, told)
        version = self._version(predictors, second, run.info.run_id, tags | {PARTNER: partner}, told)
        return replace(pair, preprocessing_version=partner, prediction_version=version)

    def promote(self, question: Question, version: str, as_of: date) -> None:
        name = model_names(self.prefix, question)[1]
        tags, before = self._tags(name, version), self.champion(question)
        self.client.set_registered_model_alias(name, CHAMPION, version)
        if before == version:
            return
        # Signs for whoever reads the UI; the alias alone counts, so a kill in between leaves the pair in use whole.
        self.client.set_model_version_tag(name, version, "champion_since", as_of.isoformat())
        if "champion_until" in tags:
            self.client.delete_model_version_tag(name, version, "champion_until")
        if before is not None:
            self.client.set_model_version_tag(name, before, "champion_until", as_of.isoformat())

    def versions(self, question: Question) -> list[Version]:
        transformers, predictors = (self._all(name) for name in model_names(self.prefix, question))
        champion = self.champion(question)
        pairs = [
            Version.of((str(v.version), v.tags.get(PARTNER, "")), v.tags, champion, **self._known(v))
            for v in predictors
        ]
        halves = [v for v in transformers if str(v.version) not in {pair.preprocessing_version for pair in pairs}]
        return pairs + [Version.of(("", str(v.version)), v.tags, None, **self._known(v)) for v in halves]

    def columns(self, question: Question, version: str) -> tuple[str, ...]:
        transformers, predictors = model_names(self.prefix, question)
        return model_files.read_columns(f"models:/{transformers}/{self._tags(predictors, version).get(PARTNER, '')}")

    def own(self, uri: str) -> Own:
        return model_files.read_own(uri)

    def record_check(self, question: Question, check: Check) -> None:
        from mlflow.entities import Metric, RunTag

        tags = {
            "question": question.slug, "check": "true", "run_id": check.run_id, "version": check.version,
            "holdout": check.holdout.isoformat(), "answer": check.verdict.answer,
            "reasons": "\n".join(check.verdict.reasons),
        }  # fmt: skip
        run_id = self.client.create_run(self._experiment_id(), run_name=f"check {check.as_of}").info.run_id
        self.client.log_batch(
            run_id,
            metrics=[Metric(name, value, 0, 0) for name, value in _flat(check.quality).items()],
            tags=[RunTag(name, text) for name, text in tags.items()],
        )
        if not check.drift.empty:
            self.client.log_table(run_id, check.drift, DRIFT)
        self.client.set_terminated(run_id)

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
        if evidence.trial_runs:
            self.client.set_tag(evidence.trial_runs, "mlflow.parentRunId", run_id)
        else:
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
        values |= {trial.objective: trial.value, "seconds": trial.seconds}
        self.client.log_batch(
            child,
            metrics=[Metric(name, value, 0, 0) for name, value in values.items()],
            params=[Param(name, str(value)) for name, value in trial.params.items()],
            tags=[RunTag("pruned", str(trial.pruned).lower())],
        )
        self.client.set_terminated(child, "KILLED" if trial.pruned else "FINISHED")

    def _experiment_id(self) -> str:
        return experiment_id(self.client, self.experiment)

    def _models(self, question: Question, schema: str) -> None:
        """Make the two registered models of a question, unless they are there; their tags say what they answer."""
        from mlflow.exceptions import MlflowException

        asked = {
            "question": question.slug, "action": question.action, "horizon_days": str(question.horizon_days),
            "cohort_days": str(question.cohort_days), "schema": schema, "experiment": self.experiment,
        }  # fmt: skip
        for name, what in zip(model_names(self.prefix, question), WHAT, strict=True):
            try:
                self.client.create_registered_model(name, asked, f"{question}: {what}")
            except MlflowException as error:
                if error.error_code not in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
                    raise

    def _version(self, name: str, uri: str, run_id: str, tags: dict[str, str], told: str) -> str:
        return str(self.client.create_model_version(name, uri, run_id, tags=tags, description=told).version)

    def _all(self, name: str) -> list[Any]:
        """All versions of a registered model, the newest first."""
        found = self.client.search_model_versions(f"name = '{name}'", max_results=10_000)
        return sorted(found, key=lambda version: -int(version.version))

    def _record(self, run_id: str) -> dict[str, Any]:
        """Parameters, metrics and intervals that were recorded with a pair."""
        recorded = self.client.get_run(run_id).data
        metrics = {name: value for name, value in recorded.metrics.items() if not name.endswith(ENDS)}
        return {
            "params": {name: _typed(text) for name, text in recorded.params.items() if name not in ABOUT},
            "metrics": metrics,
            "intervals": {
                name: (recorded.metrics[name + ENDS[0]], recorded.metrics[name + ENDS[1]])
                for name in metrics if name + ENDS[0] in recorded.metrics
            },
        }  # fmt: skip

    def _record_of(self, where: str, run_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was recorded and what was noted with a pair that is to be used."""
        import mlflow
        from mlflow.exceptions import MlflowException

        try:
            return self._record(run_id), mlflow.artifacts.load_dict(f"runs:/{run_id}/{NOTES}")
        except (MlflowException, OSError) as error:
            raise ModelError(f"The record of {where[0].lower()}{where[1:]} is gone: {error}. {MEND}") from error

    def _known(self, version: Any) -> dict[str, Any]:
        """When a version was made and what was recorded: a listing does not fail because one record is gone."""
        from mlflow.exceptions import MlflowException

        created = {"created": f"{datetime.fromtimestamp(version.creation_timestamp / 1000, UTC):%Y-%m-%d %H:%M}"}
        run_id = version.tags.get("pair")
        try:
            return created | (self._record(run_id) if run_id else {})
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return created

    def _tags(self, name: str, version: str) -> dict[str, str]:
        from mlflow.exceptions import MlflowException

        try:
            return dict(self.client.get_model_version(name, version).tags)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            transformers = f"{name.removesuffix('_prediction')}_preprocessing"
            if name != transformers and any(str(half.version) == version for half in self._all(transformers)):
                raise ModelError(
                    f"Version {version} of {name} is not registered: a kill left version {version} of {transformers} "
                    "without its half. Promote one that is whole."
                ) from error
            raise ModelError(f"Version {version} of {name} is not registered. Promote one that is.") from error


def experiment_id(client: Any, name: str) -> str:
    """The experiment of a name, made where it is not there yet."""
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def registered_questions() -> list[ModelConfig]:
    """One configuration for each question that has models in the store, by the registered models' own tags."""
    from mlflow import MlflowClient

    found = []
    for model in MlflowClient().search_registered_models(max_results=1000):
        tags = model.tags
        if "question" in tags and model.name.endswith("_prediction"):
            question = Question.from_widgets(tags.__getitem__)
            prefix = model.name.removesuffix(f"_{question.slug}_prediction")
            found.append(ModelConfig(
                schema=tags["schema"], run_id="", as_of=None, question=question, models=prefix,
                experiment=tags["experiment"],
            ))  # fmt: skip
    return found


def _flat(quality: Quality | None) -> dict[str, float]:
    """Values by their names, and the ends of their intervals with `_low` and `_high`."""
    metrics = quality.metrics.items() if quality else ()
    return {
        name + end: value
        for name, measured in metrics
        for end, value in (("", measured.value), ("_low", measured.low), ("_high", measured.high))
    }


def _typed(text: str) -> Any:
    """Read back a parameter that MLflow keeps as a text: a number, true or false, else the text itself."""
    try:
        return json.loads(text.lower())
    except ValueError:
        return text
