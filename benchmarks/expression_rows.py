"""Rows for expressions: nulls, odd names, numbers and times that can almost be read, the ends of ranges."""

import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from lib.expressions.kinds import Type, from_duckdb

TEXTS = [
    None, "", " ", "a", "Ab", "it's", "Straße", "İstanbul ΑΣ", "ÀÉ ЖЯ", "50%", "a_b", "a!b", "a\\b", "\ttab", "line\n",
    "line\nbreak", "😀 b", "\u00a0x\u00a0", " both ", "a,b,,c", "null", "NaN", "{x}", "purchase", "PURCHASE", "view ",
    "x" * 300, "é", "e\u0301", "ﬁ", "Ǆ", "\u017f", "K",
]  # fmt: skip
DIGITS = [
    None, "", "12", "-12", "+7", " 42 ", "0012", "12.0", "12.7", "1e3", "1e400", "1_000", "0x1F", "1d", ".5", "5.",
    "-.5", "NaN", "inf", "Infinity", "1,5", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "\t1", "1\n", "٣", "--1", "1 2", "0.1", "1E-5", "1e", "12345678901234567890123", "4.9e-324",
    "2.2250738585072014e-308",
]  # fmt: skip
CLOCKS = [
    None, "", "2024-06-01", "2024-06-01 10:00", "2024-06-01T10:00:00", "2024-06-01 10:00:00.5", "2024-06-01T10:00:00Z",
    "2024-06-01 10:00:00.123456789", "2024-06-01T10:00:00+02:00", "2024-06-01T10:00:00-18:00",
    "2024-06-01T10:00:00+18:30", "2024-02-30", "2024-13-01", "2023-02-29", "2024-02-29 23:59:59.999999", "0001-01-01",
    "9999-12-31 23:59:59", "24:00", "2024-06-01 24:00:00", "10:00", "2024", "2024-6-1", " 2024-06-01 ",
    "2024-06-01 foo", "2024/06/01", "epoch", "now", "0000-01-01", "1900-01-01 00:00:00.25", "2024-06-01 10:60",
    "2024-06-01 10:00:60", "2024-06-01T10:00:00+0200",
    "2024-06-01 10:00:00 +0200", "2024-06-01 10:00:00 -0330", "1582-10-10", "2024-06-01 10:00:00 UTC", "20240601",
    "2024-06-01  10:00",
]  # fmt: skip
DOTTED = [
    None, "", "01.06.2024 10:00", "1.6.2024 9:05", "31.02.2024 10:00", "01.06.24 10:00", "01.06.2024  10:00",
    "01.06.2024 24:00", "01.13.2024 10:00", "29.02.2024 23:59", "01.01.0001 00:00", "31.12.9999 23:59", "xx",
    "01.06.2024", " 01.06.2024 10:00", "01.06.2024 10:00 ", "01.06.2024 10:0", "01.06.2024 00:00", "01.06.0000 10:00",
]  # fmt: skip
ENGLISH = [
    None, "Jun 1, 2024 2:05 PM", "jun 1, 2024 02:05 pm", "June 1, 2024 2:05 PM", "Dec 31, 1999 12:00 AM",
    "Feb 30, 2024 1:00 AM", "Jun 1, 2024 13:05 PM", "Jun 1, 2024 0:05 AM", "Jun 1, 2024 2:05PM",
    "Sept 1, 2024 2:05 PM", "May 9, 2024 12:59 PM",
]  # fmt: skip
JSON = [
    None, "", "{}", '{"a":"x"}', '{"a":17850}', '{"a":1e7}', '{"a":12345678.5}', '{"a":1.50}', '{"a":true}',
    '{"a":null}', '{"b":1}', '{"a":{"b":"y"}}', '{"a":{"b":2.5}}', '{"a":[1,2]}', "{'a':1}", '{"a":1}x', ' {"a":1} ',
    '{"a":NaN}', '{"a":1,"a":2}', '{"a":"x\\u00e9\\n"}', '{"a":123456789012345678901234567890}', '{"a":0.0001}', "x",
    "null", "[1]", '{"a":"1e7"}', "{a:1}", '{"a":01}', '{"a":"x', '{"a":1,}', '{"a":-0.0}', '{"a":1.0}', '{"A":5}',
    '{"a":""}', '{"a":"null"}', '{"a":1e400}', '{"a":9223372036854775808}', '{"a":-9223372036854775808}',
    '{"a":"\\ud83d"}', '{"a b":"blank","a-b":"dash","a.b":"dot"}', '{"a":"nan, inf,}"}', '{"a":"\\"q\\""}',
    '{"a":"1.10"}', '{"a":0.1}', '{"a":{"b":null}}', '{"a":3}{"a":4}', '{"a":1e-7}', '{"a":false}', '[{"a":1}]',
    '{"a":Infinity}', '{"":"empty"}',
]  # fmt: skip
WHOLES = [
    None, 0, 1, -1, 2, 3, -3, 7, -7, 100, 2**31, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 1_717_236_000,
    1_717_236_000_000, 1_717_236_000_123_456, -1500, -62_135_596_800, 253_402_300_800, 10**15, 999_999,
]  # fmt: skip
DOUBLES = [
    None, 0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 1.005, 4.725, 2.675, 0.1, 1 / 3, -7.5, 1e7, 12345678.5, 1e16,
    1e22, 1e300, -1e300, 5e-324, 1e-7, 0.0049999999999999996, math.nan, math.inf, -math.inf, 9.223372036854775e18,
    9223372036854775808.0, 1717236000.123456, 99999999.995, 123456789.985, 1e20, 0.285, 1e8 - 0.005, 2.0**53,
]  # fmt: skip
_TIMES = [
    "1970-01-01", "1969-12-31T23:59:59.999999", "2024-06-01T10:00", "2024-03-31T00:59:59.999999", "2024-03-31T01:00",
    "2024-03-31T02:30", "2024-10-27T00:30", "2024-10-27T01:30", "2024-10-27T02:30", "2024-02-29", "2018-11-04T00:30",
    "2018-02-18T01:30", "2024-09-29T02:15", "1900-01-01", "1900-01-01T00:30", "2037-12-31T23:59", "2100-07-01T12:00",
    "1999-12-31T23:59", "0001-01-02", "9999-12-30", "1582-10-10T12:00", "2024-12-29T23:00", "1980-04-06",
    "2011-12-30T10:00", "1941-08-15T02:30", "2050-03-27T02:30",
]  # fmt: skip
TIMES = [None, *map(datetime.fromisoformat, _TIMES)]
COLUMNS: Mapping[str, tuple[pa.DataType, Sequence[Any]]] = {
    "s": (pa.string(), TEXTS),
    "digits": (pa.string(), DIGITS),
    "clock": (pa.string(), CLOCKS),
    "dotted": (pa.string(), DOTTED),
    "english": (pa.string(), ENGLISH),
    "js": (pa.string(), JSON),
    "n": (pa.int64(), WHOLES),
    "small": (pa.int32(), [None, 0, 1, -1, 2, 3, 10, -(2**31)]),
    "x": (pa.float64(), DOUBLES),
    "real": (pa.float32(), [None, 0.1, 1.5, -2.25, math.nan, 3.4e38]),
    "d": (pa.decimal128(10, 2), [None, *map(Decimal, ("0.00", "1.50", "-2.25", "99999999.99", "0.01"))]),
    "big": (pa.decimal128(38, 0), [None, *map(Decimal, ("0", "123456789012345678901234567890", str(2**64), "-1"))]),
    "t": (pa.timestamp("us", "UTC"), [at and at.replace(tzinfo=UTC) for at in TIMES]),
    "local": (pa.timestamp("us"), [*TIMES[3:], None]),
    "day": (pa.date32(), [None, *(date(*d) for d in ((1970, 1, 1), (2024, 2, 29), (1, 1, 1), (9999, 12, 31)))]),
    "ok": (pa.bool_(), [None, True, False]),
    "p": (
        pa.struct([("price", pa.float64()), ("odd 'name{}", pa.string()), ("in", pa.struct([("b", pa.int64())]))]),
        [
            None, {"price": 1.5, "odd 'name{}": "x", "in": {"b": 1}}, {"price": None, "odd 'name{}": "", "in": None},
            {"price": -2.0, "odd 'name{}": "it's", "in": {"b": None}},
        ],
    ),
    "m": (pa.map_(pa.string(), pa.float64()), [None, [], [("k", 1.5), ("it's", 2.0)], [("k", None)], [("K", 9.0)]]),
    "it's {a}, b": (pa.string(), ["x", None, "it's"]),
    "with space": (pa.int64(), [1, 2, None]),
    "dot.ted": (pa.float64(), [0.5, None]),
    'quo"te': (pa.string(), ["q", None, ""]),
    "back`tick": (pa.string(), ["b", None]),
    "select": (pa.string(), ["sel", None]),
    "größe": (pa.int64(), [5, None, -5]),
    "Mixed": (pa.string(), ["Case", None]),
}  # fmt: skip


def rows(count: int = 120, seed: int | None = None) -> pa.Table:
    """Rows in which each column takes all its values in turn; with a seed, drawn ones."""
    draw = random.Random(seed)
    drawn = {name: values if seed is None else draw.choices(values, k=count) for name, (_, values) in COLUMNS.items()}
    return pa.table({
        name: pa.array([drawn[name][row % len(drawn[name])] for row in range(count)], kind)
        for name, (kind, _) in COLUMNS.items()
    })  # fmt: skip


def columns(table: pa.Table) -> dict[str, Type]:
    """What expressions may name of it."""
    with duckdb.connect() as connection:
        relation = connection.from_arrow(table)
        return from_duckdb(relation.columns, relation.types)
