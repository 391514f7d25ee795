"""Model files in MLflow: the only way in which any is read."""

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from lib.errors import ModelError, shorten_reason
from lib.models.checks import MEND
from lib.models.settings import read_described, read_settings

if TYPE_CHECKING:
    from lib.models.blueprint import OwnModels
from lib.registry.versions import PARTNER

# What a model file may hold besides scikit-learn's and numpy's own defaults: fixed here, never read from the file.
TRUSTED = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier", "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)  # fmt: skip
FILE, SKOPS = "model.skops", "skops"
DIGEST = "sha256"  # tag of both versions: of the file that this job wrote
LIBRARIES = ("sklearn", "numpy", "scipy", "lightgbm", "xgboost", "catboost")  # what pairs may be made of
PLAIN = ("collections.OrderedDict",)
MOST_BYTES = 300_000_000  # of a part of an archive, beyond which nothing of it is read
LOG = "Log it with mlflow.sklearn.log_model."
DESCRIBE = (
    'Log its class and parameters: mlflow.log_dict({"class": "lightgbm.LGBMClassifier", "params": '
    'model.get_params(), "columns": list(X)}, "own.json"), and challenge with runs:/<run>/own.json.'
)
RESTORE = "Restore its artifacts, or promote another version."
RIGHTS = "Grant who runs the job USE SCHEMA on the schema of that model, and EXECUTE on both models of the pair."


def read_pair(
    preprocessing: tuple[str, str, str], prediction: tuple[str, str, str]
) -> tuple[Any, Any, tuple[str, ...]]:
    """Read both models of a pair, and the columns they read.

    Each is given by its URI, by how messages call it, and by the SHA-256 that was noted of its file, or a blank.

    Raises
    ------
    ModelError
        If a file cannot be read or trusted, or a signature is missing or is not that of the other's partner.
    """
    transformer, takes, gives = _read(*preprocessing[:2], RESTORE, preprocessing[2])
    model, wants, _ = _read(*prediction[:2], RESTORE, prediction[2])
    for signature, name in ((takes, preprocessing[1]), (wants, prediction[1])):
        if signature is None:
            raise ModelError(
                f"{name} cannot be loaded: it has no signature, as all have that this job registers. {RESTORE}"
            )
    if gives != wants:
        raise ModelError(
            f"{prediction[1]} cannot be loaded: it takes {wants} and {preprocessing[1]} gives {gives}, which do not "
            f"fit. {MEND}"
        )
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
    if uri.endswith(".json"):
        model, columns = _read_json(uri)
        return OwnModels.of(uri, [], model, columns)
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


def _read_json(uri: str) -> tuple[Any, tuple[str, ...]]:
    import mlflow

    try:
        file = Path(mlflow.artifacts.download_artifacts(uri))
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"it holds more than {MOST_BYTES} bytes")
        return read_described(file.read_text(encoding="utf-8"), uri)
    except ModelError:
        raise
    except Exception as error:  # as in `_read`
        raise _unreadable(error, f"The challenger {uri}", uri, DESCRIBE) from error


def _read_own(uri: str, challenger: str) -> Any:
    """The settings of one model: an unfitted estimator whose parts know their columns."""
    import mlflow

    called = f"The challenger {challenger}"
    try:
        path = Path(mlflow.artifacts.download_artifacts(uri))
        _check_described(path, called)
        with ZipFile(path / FILE) as archive:
            return read_settings(partial(_read_member, archive), challenger)
    except ModelError:
        raise
    except Exception as error:  # as in `_read`
        raise _unreadable(error, called, uri, LOG) from error


def _read_member(archive: ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > MOST_BYTES:
        raise ValueError(f"{name} holds more than {MOST_BYTES} bytes")
    return archive.read(name)


def _check_described(folder: Path, called: str) -> None:
    """Refuse a logged model that is no file of skops; one that was logged as a plain file has no description."""
    from mlflow.models import Model

    if not (folder / "MLmodel").exists() and (folder / FILE).exists():
        return
    flavors = Model.load(str(folder)).flavors
    how = flavors.get("sklearn", {}).get("serialization_format")
    library = next((name for name in flavors if name in LIBRARIES), None)
    if how is None and library:
        raise ModelError(f"{called} is a model of {library}, whose files are not opened. {DESCRIBE}")
    _check_format(how, called)


def _check_format(how: str | None, called: str) -> None:
    if how != SKOPS:
        raise ModelError(
            f"{called} is {f'stored as {how}' if how else 'no scikit-learn model'}, and reading a pickle would run "
            'whatever it holds. Log it with mlflow.sklearn.log_model(..., serialization_format="skops").'
        )


def _shorten(error: Exception) -> str:
    return f"{type(error).__name__}: {_why(error)}"


def _why(error: Exception) -> str:
    """What a library says, without the settings of a client that it may add."""
    return shorten_reason(str(error).partition(" Config:")[0])


def _read(uri: str, called: str, remedy: str, digest: str = "") -> tuple[Any, Any, Any]:
    """Read one model of a pair and the two sides of its signature.

    A file whose SHA-256 was noted when this job wrote it is opened if it is that file still, with the types of the
    libraries that pairs are made of; another one, as of before such notes, with the types of our own list only.
    """
    import mlflow
    import skops.io
    from mlflow.models import Model
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri))
        about = Model.load(str(folder))
        if about.flavors.get("sklearn", {}).get("serialization_format") != SKOPS:
            raise ModelError(f"{called} cannot be loaded: its MLmodel tells of no file of skops. {remedy}")
        signature = about.signature
        sides = (signature.inputs, signature.outputs) if signature else (None, None)
        if digest and (now := digest_of(folder / FILE)) != digest:
            raise ModelError(
                f"{called} cannot be loaded: {FILE} is not the file that was registered: its SHA-256 begins with "
                f"{now[:12]}, and {digest[:12]} was noted. {remedy}"
            )
        trusted = written_types(folder / FILE, called) if digest else list(TRUSTED)
        model = skops.io.load(folder / FILE, trusted=trusted)
    except UntrustedTypesFoundException as error:
        raise ModelError(f"{called} holds types that are not trusted: {error}") from error
    except ModelError:
        raise
    except Exception as error:  # a file that somebody changed fails in any way
        raise _unreadable(error, called, uri, remedy) from error
    return model, *sides


def _unreadable(error: Exception, called: str, uri: str, remedy: str) -> ModelError:
    """What to say of a model that a library could not read: a right that is missing is no broken file."""
    if "PERMISSION_DENIED" in str(error) or type(error).__name__ == "PermissionDenied":  # of MLflow, of the SDK
        return ModelError(f"{called} may not be read: {uri}: {_why(error).rstrip('.')}. {RIGHTS}")
    return ModelError(f"{called} cannot be loaded: {_shorten(error)}. {remedy}")


def digest_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def written_types(file: Path, called: str) -> list[str]:
    """The types that a file of this job's own holds beyond those that skops trusts.

    Raises
    ------
    ModelError
        If one is of no library that pairs are made of; the message names it.
    """
    import skops.io

    types: list[str] = sorted({*skops.io.get_untrusted_types(file=file)})
    odd = [name for name in types if name.partition(".")[0] not in LIBRARIES and name not in PLAIN]
    if odd:
        raise ModelError(f"{called} holds {odd[0]}, which is of no library that models are made of. {LOG}")
    return types
