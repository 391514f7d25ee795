"""Expressions on DuckDB and on Spark: the same values in every row, with nulls, odd names and the ends of ranges."""

import pytest

from benchmarks.expression_rows import columns, rows
from benchmarks.expressions import by_duckdb, by_spark, differences, drawn
from lib.expressions.expression import parse
from tests.builders.expressions import WORKING

TABLE = rows()
NAMES = columns(TABLE)
NULL_BY_RULE = {"x / 0", "n / 0", "n % 0", "x % 0"}


@pytest.fixture(scope="module")
def found():
    return [parse(text, names=NAMES) for text in WORKING]


def test_duckdb_answers_them_all(found):
    answers = by_duckdb(TABLE, found)
    told = {text for text, values in zip(WORKING, answers, strict=True) if any(value is not None for value in values)}
    assert len(WORKING) == len(set(WORKING)) >= 200
    assert set(WORKING) - told == NULL_BY_RULE


@pytest.mark.spark
def test_spark_answers_them_as_duckdb_does(spark, found, tmp_path):
    """With some that are drawn at random; thousands more are by `benchmarks.expressions`."""
    asked = [*found, *drawn(7, 40, NAMES, 3)]
    assert list(differences(TABLE, asked, by_duckdb(TABLE, asked), by_spark(spark, TABLE, asked, tmp_path))) == []


def test_a_difference_would_be_told():
    one = parse("n + 1", names=NAMES)
    two = [[1] * TABLE.num_rows], [[1] * (TABLE.num_rows - 1) + [2]]
    assert list(differences(TABLE, [one], *two)) == [
        f"n + 1: DuckDB 1, Spark 2, of {{'n': {TABLE['n'][-1].as_py()!r}}}"
    ]


@pytest.mark.spark
def test_a_struct_is_read_also_where_its_table_has_the_same_name(spark):
    """`p`.`price` could be the column price of a table p."""
    names = {"price": "double", **{"p": NAMES["p"]}}
    spark.range(1).selectExpr("1.0D AS price", "NAMED_STRUCT('price', 2.0D) AS p").createOrReplaceTempView("p")
    read = parse("p.price", names=names).spark()
    assert spark.table("p").selectExpr(f"{read} AS read").collect()[0]["read"] == 2.0
