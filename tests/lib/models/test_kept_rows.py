"""Models that keep rows of what they learnt from are told by their files."""

import io
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import KNNImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from lib.models.kept_rows import find_row_keepers

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def schema(model):
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model.fit(X, Y)))) as archive:
        return archive.read("schema.json").decode()


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (make_pipeline(StandardScaler(), KNeighborsClassifier(3)), ["KDTree", "KNeighborsClassifier"]),
        (make_pipeline(KNNImputer(), SVC()), ["KNNImputer", "SVC"]),
        (make_pipeline(Nystroem(n_components=4), LogisticRegression()), ["Nystroem"]),
        (make_pipeline(StandardScaler(), LinearSVC()), []),
        (make_pipeline(StandardScaler(), LogisticRegression()), []),
        (RandomForestClassifier(3), []),
        (HistGradientBoostingClassifier(max_iter=3), []),
    ],
)
def test_neighbours_and_support_vectors_are_named_and_sums_are_not(model, names):
    assert find_row_keepers(schema(model)) == names
