"""Model files that somebody, or a disk, has changed: none is loaded, and each says so in one way."""

import random
import shutil
import zipfile

import mlflow
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lib.errors import ModelError
from lib.registry.mlflow_files import FILE, _read
from tests.builders.altered_models import EQUAL, is_one_line, try_altered
from tests.builders.runs import registered

KNOWN = "flavors: {sklearn: {serialization_format: skops}}\n"
YAML = [
    "", "[]", "a", "42", "null", "flavors:", "flavors: []", "flavors: {sklearn: }", "flavors: {sklearn: 3}", "\t",
    "a: [", "a: b: c", "!!python/object/apply:os.system [exit]", "&a [*a]", "%YAML 9.9\n---\n", "\x00", "- - - -",
    "flavors: {sklearn: [serialization_format]}", f"{KNOWN}signature: [1, 2]", f"{KNOWN}signature: 3",
    f"{KNOWN}signature: {{inputs: no, outputs: no}}", f"{KNOWN}signature: {{inputs: '[{{}}]'}}",
    f"{KNOWN}unheard_of: 1\nsignature: {{inputs: '{{', outputs: ''}}",
]  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "sound"
    X = np.arange(40.0).reshape(-1, 2)
    model = LogisticRegression().fit(X, np.arange(20) % 2)
    mlflow.sklearn.save_model(model, str(folder), serialization_format="skops", pip_requirements=[])
    return folder


@pytest.fixture
def altered(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "altered")


def refused(folder):
    with pytest.raises(ModelError) as error:
        _read(str(folder), "Version 3 of m", "Promote another version.")
    text = str(error.value)
    assert text.startswith("Version 3 of m cannot be loaded: ")
    assert text.endswith(" Promote another version.")
    assert "\n" not in text
    assert len(text) < 500


def test_a_sound_one_is_loaded(altered):
    model, inputs, outputs = _read(str(altered), "Version 3 of m", "")
    assert (type(model), inputs, outputs) == (LogisticRegression, None, None)


@pytest.mark.parametrize("text", YAML)
def test_odd_words_about_a_model(altered, text):
    (altered / "MLmodel").write_text(text)
    refused(altered)


def test_words_that_are_no_text(altered):
    (altered / "MLmodel").write_bytes(b"\xff\xfe\x00flavors")
    refused(altered)


@pytest.mark.parametrize("name", ["MLmodel", FILE])
def test_a_file_that_is_gone_or_a_folder(altered, name):
    (altered / name).unlink()
    refused(altered)
    (altered / name).mkdir()
    refused(altered)


def test_a_file_cut_short_anywhere(altered):
    whole = (altered / FILE).read_bytes()
    for length in np.linspace(0, len(whole) - 1, 60).astype(int):
        (altered / FILE).write_bytes(whole[:length])
        refused(altered)


def test_a_byte_changed_anywhere_within(altered):
    """Within what the archive's checksums cover."""
    whole, chance = (altered / FILE).read_bytes(), random.Random(0)
    with zipfile.ZipFile(altered / FILE) as archive:
        spans = [(one.header_offset + 30 + len(one.filename) + len(one.extra), one.compress_size)
                 for one in archive.infolist()]  # fmt: skip
    for _ in range(60):
        start, size = chance.choice(spans)
        at = start + chance.randrange(size)
        (altered / FILE).write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        refused(altered)


@pytest.mark.parametrize("schema", ["", "{", "[]", "null", "3", "{}", '{"__class__": "object"}',
                                    '{"__class__": "system", "__module__": "os", "__loader__": "TypeNode"}',
                                    '{"__loader__": "NoNode", "__class__": "a", "__module__": "b"}'])  # fmt: skip
def test_an_odd_schema(altered, schema):
    with zipfile.ZipFile(altered / FILE, "w") as archive:
        archive.writestr("schema.json", schema)
    refused(altered)


def test_a_pair_with_an_altered_file_is_not_loaded_unless_what_is_read_is_as_it_was(mlflow_registry, question):
    """A few of the draws of `python -m benchmarks.altered_models`."""
    made = registered(mlflow_registry, question)
    sound = mlflow_registry.load(question, made.prediction_version)
    tried = list(try_altered(mlflow_registry, question, sound, 16, seed=5))
    refused = [one for one in tried if one.said != EQUAL]
    assert {one.file for one in refused} == {"MLmodel", FILE}
    assert len(refused) >= 8
    assert all(is_one_line(one.said) for one in refused)
    assert mlflow_registry.load(question, made.prediction_version).columns == sound.columns
