"""The settings of somebody's own model, read from its description in JSON: nothing that it has learnt is ever built.

A file of skops is an archive with such a description, `schema.json`, beside arrays. Of it only classes and parameters
are read, and both are held to `lib/models/classes.py`. So no tree, no index of neighbours and no booster of somebody
else's is opened, whatever lies in the file.
"""

import inspect
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.special
from sklearn import feature_selection
from sklearn.base import BaseEstimator

from lib.errors import ModelError
from lib.models.classes import BOOSTERS, IGNORED, check_params, find_class

SCHEMA = "schema.json"
LEARNT = ("feature_names_in_", "classes_")  # what a fit leaves and a challenger is asked for: columns and labels
TYPES = {"int": int, "float": float, "str": str, "bool": bool}
Node = Mapping[str, Any]
Read = Callable[[str], bytes]  # the bytes of a file of the archive, by its name


def read_settings(read: Read, where: str) -> Any:
    """Build the unfitted model that a file of skops describes; `where` is how messages call it.

    Its parts know which columns and which labels they were fitted on.

    Raises
    ------
    ModelError
        If it holds a class, a function or a value that is not read; the message names it and a way on.
    """
    return _Reader(read, where).value(json.loads(read(SCHEMA)))


def read_described(text: str, where: str) -> tuple[Any, tuple[str, ...]]:
    """Build the unfitted classifier that `{"class": ..., "params": {...}, "columns": [...]}` describes; its columns."""
    try:
        described = json.loads(text)
        path, params, columns = described["class"], described.get("params", {}), described["columns"]
        if not (isinstance(path, str) and isinstance(params, dict) and isinstance(columns, list)):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ModelError(
            f'The challenger {where} is no description like {{"class": "lightgbm.LGBMClassifier", "params": '
            '{"num_leaves": 31}, "columns": ["recency"]}. Log one with mlflow.log_dict.'
        ) from None
    module, _, name = path.rpartition(".")
    return _make(find_class(module, name, where), params, where), tuple(map(str, columns))


def _make(kind: Any, params: Mapping[str, Any], where: str) -> Any:
    package = kind.__module__.partition(".")[0]
    if (package, kind.__name__) in BOOSTERS:
        params = check_params(package, kind.__name__, params, where)
    else:
        params = {name: value for name, value in params.items() if name not in IGNORED}
    try:
        return kind(**params)
    except TypeError as error:
        raise ModelError(f"The challenger {where} cannot be made: {error}. Leave that parameter out.") from error


class _Reader:
    """One description, node by node."""

    def __init__(self, read: Read, where: str) -> None:
        self.read, self.where = read, where

    def value(self, node: Node) -> Any:
        """What a node stands for."""
        build = {
            "JsonNode": lambda node: json.loads(node["content"]),
            "ListNode": self._items, "SetNode": self._items, "TupleNode": self._items,
            "SliceNode": lambda node: slice(*(node["content"][end] for end in ("start", "stop", "step"))),
            "DictNode": self._dict, "NdArrayNode": self._array, "FunctionNode": self._function,
            "TypeNode": self._type, "ObjectNode": self._object,
        }.get(node["__loader__"])  # fmt: skip
        if build is None:
            raise self._refusal(_named(node))
        return build(node)

    def _items(self, node: Node) -> Any:
        kind = {"ListNode": list, "SetNode": set, "TupleNode": tuple}[node["__loader__"]]
        return kind(self.value(item) for item in node["content"])

    def _dict(self, node: Node) -> dict[Any, Any]:
        kinds = [TYPES.get(kind["__class__"], str) for kind in node["key_types"]["content"]]
        read = {kind(key): self.value(item) for kind, (key, item) in zip(kinds, node["content"].items(), strict=True)}
        if cached := [key for key in read if str(key).rpartition("__")[2] == "memory"]:
            raise self._refusal(f"{cached[0]}, a folder of pickles")
        return read

    def _array(self, node: Node) -> Any:
        if node["type"] == "json":
            return np.array([self.value(item) for item in node["content"]], dtype=object)
        array = np.load(io.BytesIO(self.read(node["file"])), allow_pickle=False)
        return array if node["__class__"] == "ndarray" else array.item()

    def _function(self, node: Node) -> Any:
        """A function of numpy or scipy by element, or a score of scikit-learn's feature selection."""
        name = node["__class__"]
        package = {"numpy": np, "scipy": scipy.special}.get(node["__module__"].partition(".")[0], feature_selection)
        function = getattr(package, name, None)
        score = name in feature_selection.__all__ and inspect.isfunction(function)
        if score or (package is not feature_selection and isinstance(function, np.ufunc)):
            return function
        raise ModelError(
            f"The challenger {self.where} holds the function {_named(node)}, and no file holds a function's code. "
            "Take one of numpy like numpy.log1p, or let lib/features/build.py compute it."
        )

    def _type(self, node: Node) -> Any:
        name = node["__class__"]
        kind = TYPES.get(name) if node["__module__"] == "builtins" else getattr(np, name, None)
        if kind in TYPES.values() or (isinstance(kind, type) and issubclass(kind, np.generic)):
            return kind
        raise self._refusal(_named(node))

    def _object(self, node: Node) -> Any:
        kind = find_class(node["__module__"], node["__class__"], self.where)
        state = node["content"]["content"] if node["content"] else {}
        package = kind.__module__.partition(".")[0]
        if package == "sklearn":
            names = _parameters(kind)
        else:  # its class takes any parameter, and keeps those that it does not name in a bag
            names = BOOSTERS[package, kind.__name__]
            extra = [self.value(state[bag]) for bag in ("_other_params", "kwargs") if bag in state]
            check_params(package, kind.__name__, {k: v for bag in extra for k, v in (bag or {}).items()}, self.where)
        model = _make(kind, {name: self.value(state[name]) for name in names if name in state}, self.where)
        if isinstance(model, BaseEstimator) and package == "sklearn":
            for name in LEARNT:
                if name in state:
                    setattr(model, name, self.value(state[name]))
            if "_sklearn_output_config" in state:
                model.set_output(**self.value(state["_sklearn_output_config"]))
        return model

    def _refusal(self, what: str) -> ModelError:
        return ModelError(
            f"The challenger {self.where} holds {what}, which is not read from a file. Give numbers, texts and "
            "estimators only: a seed is a whole number, a rule of splitting one of scikit-learn's."
        )


def _named(node: Node) -> str:
    return f"{node['__module__']}.{node['__class__']}"


def _parameters(kind: Any) -> tuple[str, ...]:
    """The names of a class's parameters, but for those that do not change what comes of a fit."""
    named = inspect.signature(kind.__init__).parameters.items()
    return tuple(name for name, one in named if one.kind != one.VAR_KEYWORD and name not in ("self", *IGNORED))
