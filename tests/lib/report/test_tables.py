"""Cells of a report's tables: numbers in the digits that people read."""

import pandas as pd
import pytest

from lib.report.tables import Column, format_share, make_table


@pytest.mark.parametrize(("share", "text"), [
    (0.0, "0%"), (0.0000018, "<0.01%"), (0.000099, "<0.01%"), (0.0001, "0.01%"), (0.0004, "0.04%"), (0.0994, "9.9%"),
    (0.09996, "10%"), (0.1, "10%"), (0.234, "23%"), (1.0, "100%"),
])  # fmt: skip
def test_a_share_has_the_digits_that_matter(share, text):
    assert format_share(share) == text


@pytest.mark.parametrize(("low", "high", "text"), [
    (0.61, 0.7, "0.61 to 0.70"), (35.0, 35.0, "35.00"), (0.001, 0.002, "0.00"), (None, 1.0, "-"),
])  # fmt: skip
def test_two_ends_that_read_alike_are_one(low, high, text):
    (row,) = make_table("", pd.DataFrame({"low": [low], "high": [high]}), [Column("", "low", "number", to="high")]).rows
    assert row[0].text == text
