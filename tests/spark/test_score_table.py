"""Rows of somebody's Delta table as its own history has them from before a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from lib.errors import ContractBroken


def test_a_version_counts_from_the_moment_of_its_commit_on(spark, delta_tables):
    name = f"{delta_tables.schema}.elsewhere"
    spark.sql(f"CREATE TABLE {name} USING delta AS SELECT 7L AS user_id, DATE '2024-06-03' AS cutoff, 0.25F AS score")
    spark.sql(f"UPDATE {name} SET score = 0.75")
    history = spark.sql(f"DESCRIBE HISTORY {name}").selectExpr("unix_micros(timestamp) AS at").collect()
    first, second = sorted(datetime.fromtimestamp(row["at"] / 1e6, UTC) for row in history)
    instant = timedelta(milliseconds=1)

    def written(before, where="cutoff = DATE '2024-06-03'"):
        rows = delta_tables.as_written(name, before, where)
        return None if rows is None else [tuple(row) for row in rows.itertuples(index=False)]

    assert written(first) is None
    assert written(first + instant) == written(second) == [("7", datetime(2024, 6, 3, tzinfo=UTC).date(), 0.25)]
    assert [row[2] for row in written(second + instant)] == [0.75]
    assert written(second + instant, "cutoff = DATE '2024-06-04'") == []
    with pytest.raises(
        ContractBroken, match=r"It cannot be read as it was before .*: .* Name a Delta table with user_i"
    ):
        delta_tables.as_written(f"{delta_tables.schema}.nowhere", first, "1 = 1")
