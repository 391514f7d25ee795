"""What MLflow's runs keep of pairs, trials and verdicts: parameters, metrics, notes."""

from typing import Any

from lib.config.question import Question
from lib.errors import ConfigError, ContractBroken, ModelError
from lib.evaluation.metrics import Quality
from lib.evaluation.verdict import Check
from lib.models.checks import MEND
from lib.models.notes import PairNotes
from lib.models.pair import Pair
from lib.registry.protocol import Evidence
from lib.registry.run_record import parse_record
from lib.training.trials import Trial

NOTES = "notes.json"  # artifact of a pair's run
DRIFT = "drift.json"  # artifact of a check's run: a table that the MLflow UI shows


class MlflowRuns:
    """Runs of one experiment: one for each pair, with a child for each trial, and one for each verdict."""

    def __init__(self, client: Any, experiment: str) -> None:
        self.client, self.experiment = client, experiment

    def log_pair(self, run_id: str, pair: Pair, evidence: Evidence) -> None:
        """Record in a pair's own run how it came about and how it did; its trials become child runs."""
        import mlflow

        mlflow.log_params(dict(pair.params) | {"as_of": evidence.as_of, "holdout": evidence.holdout})
        mlflow.log_metrics(dict(pair.metrics))
        mlflow.log_dict(pair.notes.to_json(), NOTES)
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
            self.experiment_id(), run_name=f"trial {trial.number}", tags={"mlflow.parentRunId": parent}
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

    def log_check(self, question: Question, check: Check) -> None:
        """Record a verdict as a run of its own: metrics with their intervals, the drift of each feature."""
        from mlflow.entities import Metric, RunTag

        tags = {
            "question": question.slug, "check": "true", "run_id": check.run_id, "version": check.version,
            "holdout": check.holdout.isoformat(), "answer": check.verdict.answer,
            "reasons": "\n".join(check.verdict.reasons),
        }  # fmt: skip
        run_id = self.client.create_run(self.experiment_id(), run_name=f"check {check.as_of}").info.run_id
        self.client.log_batch(
            run_id,
            metrics=[Metric(name, value, 0, 0) for name, value in _flatten(check.quality).items()],
            tags=[RunTag(name, text) for name, text in tags.items()],
        )
        if not check.drift.empty:
            self.client.log_table(run_id, check.drift, DRIFT)
        self.client.set_terminated(run_id)

    def read(self, run_id: str) -> dict[str, Any]:
        """Parameters, metrics and intervals that were recorded with a pair, by its run."""
        recorded = self.client.get_run(run_id).data
        return parse_record(recorded.params, recorded.metrics)

    def read_whole(self, where: str, run_id: str) -> tuple[dict[str, Any], PairNotes]:
        """What was recorded and what was noted with a pair that is to be used."""
        import mlflow
        from mlflow.exceptions import MlflowException

        try:
            return self.read(run_id), PairNotes.from_json(mlflow.artifacts.load_dict(f"runs:/{run_id}/{NOTES}"))
        except (MlflowException, OSError) as error:
            raise ModelError(f"The record of {where[0].lower()}{where[1:]} is gone: {error}. {MEND}") from error
        except ContractBroken as error:
            raise ModelError(f"The record of {where[0].lower()}{where[1:]} is broken: {error}. {MEND}") from error

    def experiment_id(self) -> str:
        """The experiment in which all runs are recorded, made where it is not there yet."""
        return ensure_experiment(self.client, self.experiment)


def ensure_experiment(client: Any, name: str) -> str:
    """The experiment of a name, made where it is not there yet.

    Raises
    ------
    ConfigError
        If it is kept in a workspace, and the name is no path there.
    """
    if client.tracking_uri.startswith("databricks") and not name.startswith("/"):
        raise ConfigError(
            f"experiment is {name!r}, and in a workspace it is a path. Give it one like /Users/<your name>/{name}."
        )
    experiment = client.get_experiment_by_name(name)
    return str(experiment.experiment_id if experiment else client.create_experiment(name))


def _flatten(quality: Quality | None) -> dict[str, float]:
    """Values by their names, and the ends of their intervals with `_low` and `_high`."""
    metrics = quality.metrics.items() if quality else ()
    return {
        name + end: value
        for name, measured in metrics
        for end, value in (("", measured.value), ("_low", measured.low), ("_high", measured.high))
    }
