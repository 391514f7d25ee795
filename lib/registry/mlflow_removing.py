"""How a version is taken out of MLflow, and which of its files go with it."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LOGGED = "models:/"  # how the URI of a logged model begins, in front of its id


def remove_version(client: "MlflowClient", name: str, version: str, beside: str) -> None:
    """Delete a version of a registered model, if it is there, and the files that only it reads.

    `beside` is the tag that names another logged model of the same version. Files that lie in a workspace are the
    platform's to remove.
    """
    from mlflow.exceptions import MlflowException

    try:
        registered = client.get_model_version(name, version)
        client.delete_model_version(name, version)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return
    for uri in (str(registered.source), registered.tags.get(beside, "")):
        _remove_files(client, uri)


def _remove_files(client: "MlflowClient", uri: str) -> None:
    """Remove a logged model whose files lie on this machine, unless another version reads them."""
    import mlflow

    is_logged = uri.startswith(f"{_LOGGED}m-")
    if not is_logged or mlflow.get_registry_uri().startswith("databricks"):
        return
    if client.search_model_versions(f"source_path = '{uri}'"):
        return
    model_id = uri.removeprefix(_LOGGED)
    place = urlparse(str(client.get_logged_model(model_id).artifact_location))
    if place.scheme in ("", "file"):
        client.delete_logged_model(model_id)
        shutil.rmtree(Path(unquote(place.path)), ignore_errors=True)
