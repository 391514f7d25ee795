"""Models that keep rows of what they learnt from as they are: who was forgotten may still be in them, without an id."""

import re

_MODULES = (  # of scikit-learn, as its files name them
    "sklearn.neighbors", "sklearn.svm", "sklearn.gaussian_process", "sklearn.semi_supervised._label_propagation",
    "sklearn.impute._knn", "sklearn.kernel_ridge", "sklearn.kernel_approximation", "sklearn.decomposition._kernel_pca",
    "sklearn.manifold", "sklearn.cluster._affinity_propagation", "sklearn.cluster._mean_shift",
    "sklearn.cluster._dbscan", "sklearn.cluster._optics", "sklearn.cluster._hdbscan",
)  # fmt: skip
_TYPE = re.compile(r'"__class__":\s*"(\w+)",\s*"__module__":\s*"([\w.]+)"')
_WITHOUT = ("LinearSVC", "LinearSVR", "RBFSampler", "AdditiveChi2Sampler", "SkewedChi2Sampler", "PolynomialCountSketch")


def find_row_keepers(schema: str) -> list[str]:
    """Names of the types in a model's file that keep rows: neighbours, support vectors and their like.

    `schema` is what skops writes of the types, as JSON.
    """
    types = {name for name, module in _TYPE.findall(schema) if module.startswith(_MODULES) and name not in _WITHOUT}
    return sorted(types)
