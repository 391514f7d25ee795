"""Numbers with signs around and within: what is proposed for them reads what was meant."""

import duckdb
import pytest

from lib.expressions.expression import parse
from lib.features.written_numbers import find_number

MEANT = {
    "12,50": 12.5, "1.234,56": 1234.56, "1.234.567,8": 1234567.8, "1,234.5": 1234.5, "1,234": 1234,
    "1,234,567": 1234567,
    "1 234,50": 1234.5, "1\u00a0234": 1234, "1\u202f234,5": 1234.5, "1'234.50": 1234.5, "12,50 \u20ac": 12.5,
    "$1,790.25": 1790.25, "-$5.00": -5, "$-5.00": -5, "(5.00)": -5, "($1,234.50)": -1234.5, "5.00-": -5,
    "\u22125.00": -5, "12%": 12, "EUR 12,50": 12.5, "12.50 EUR": 12.5, "kr 1.234,50": 1234.5, "+5.00": 5,
    "-1.234,56": -1234.56,
    ",5": 0.5, "\u20ac,99": 0.99,
}  # fmt: skip


@pytest.mark.parametrize("text", MEANT)
def test_what_is_proposed_reads_what_was_meant_and_leaves_plain_numbers(text):
    plain, expression = find_number(text, "v")
    assert float(plain) == MEANT[text]
    made = parse(expression, names={"v": "string"})
    values = duckdb.execute(f"SELECT {made.duckdb()} FROM (SELECT UNNEST([?, '-7', '7', 'x']) AS v)", [text]).fetchall()
    assert [value for (value,) in values] == [MEANT[text], -7, 7, None]


@pytest.mark.parametrize("text", [
    "x", "", "5L", "12k", "1.5M", "0x1F", "1e5", "5.00 CR", "1.2.3", "1,2,3", "1.234,567.8", "1,23.4", "12 5", "1_000",
    "5 - 6",
    "2024-06-01", "--5", "1 234 56", "12", "12.5", "-3",
])  # fmt: skip
def test_nothing_is_proposed_where_nobody_can_tell_or_nothing_is_wrong(text):
    assert find_number(text, "v") is None
