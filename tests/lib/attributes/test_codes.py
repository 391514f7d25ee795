"""Numbers in the place of texts: the same for the same text, exact, and none of them the one of nothing."""

import numpy as np
import pandas as pd

from lib.attributes.codes import MISSING, encode_texts, text_code


def test_a_text_has_the_same_number_wherever_it_is_read():
    assert text_code("DE") == 136621396145507.0
    assert len({text_code(f"v{n}") for n in range(20_000)}) == 20_000
    assert all(1 <= text_code(f"v{n}") <= 2**48 and float(text_code(f"v{n}")).is_integer() for n in range(100))


def test_texts_of_attributes_become_numbers_and_nothing_else_changes():
    rows = pd.DataFrame({"recency": [1.0, 2.0, 3.0], "attribute_text_country": ["DE", None, "DE"]})
    found = encode_texts(rows)
    assert found["attribute_text_country"].tolist() == [text_code("DE"), MISSING, text_code("DE")]
    assert found["recency"].tolist() == [1.0, 2.0, 3.0]
    assert encode_texts(found) is found  # numbers by now
    numbers = pd.DataFrame({"recency": np.ones(2)})
    assert encode_texts(numbers) is numbers
