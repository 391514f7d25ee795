"""Numbers in the place of texts, so that models read them: the same number for the same text, wherever and whenever.

A text's number is the first 48 bits of its digest: no list of texts has to be kept, nor agreed upon. Of a million
different texts two share a number once in 560 times; a model keeps but a few frequent ones apart.
"""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.attributes.columns import is_text

MISSING = 0.0  # no text has that number
_BYTES = 6


def text_code(text: str) -> float:
    """The number of a text: 1 to 2^48, exact in double precision."""
    return float(int.from_bytes(blake2b(text.encode(), digest_size=_BYTES).digest()) + 1)


def encode_texts(features: pd.DataFrame) -> pd.DataFrame:
    """Rows with numbers in the place of attributes that are texts; without such a column, the rows as they are."""
    texts = [name for name in map(str, features) if is_text(name) and not pd.api.types.is_numeric_dtype(features[name])]
    return features.assign(**{name: _codes(features[name]) for name in texts}) if texts else features


def _codes(column: "pd.Series[str]") -> npt.NDArray[np.float64]:
    places, texts = pd.factorize(column)
    return np.array([*(text_code(str(text)) for text in texts), MISSING])[places]  # of a missing one the place is -1
