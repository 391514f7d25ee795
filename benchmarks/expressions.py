"""Expressions drawn at random, on both engines: does each give the same in every row?

    .venv/bin/python -m benchmarks.expressions [--expressions 2000] [--seed 1] [--depth 4] [--docs]

Prints what differs, with the first row where it does, and how many were tried. What is drawn comes from the lists that
`lib/expressions` holds, over rows with nulls, empty texts, odd names and the ends of every range.
`--docs` writes the lists into docs/expressions.md instead.
"""

import argparse
import math
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.expression_rows import columns, rows
from lib.errors import ConfigError
from lib.expressions import listing
from lib.expressions.expression import Expression, parse
from lib.expressions.functions import FUNCTIONS
from lib.expressions.kinds import Kind, Type
from lib.expressions.operators import OPERATORS
from lib.expressions.signature import TAKES, Signature
from localrun.spark.server import SparkServer
from localrun.spark.session import session

PAGE = Path(__file__).parents[1] / "docs" / "expressions.md"
TOGETHER = 100  # expressions of one query


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expressions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--docs", action="store_true")
    options = parser.parse_args()
    if options.docs:
        PAGE.write_text(listing.replace_block(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with SparkServer(home, ["propensity"], home / "spark.log") as server:
            server.wait_ready()
            with session(server.url) as spark:
                compare(spark, home, options.expressions, options.seed, options.depth)


def compare(spark: Any, home: Path, count: int, seed: int, depth: int) -> None:
    """Draw, ask both engines, and print what differs."""
    names, different = columns(rows()), 0
    found = drawn(seed, count, names, depth)
    for start in range(0, count, TOGETHER):
        part, table = found[start : start + TOGETHER], rows(seed=seed + start)
        for told in differences(table, part, by_duckdb(table, part), by_spark(spark, table, part, home)):
            different += 1
            print(told, flush=True)
    print(f"{count} expressions over {table.num_rows} rows each, seed {seed}: {different} differ")


def by_duckdb(table: pa.Table, found: Sequence[Expression]) -> list[list[Any]]:
    """The values of each expression in each row."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("source", table)
        asked = ", ".join(f"{one.duckdb()} AS e{place}" for place, one in enumerate(found))
        return _values(connection.sql(f"SELECT {asked} FROM source").to_arrow_table())


def by_spark(spark: Any, table: pa.Table, found: Sequence[Expression], home: Path) -> list[list[Any]]:
    """The same by Spark, all in one query."""
    file = home / "rows.parquet"
    pq.write_table(table, file)
    frame = spark.read.parquet(str(file))
    return _values(frame.selectExpr(*(f"{one.spark()} AS e{place}" for place, one in enumerate(found))).toArrow())


def _values(answer: pa.Table) -> list[list[Any]]:
    return [[_value(one) for one in column.to_pylist()] for column in answer.columns]


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    return value


def differences(
    table: pa.Table, found: Sequence[Expression], ours: list[list[Any]], theirs: list[list[Any]]
) -> Iterator[str]:
    """What DuckDB and Spark answered differently: the expression, both values, and the columns it reads in that row."""
    for one, duck, spark in zip(found, ours, theirs, strict=True):
        for row, (left, right) in enumerate(zip(duck, spark, strict=True)):
            if left != right or type(left) is not type(right):
                read = {name: table[name][row].as_py() for name in one.columns}
                yield f"{one.canonical}: DuckDB {left!r}, Spark {right!r}, of {read}"
                break


WRITTEN = {
    "'time pattern'": ["'yyyy-MM-dd'", "'dd.MM.yyyy HH:mm'", "'d.M.yyyy H:mm'", "'MMM d, yyyy h:mm a'", "'yyyyMMdd'",
                       "'yyyy-MM-dd HH:mm:ss.SSS'", "'MMMM d, yyyy hh:mm a'"],
    "'time pattern with XXX'": ["'yyyy-MM-ddTHH:mm:ssXXX'", "'yyyy-MM-dd HH:mmXXX'", "'yyyy-MM-dd HH:mm:ss XX'"],
    "'zone'": ["'Europe/Berlin'", "'America/Sao_Paulo'", "'Australia/Lord_Howe'", "'Asia/Kolkata'", "'Pacific/Apia'",
               "'America/New_York'", "'Africa/Cairo'", "'UTC'"],
    "'json path'": ["'$.a'", "'$.a.b'", "'$[''a b'']'", "'$.a-b'"],
    "'pattern'": ["'%'", "'a%'", "'%_b'", "'%!%'", r"'\%'", "''", "'%''%'"],
    "'part'": ["'a'", "','", "' '", "''''", "'{'", r"'\'"],
    "'regular expression'": ["'[a-z]+$'", "'^(.)(.*)$'", r"'(\d+)[-.](\d+)?'", r"'\W'", "'(?:a|b)?x'", "'[^a]{2,3}'"],
    "'digits'": ["0", "2", "6"], "'start'": ["1", "2", "5"], "'length'": ["0", "1", "3"], "'place'": ["1", "2", "4"],
    "'group'": ["0", "1"],
}  # fmt: skip
LEAVES = {
    Kind.TEXT: ["'a'", "''", "'it''s'", r"'%_\ !{}'", "'2024-06-01'", "'12.5'", "'Ä'", "'x y'"],
    Kind.INT: ["0", "1", "-1", "7", "1000", "9223372036854775807", "-9223372036854775808"],
    Kind.NUMBER: ["0.0", "0.5", "-1.005", "1e6", "1e-9", "123456789.125", "3", "1e300"],
    Kind.BOOL: ["TRUE", "FALSE"],
    Kind.TIME: ["to_time('2024-03-31 01:30:00')", "to_time('1970-01-01')", "timestamp_seconds(1)"],
    Kind.DAY: ["date('2024-02-29')", "date('0001-01-01')", "date('9999-12-31')"],
    Kind.DECIMAL: ["d"],
}  # fmt: skip
DRAWN = (Kind.TEXT, Kind.INT, Kind.NUMBER, Kind.BOOL, Kind.TIME, Kind.DAY)


class Draw:
    """Draws expressions as texts, each of a kind that is asked for, from the lists."""

    def __init__(self, seed: int, names: Mapping[str, Type]) -> None:
        self.random = random.Random(seed)
        self.fields: dict[Kind, list[str]] = {kind: [] for kind in Kind}
        plain = [f"`{name.replace('`', '``')}`" for name, kind in names.items() if isinstance(kind, str)]
        for name in (*plain, "p.price", "p.`in`.b", "m.k"):
            self.fields[parse(name, names=names).kind].append(name)
        self.calls = [one for one in (*OPERATORS, *FUNCTIONS) if one.name != "case"]

    def expression(self, kind: Kind, depth: int) -> str:
        """One of a kind, so deep."""
        calls = [one for one in self.calls if one.gives in (kind, None)]
        if depth == 0 or kind == Kind.DECIMAL or self.random.random() < 0.15:  # decimals are columns alone
            return self.leaf(kind)
        if self.random.random() < 0.1:
            when, then, other = (self.expression(of, depth - 1) for of in (Kind.BOOL, kind, kind))
            return f"CASE WHEN {when} THEN {then} ELSE {other} END"
        return self.call(self.random.choice(calls), kind, depth - 1)

    def leaf(self, kind: Kind) -> str:
        """A column, or a value written out."""
        columns = self.fields[kind]
        return self.random.choice(columns if columns and self.random.random() < 0.75 else LEAVES[kind])

    def call(self, way: Signature, kind: Kind, depth: int) -> str:
        """A call by one way; the kind is that of arguments of any kind, where it gives what it takes."""
        shared = kind if way.gives is None else self.random.choice(DRAWN)
        more = way.takes[-1] == "..."
        words = [way.word(place) for place in range(len(way.takes) + (self.random.randint(-1, 1) if more else 0))]
        args = [self.argument(way, place, word, shared, depth) for place, word in enumerate(words)]
        if not way.text:
            return f"{way.name}({', '.join(args)})"
        if way.name != "in":
            args = [f"({arg})" for arg in args]
        chain = {"and": " AND ".join(args), "or": " OR ".join(args), "rest": ", ".join(args[1:]), "case": ""}
        return f"({way.text.format(*args, **chain)})"

    def argument(self, way: Signature, place: int, word: str, shared: Kind, depth: int) -> str:
        """One argument; of IN, all but the first are written out."""
        if word in WRITTEN:
            return self.random.choice(WRITTEN[word])
        kind = TAKES[word] or shared
        if way.name == "in" and place:
            return "'2024-06-01'" if kind in (Kind.TIME, Kind.DAY) else self.random.choice(LEAVES[kind])
        return self.expression(kind, depth)


def drawn(seed: int, count: int, names: Mapping[str, Type], depth: int) -> list[Expression]:
    """So many expressions, each once; one that is too long is drawn again."""
    draw, found = Draw(seed, names), dict[Expression, None]()
    while len(found) < count:
        text = draw.expression(draw.random.choice(DRAWN), draw.random.randint(1, depth))
        try:
            found[parse(text, names=names)] = None
        except ConfigError as error:
            if not any(
                reason in str(error)
                for reason in ("there is none of number", "too long", "at most 2000", "is not a date")
            ):
                raise
    return list(found)


if __name__ == "__main__":
    main()
