"""Model files in MLflow: the only way in which any is read."""

from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from lib.errors import ModelError
from lib.models.checks import MEND

if TYPE_CHECKING:
    from lib.models.blueprint import OwnModels

# What a model file may hold besides scikit-learn's and numpy's own defaults: fixed here, never read from the file.
TRUSTED = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier", "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)  # fmt: skip
FILE = "model.skops"
LONGEST_REASON = 300  # of what a library says of a broken file
PARTNER = "preprocessing_version"  # tag of a prediction version
RESTORE = "Restore its artifacts, or promote another version."
RIGHTS = "Grant who runs the job USE SCHEMA on the schema of that model, and EXECUTE on both models of the pair."


def read_pair(preprocessing: tuple[str, str], prediction: tuple[str, str]) -> tuple[Any, Any, tuple[str, ...]]:
    """Read both models of a pair, each given by its URI and by how messages call it, and the columns they read.

    Raises
    ------
    ModelError
        If a file cannot be read or trusted, or a signature is missing or is not that of the other's partner.
    """
    transformer, takes, gives = _read(*preprocessing, RESTORE)
    model, wants, _ = _read(*prediction, RESTORE)
    for signature, (_, name) in ((takes, preprocessing), (wants, prediction)):
        if signature is None:
            raise ModelError(f"{name} has no signature: it was not registered by this job. Promote another version.")
    if gives != wants:
        raise ModelError(f"{prediction[1]} takes {wants} and {preprocessing[1]} gives {gives}: they do not fit. {MEND}")
    return transformer, model, tuple(takes.input_names())


def read_columns(uri: str) -> tuple[str, ...]:
    """The feature columns that a preprocessing model reads, from its signature."""
    from mlflow.models import get_model_info

    return tuple(get_model_info(uri).signature.inputs.input_names())


def read_own(uri: str) -> "OwnModels":
    """Read a data scientist's own models.

    Parameters
    ----------
    uri : str
        Of one scikit-learn Pipeline whose last step is the classifier (`runs:/<run>/<name>`, `models:/<name>/<version>`
        or `models:/<name>@<alias>`), of a run that holds models named `preprocessing` and `prediction` (`runs:/<run>`),
        or of a registered prediction model whose tag names its preprocessing partner.

    Raises
    ------
    ModelError
        The message says what the model lacks, and how to log it.
    """
    from sklearn.pipeline import Pipeline

    from lib.models.blueprint import OwnModels

    apart = _two_uris(uri)
    if apart:
        transformer, model = (_read_own(part, uri) for part in apart)
        return OwnModels.of(uri, [("preprocessing", transformer)], model)
    whole = _read_own(uri, uri)
    steps = list(whole.steps) if isinstance(whole, Pipeline) else [("prediction", whole)]
    return OwnModels.of(uri, steps[:-1], steps[-1][1])


def _two_uris(uri: str) -> tuple[str, str] | None:
    """The URIs of the two models where they lie apart; None for one whole Pipeline."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    kind, _, rest = uri.partition(":/")
    if kind == "runs":
        return None if "/" in rest else (f"{uri}/preprocessing", f"{uri}/prediction")
    name, at, alias = rest.partition("@")
    name, _, number = (name, "", "") if at else name.rpartition("/")
    client = MlflowClient()
    try:
        version = client.get_model_version_by_alias(name, alias) if at else client.get_model_version(name, number)
    except MlflowException as error:
        said = str(error.message).partition(" Config:")[0]  # the client appends its own configuration
        if error.error_code == "PERMISSION_DENIED":
            raise ModelError(f"The challenger {uri} may not be read: {said} {RIGHTS}") from error
        raise ModelError(f"The challenger {uri} cannot be found: {said}") from error
    partner = version.tags.get(PARTNER)
    return (f"models:/{name.removesuffix('_prediction')}_preprocessing/{partner}", uri) if partner else None


def _read_own(uri: str, challenger: str) -> Any:
    return _read(uri, f"The challenger {challenger}", "Log it with mlflow.sklearn.log_model.")[0]


def _read(uri: str, called: str, remedy: str) -> tuple[Any, Any, Any]:
    """Read one model and the two sides of its signature: only types on our own list are ever built."""
    import mlflow
    import skops.io
    from mlflow.models import Model
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri))
        about = Model.load(str(folder))
        how = about.flavors.get("sklearn", {}).get("serialization_format")
        if how != "skops":
            raise ModelError(
                f"{called} is {f'stored as {how}' if how else 'no scikit-learn model'}, and reading a pickle would run "
                'whatever it holds. Log it with mlflow.sklearn.log_model(..., serialization_format="skops").'
            )
        signature = about.signature
        sides = (signature.inputs, signature.outputs) if signature else (None, None)
        model = skops.io.load(folder / FILE, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise ModelError(f"{called} holds types that are not trusted: {error}") from error
    except ModelError:
        raise
    except Exception as error:  # a file that somebody changed fails in any way
        why = shorten(str(error).partition(" Config:")[0], LONGEST_REASON, placeholder=" ...")
        if "PERMISSION_DENIED" in str(error) or type(error).__name__ == "PermissionDenied":  # of MLflow, of the SDK
            raise ModelError(f"{called} may not be read: {uri}: {why.rstrip('.')}. {RIGHTS}") from error
        raise ModelError(f"{called} cannot be loaded: {type(error).__name__}: {why}. {remedy}") from error
    return model, *sides
