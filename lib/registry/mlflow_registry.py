"""Registered pairs in MLflow: their versions, and the alias `champion`.

A pair is two registered model versions. The prediction version carries the tag that names its preprocessing
version, and the alias `champion` on the prediction model is the one commit point: whatever happens before it
is moved, the pair in use stays whole.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.config.question import Question
from lib.errors import ModelError
from lib.evaluation.verdict import Check
from lib.models import checks
from lib.models.notes import PairNotes
from lib.models.pair import Pair
from lib.registry import mlflow_files, mlflow_writing
from lib.registry.mlflow_files import DIGEST
from lib.registry.mlflow_removing import remove_version
from lib.registry.mlflow_runs import MlflowRuns
from lib.registry.mlflow_writing import WrittenModel
from lib.registry.protocol import Evidence, format_description, pair_tags
from lib.registry.versions import CHAMPION, PARTNER, Version, model_names, pair_versions

if TYPE_CHECKING:
    from lib.models.blueprint import OwnModels

SERVABLE = "servable"  # tag of a prediction version: where both halves lie as one model
WHAT = ("the preprocessing model, from features to model inputs", "the prediction model; the alias champion is in use")


class MlflowRegistry:
    """Pairs in MLflow: a local SQLite store, a server, or Unity Catalog, as the environment configures it."""

    def __init__(self, prefix: str, experiment: str) -> None:
        from mlflow import MlflowClient

        self.prefix = prefix
        self.client = MlflowClient()
        self.runs = MlflowRuns(self.client, experiment)

    def champion(self, question: Question) -> str | None:
        from mlflow.exceptions import MlflowException

        try:
            with _saying_rights():
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
        checks.check_question(tags, question, where)
        partner = tags.get(PARTNER, "")
        partner_tags = self._tags(transformers, partner) if partner else {}
        checks.check_partners(tags, partner_tags, f"{where} names version {partner or 'none'} of {transformers}")
        through = checks.parse_trained_through(tags, where)
        record, notes = self.runs.read_whole(where, tags["pair"])
        preprocessing, prediction, columns = mlflow_files.read_pair(
            (f"models:/{transformers}/{partner}", f"Version {partner} of {transformers}", partner_tags.get(DIGEST, "")),
            (f"models:/{predictors}/{version}", where, tags.get(DIGEST, "")),
        )
        pair = Pair(
            preprocessing=preprocessing, prediction=prediction, columns=columns, question=question.slug,
            trained_through=through, params=record["params"], preprocessing_version=partner,
            prediction_version=version, metrics=record["metrics"], notes=notes,
        )  # fmt: skip
        checks.check_pair(pair, where)
        checks.check_scores(pair, where)
        return pair

    def notes(self, question: Question, version: str) -> PairNotes:
        name = model_names(self.prefix, question)[1]
        tags, where = self._tags(name, version), f"Version {version} of {name}"
        checks.check_question(tags, question, where)
        return self.runs.read_whole(where, tags.get("pair", ""))[1]

    def register(self, question: Question, pair: Pair, example: pd.DataFrame, evidence: Evidence) -> Pair:
        import mlflow

        transformers, predictors = model_names(self.prefix, question)
        with mlflow.start_run(
            experiment_id=self.runs.experiment_id(), run_name=f"{question.slug} {evidence.as_of}"
        ) as run:
            self.runs.log_pair(run.info.run_id, pair, evidence)
            written = mlflow_writing.write_pair(pair, example)
        tags = pair_tags(question, pair, evidence) | {"pair": run.info.run_id}
        description = f"{format_description(question, pair, evidence)}\n\n{mlflow_writing.format_readers(written)}"
        with _saying_rights():
            self._ensure_models(question, evidence.tables)
            partner = self._create_version(transformers, written.preprocessing, run.info.run_id, tags, description)
            tags |= {PARTNER: partner, SERVABLE: written.servable.uri}
            version = self._create_version(predictors, written.prediction, run.info.run_id, tags, description)
        return replace(pair, preprocessing_version=partner, prediction_version=version)

    def promote(self, question: Question, version: str, as_of: date) -> None:
        name = model_names(self.prefix, question)[1]
        tags, before = self._tags(name, version), self.champion(question)
        with _saying_rights():
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
        transformers, predictors = (self._all_versions(name) for name in model_names(self.prefix, question))
        return pair_versions(predictors, transformers, self.champion(question), self._recorded)

    def remove(self, question: Question, pair: Version) -> None:
        transformers, predictors = model_names(self.prefix, question)
        for name, number in ((predictors, pair.prediction_version), (transformers, pair.preprocessing_version)):
            if number:
                remove_version(self.client, name, number, SERVABLE)

    def columns(self, question: Question, version: str) -> tuple[str, ...]:
        transformers, predictors = model_names(self.prefix, question)
        return mlflow_files.read_columns(f"models:/{transformers}/{self._tags(predictors, version).get(PARTNER, '')}")

    def load_own(self, uri: str) -> "OwnModels":
        return mlflow_files.read_own(uri)

    def record_check(self, question: Question, check: Check) -> None:
        self.runs.log_check(question, check)

    def _ensure_models(self, question: Question, schema: str) -> None:
        """Make the two registered models of a question, unless they are there; their tags say what they answer."""
        from mlflow.exceptions import MlflowException

        tags = {
            "question": question.slug, **{name: text for name, text in question.texts().items() if text},
            "schema": schema, "experiment": self.runs.experiment,
        }  # fmt: skip
        for name, what in zip(model_names(self.prefix, question), WHAT, strict=True):
            try:
                self.client.create_registered_model(name, tags, f"{question}: {what}")
            except MlflowException as error:
                if error.error_code not in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
                    raise

    def _create_version(
        self, name: str, model: WrittenModel, run_id: str, tags: dict[str, str], description: str
    ) -> str:
        tags = tags | {DIGEST: model.digest}
        made = self.client.create_model_version(name, model.uri, run_id, tags=tags, description=description)
        return str(made.version)

    def _all_versions(self, name: str) -> list[Any]:
        """All versions of a registered model, the newest first.

        Each is read by itself: a version that Unity Catalog's search answers with has no tags, and says so by raising.
        """
        return [self.client.get_model_version(name, number) for number in self._numbers(name)]

    def _numbers(self, name: str) -> list[str]:
        """The numbers of all versions of a registered model, the newest first; none where there is no such model."""
        from mlflow.exceptions import MlflowException

        try:
            listed = list(_all_pages(partial(self.client.search_model_versions, f"name = '{name}'")))
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return []
        return sorted((str(version.version) for version in listed), key=int, reverse=True)

    def _recorded(self, run_id: str) -> dict[str, Any]:
        """What was recorded with a pair: a listing does not fail because one record is gone."""
        from mlflow.exceptions import MlflowException

        try:
            return self.runs.read(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return {}

    def _tags(self, name: str, version: str) -> dict[str, str]:
        from mlflow.exceptions import MlflowException

        try:
            return dict(self.client.get_model_version(name, version).tags)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            transformers = f"{name.removesuffix('_prediction')}_preprocessing"
            if name != transformers and version in self._numbers(transformers):
                raise ModelError(
                    f"Version {version} of {name} is not registered: a kill left version {version} of {transformers} "
                    "an orphan. Promote a whole pair."
                ) from error
            raise ModelError(f"Version {version} of {name} is not registered. Promote one that is.") from error


def _all_pages(search: Callable[..., Any]) -> Iterator[Any]:
    """All that a search of MLflow's client finds, page by page."""
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


@contextmanager
def _saying_rights() -> Iterator[None]:
    """Turn a refusal into an error that says which right is missing, and where it is said who needs which."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "PERMISSION_DENIED":
            raise
        said = str(error.message).partition(" Config:")[0]  # the client appends its own configuration
        raise ModelError(
            f"The registry refuses: {said} Grant that right to who runs the job; see Who may do what in docs/deploy.md."
        ) from error
