"""The dictionary of features in Delta: a table, and the comments of columns, written once and kept by later writes."""

import pyarrow as pa

from lib.attributes.columns import Attribute, Kind
from lib.features.vocabulary import features_schema, type_column
from lib.stages.dictionary import write_dictionary
from tests.builders.attributes import put_users
from tests.builders.runs import CUTOFF

KINDS = ["buy", "it's \\ {odd}`"]
ODD = type_column(KINDS[1], "events_7")


def comments(tables, name):
    schema = tables.spark.table(tables.full_name(name)).schema
    return {field.name: field.metadata["comment"] for field in schema if "comment" in field.metadata}


def commits(tables, name):
    return tables.spark.sql(f"DESCRIBE HISTORY {tables.full_name(name)}").count()


def put_features(tables, *names):
    rows = pa.Table.from_pylist([{"user_id": "ana", "cutoff": CUTOFF}], schema=features_schema(names))
    tables.replace("features", rows, f"cutoff = DATE '{CUTOFF}'")


def test_columns_are_told_by_a_table_and_by_their_comments(delta_tables):
    assert write_dictionary(delta_tables, KINDS, with_attributes=True) == ""
    put_features(delta_tables, "recency", ODD)
    put_users(delta_tables, [("ana", None, None, "DE")], [Attribute("country", Kind.TEXT)])
    said = write_dictionary(delta_tables, KINDS, with_attributes=True)
    assert said == "Dictionary: 3 columns, each with its meaning and unit, in the table feature_dictionary."
    told = {
        "recency": "days since the last event, at most 365 (days)",
        ODD: "it's \\ {odd}` events in the 7 days before the cutoff (events)",
    }
    assert comments(delta_tables, "features") == told
    assert comments(delta_tables, "user_attributes") == {"text_country": "country, in: text"}
    before = [commits(delta_tables, name) for name in ("features", "feature_dictionary")]
    write_dictionary(delta_tables, KINDS, with_attributes=True)  # all of it is said already
    assert [commits(delta_tables, name) for name in ("features", "feature_dictionary")] == before
    put_features(delta_tables, "recency", ODD, "tenure")
    assert comments(delta_tables, "features") == told
    write_dictionary(delta_tables, KINDS, with_attributes=False)
    assert comments(delta_tables, "features") == told | {"tenure": "days since the first event (days)"}
    rows = delta_tables.query("SELECT * FROM {feature_dictionary} ORDER BY feature")
    assert list(rows["feature"]) == sorted(["recency", ODD, "tenure"])
    assert rows.iloc[list(rows["feature"]).index("tenure")].tolist() == [
        "tenure", "history", "days since the first event", "days",
    ]  # fmt: skip
