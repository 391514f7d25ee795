"""How the models of a pair are written into MLflow, so that whoever serves them gets the propensities of the list."""

import logging
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd

from lib.models.classes import BOOSTERS
from lib.models.pair import Pair
from lib.models.servable import make_outputs_servable, make_servable
from lib.registry.mlflow_files import FILE, digest_of, written_types

REQUIREMENTS = ("scikit-learn==1.9.1", "numpy==2.4.6", "pandas==2.3.3", "skops==0.16.0")
READ_BY = "MLflow 3.9 or newer"  # older ones know no skops
FAST = 1  # of zip's levels: the next ones take twice the time for a tenth less
SERVED = "served.skops"  # beside a model that has no `predict`: what a generic server asks in its place


@dataclass(frozen=True)
class WrittenModel:
    """Where one model lies in MLflow, and the SHA-256 of its file."""

    uri: str
    digest: str


@dataclass(frozen=True)
class Written:
    """What a registration has written of a pair."""

    preprocessing: WrittenModel
    prediction: WrittenModel
    servable: WrittenModel


class SkopsFlavor:
    """MLflow's own flavor of scikit-learn, with another file for generic servers where the model has no `predict`."""

    digest = ""  # of the model's file, once it was written

    def save_model(self, path: str, mlflow_model: Any, sk_model: Any, served: Any = None, **how: Any) -> None:
        import mlflow
        import skops.io

        how.pop("validate_serving_input")  # of `Model.log`, which is to load nothing: the job's own check is stricter
        types = {name for model in (sk_model, served) if model is not None for name in _types(model)}
        how["skops_trusted_types"] = sorted(types)
        mlflow.sklearn.save_model(sk_model, path=path, mlflow_model=mlflow_model, **how)
        _deflate(Path(path, FILE))
        self.digest = digest_of(Path(path, FILE))
        if served is None:
            return
        skops.io.dump(served, Path(path, SERVED), compression=ZIP_DEFLATED, compresslevel=FAST)
        environment = {"conda_env": "conda.yaml", "python_env": "python_env.yaml"}
        mlflow.pyfunc.add_to_model(mlflow_model, loader_module="mlflow.sklearn", model_path=SERVED, **environment)
        mlflow_model.save(str(Path(path, "MLmodel")))


def write_pair(pair: Pair, example: pd.DataFrame) -> Written:
    """Log both models and their servable to the active run; their signatures are those of what scoring does.

    Scoring is in double precision: a signature of single precision would have servers round what they are given.
    """
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, DataType, Schema

    # A transformer cannot be served by itself, which MLflow deplores at length for every example.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    rows = pair.inputs(example)
    X = rows.median().to_frame().T.astype(rows.dtypes)  # the typical user: nobody's own row goes with a model
    Z = pair.preprocessing.transform(X)
    params = {name: str(value) for name, value in pair.params.items()}
    first = _log(
        pair.preprocessing, "preprocessing", X, infer_signature(X, Z), params,
        served=make_outputs_servable(pair.preprocessing, X),
    )  # fmt: skip
    takes = infer_signature(Z, np.asarray(pair.prediction.predict_proba(Z), np.float64))
    second = _log(pair.prediction, "prediction", Z, takes, params, pyfunc_predict_fn="predict_proba")
    gives = ModelSignature(infer_signature(X).inputs, Schema([ColSpec(DataType.double, "propensity")]))
    return Written(first, second, _log(make_servable(pair, X), "servable", X, gives, params))


def format_readers(written: Written) -> str:
    """What reads a version, for its description."""
    packages = ", ".join(REQUIREMENTS).replace("==", " ")
    return (
        f"Read by {READ_BY}, with {packages}. Both halves as one model, for servers and `mlflow.pyfunc.spark_udf`: "
        f"`{written.servable.uri}`."
    )


def _log(model: Any, name: str, example: Any, signature: Any, params: dict[str, str], **how: Any) -> WrittenModel:
    from mlflow.models import Model

    flavor = SkopsFlavor()
    logged = Model.log(
        None, flavor, name=name, flavor_name="sklearn", params=params, sk_model=model, signature=signature,
        input_example=example, serialization_format="skops", pip_requirements=[*REQUIREMENTS, *_boosters(model)],
        validate_serving_input=False, **how,
    )  # fmt: skip
    return WrittenModel(str(logged.model_uri), flavor.digest)


def _types(model: Any) -> list[str]:
    """What a model's file holds beyond what skops trusts by itself."""
    import skops.io

    with TemporaryDirectory() as folder:
        file = Path(folder, FILE)
        skops.io.dump(model, file)
        return written_types(file, "The new pair")


def _deflate(file: Path) -> None:
    """Write a file anew whose parts MLflow (3.17) has skops store as they are: that of many trees is a fifth then."""
    draft = file.with_suffix(".draft")
    with ZipFile(file) as stored, ZipFile(draft, "w", ZIP_DEFLATED, compresslevel=FAST) as smaller:
        for part in stored.infolist():
            smaller.writestr(part.filename, stored.read(part))
    draft.replace(file)


def _boosters(model: Any) -> list[str]:
    """The boosting libraries that a model's parts come from, at the versions that are here."""
    parts = (model, *model.get_params(deep=True).values())
    packages = {type(part).__module__.partition(".")[0] for part in parts} & {package for package, _ in BOOSTERS}
    return [f"{package}=={version(package)}" for package in sorted(packages)]
