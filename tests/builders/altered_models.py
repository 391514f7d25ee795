"""Files of a registered pair, each altered somewhere as a disk or a hand may do it, and what becomes of the pair then.

All alterations are harmless: a file of numbers whose SHA-256 is another than the noted one is never opened.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow import MlflowClient

from lib.config.question import Question
from lib.errors import ModelError
from lib.models.pair import Pair
from lib.registry.mlflow_files import FILE
from lib.registry.mlflow_registry import MlflowRegistry
from lib.registry.versions import model_names

EQUAL = "equal"  # it was loaded, and is the pair that was registered
Alter = Callable[[bytes, Random], bytes]


def _cut(whole: bytes, chance: Random) -> bytes:
    return whole[: chance.randrange(len(whole))]


def _byte(whole: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(whole))
    return whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :]


def _zeros(whole: bytes, chance: Random) -> bytes:
    at, size = chance.randrange(len(whole)), chance.randrange(1, 600)
    return whole[:at] + bytes(len(whole[at : at + size])) + whole[at + size :]


def _longer(whole: bytes, chance: Random) -> bytes:
    return whole + chance.randbytes(chance.randrange(1, 50))


def _letters(whole: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(whole))
    return whole[:at] + chance.choice("abz019{}[]:-'\", ").encode() + whole[at + 1 :]


def _without_line(whole: bytes, chance: Random) -> bytes:
    lines = whole.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def _swapped_lines(whole: bytes, chance: Random) -> bytes:
    lines = whole.splitlines(keepends=True)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _other_column(whole: bytes, chance: Random) -> bytes:
    """A name of a column misspelt."""
    names = [part for part in whole.split(b'"') if b"_" in part]
    name = chance.choice(names) if names else b"flavors"
    return whole.replace(name, name[::-1], 1)


ALTERATIONS: dict[str, Alter] = {
    "cut short": _cut, "one bit": _byte, "zeros": _zeros, "longer": _longer, "one letter": _letters,
    "a line gone": _without_line, "two lines swapped": _swapped_lines, "a column misspelt": _other_column,
    "empty": lambda whole, chance: b"",
}  # fmt: skip
GONE = "gone"


@dataclass(frozen=True)
class Tried:
    """One alteration, and what became of it."""

    file: str
    how: str
    said: str  # EQUAL, or the error


def try_altered(registry: MlflowRegistry, question: Question, sound: Pair, number: int, seed: int) -> Iterator[Tried]:
    """Alter one file of the pair after the other, load the pair, and put the file back.

    Raises whatever is no ModelError, and AssertionError where a pair is loaded that scores otherwise.
    """
    chance = Random(seed)
    files = [folder / name for folder in _folders(registry, question, sound) for name in ("MLmodel", FILE)]
    for _ in range(number):
        path = chance.choice(files)
        how = chance.choice([*ALTERATIONS, GONE])
        kept = path.with_name(f"{path.name}.kept")
        shutil.copy(path, kept)
        try:
            if how == GONE:
                path.unlink()
            else:
                path.write_bytes(ALTERATIONS[how](path.read_bytes(), chance))
            if how == GONE or path.read_bytes() != kept.read_bytes():
                yield Tried(path.name, how, _load(registry, question, sound))
        finally:
            kept.replace(path)


def is_one_line(said: str) -> bool:
    """Whether a refusal is as it should be: one line of a bearable length that says that the pair cannot be loaded."""
    return " cannot be loaded" in said and "\n" not in said and len(said) < 900


def _folders(registry: MlflowRegistry, question: Question, pair: Pair) -> list[Path]:
    client = MlflowClient()
    versions = zip(
        model_names(registry.prefix, question), (pair.preprocessing_version, pair.prediction_version), strict=True
    )
    sources = [str(client.get_model_version(name, version).source) for name, version in versions]
    models = [client.get_logged_model(source.removeprefix("models:/")) for source in sources]
    return [Path(str(model.artifact_location).removeprefix("file://")) for model in models]


def _load(registry: MlflowRegistry, question: Question, sound: Pair) -> str:
    try:
        pair = registry.load(question, sound.prediction_version)
    except ModelError as error:
        return str(error)
    rows = np.random.default_rng(0).random((40, len(sound.columns))) * 30
    assert pair.columns == sound.columns
    assert (pair.params, pair.trained_through, pair.notes) == (sound.params, sound.trained_through, sound.notes)
    scores = [one.score(_frame(one, rows)) for one in (pair, sound)]
    assert scores[0].tolist() == scores[1].tolist()
    return EQUAL


def _frame(pair: Pair, rows: npt.NDArray[np.float64]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(pair.columns))
