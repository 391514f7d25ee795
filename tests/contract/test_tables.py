"""What every kind of tables does alike: in memory, a home's files without Spark, and Delta through Spark."""

from collections import Counter
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from cli.local.file_tables import FileTables
from lib.attributes.columns import Attribute, Kind
from lib.attributes.joining import values_sql, with_attributes_sql
from lib.config.stages import PublishConfig
from lib.errors import ContractBroken
from lib.features.extraction import visible_activity_sql
from lib.features.vocabulary import features_schema
from lib.identities.together import find_together
from lib.labels.labels import labelled_cohort_sql
from lib.labels.sampling import OF_A_ROW, OF_A_USER, sample_sql
from lib.stages.profiles import write_profiles
from lib.tables import frames, memory
from lib.tables.contracts import CONTRACTS, PREDICTIONS
from lib.tables.delta import DeltaTables
from lib.tables.schemas import arrow_schema, missing_added
from tests.builders import identity_checks, identity_draws
from tests.builders.attributes import user_rows
from tests.builders.question_checks import daily_rows, question_of, tables_of
from tests.builders.question_draws import draw
from tests.builders.runs import asked

CUTOFF = date(2024, 6, 3)
WEEK_BEFORE = CUTOFF - timedelta(days=7)
CHECK = {
    "run_id": "r1", "question": "q", "as_of": CUTOFF, "holdout": WEEK_BEFORE, "preprocessing_version": None,
    "prediction_version": None, "answer": "cannot_tell", "retrain_needed": True, "reasons": "it's {new}\nand \\ odd",
    "metric": None, "measured": None, "low": None, "high": 0.5, "threshold": None,
}  # fmt: skip
SCORE = {
    "question": "q", "action": "buy", "horizon_days": 7, "user_id": "ana", "cutoff": CUTOFF, "propensity": 0.25,
    "preprocessing_version": "1", "prediction_version": "2", "run_id": "r1", "reasons": None,
    "starts_in_days": 0,
}  # fmt: skip
ROWS = arrow_schema(PREDICTIONS)
DRAWN = (  # who is drawn of u4 to u11 and four odd names at a share of a half, by Python's own MD5
    (OF_A_USER, 0, {"", "u10", "ä 日本"}),
    (OF_A_USER, 7, {"", "u5", "o'neil", "u8", "u4", "u10"}),
    (OF_A_ROW, 0, {"", "u11", "u6", "o'neil", "u8", "u7", "u10", "u9"}),
)


def scores(*changes):
    return pd.DataFrame([SCORE | change for change in changes])


def read(tables, columns, name="predictions", order="1"):
    found = tables.query(f"SELECT {columns} FROM {{{name}}} ORDER BY {order}")
    return list(found.itertuples(index=False, name=None))


def put_features(tables, rows, names, where):
    """Write features as the extraction does: rows made by a function from rows of another table."""
    tables.replace("predictions", scores({}), "question = 'q'")  # any table with a row, to map from
    made = pa.Table.from_pylist(rows, schema=features_schema(names))
    tables.replace("features", tables.map_users("SELECT * FROM {predictions}", lambda _: [made], made.schema), where)


def test_what_is_read_ahead_is_what_is_there(tables):
    """Also of a table that an earlier version made, after each kind of write, and of the lists in use."""
    checks = pd.DataFrame([CHECK, CHECK | {"question": "other", "measured": 0.25}])
    tables.replace("model_checks", checks, "1 = 1")
    asked = "SELECT * FROM {model_checks} WHERE question = 'q' ORDER BY run_id"
    lists = "SELECT * FROM {lists} ORDER BY run_id"
    with tables.reading_ahead():
        (first,) = tables.query(asked).to_dict("records")
        assert {name: value for name, value in first.items() if not pd.isna(value)} == {
            name: value for name, value in CHECK.items() if value is not None
        }
        tables.replace("model_checks", checks[:1].assign(run_id="r2"), "question = 'q'")
        tables.append("model_checks", checks[:1].assign(run_id="r3", low=0.125))
        within = tables.query(asked)
        assert list(within["run_id"]) == ["r2", "r3"]
        tables.delete("model_checks", "run_id = 'r2'")
        left = tables.query(asked)
        assert list(left["run_id"]) == ["r3"]
        rows = pd.DataFrame([dict.fromkeys(CONTRACTS["audience"]) | {
            "user_id": user, "question": "q", "run_id": "r1", "cutoff": CUTOFF, "rank": rank
        } for rank, user in enumerate(("ana", "bo"), 1)])  # fmt: skip
        tables.replace("audience", rows, "question = 'q'")
        assert tables.query(lists).to_numpy().tolist() == [["q", "r1", CUTOFF]]
        tables.replace("audience", rows.assign(run_id="r2"), "question = 'q'")
        assert tables.query(lists).to_numpy().tolist() == [["q", "r2", CUTOFF]]
    pd.testing.assert_frame_equal(tables.query(asked), left)
    assert tables.query(lists).to_numpy().tolist() == [["q", "r2", CUTOFF]]


def test_rows_come_in_their_order_so_many_at_a_time(tables, monkeypatch):
    for module in (frames, memory):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", 2)
    users = ["cy", "ana", "bo", "di", "ed"]
    rows = scores(*({"user_id": user, "reasons": None if user == "bo" else user} for user in users))
    tables.replace("predictions", rows, "question = 'q'")
    sql = "SELECT user_id, cutoff, propensity, horizon_days, reasons FROM {predictions} WHERE user_id > '%s' ORDER BY 1"
    for after, sizes in (("", [2, 2, 1]), ("bo", [2, 1]), ("di", [1]), ("zz", [0])):
        parts = list(tables.batches(sql % after))
        assert [len(part) for part in parts] == sizes
        assert pa.concat_tables(parts).equals(tables.arrow(sql % after))


def test_a_table_is_there_once_it_was_written(tables):
    assert not tables.exists("predictions")
    tables.replace("predictions", scores({}), "question = 'q'")
    assert tables.exists("predictions")
    assert not tables.exists("audience")


def test_rows_come_back_as_they_were(tables):
    tables.append("model_checks", pd.DataFrame([CHECK]))
    (back,) = tables.query("SELECT * FROM {model_checks}").to_dict("records")
    assert {name: None if pd.isna(value) else value for name, value in back.items()} == CHECK
    assert isinstance(back["as_of"], date)


def test_rows_that_are_lent_can_be_named_also_where_there_are_none(tables):
    for ids in (["ana"], []):
        tables.lend("lent_ids", pa.table({"user_id": pa.array(ids, pa.string())}))
        assert tables.query("SELECT user_id FROM lent_ids")["user_id"].tolist() == ids


def test_replace_takes_the_place_of_the_matching_rows_only(tables):
    tables.replace("predictions", scores({}, {"user_id": "bo"}, {"question": "other"}), "1 = 1")
    tables.replace("predictions", scores({"propensity": 0.75}, {"user_id": "cy"}), "question = 'q'")
    assert read(tables, "question, user_id, propensity", order="1, 2") == [
        ("other", "ana", 0.25),
        ("q", "ana", 0.75),
        ("q", "cy", 0.25),
    ]


def test_replacing_twice_leaves_no_twins(tables):
    for _ in range(2):
        tables.replace("predictions", scores({}, {"user_id": "bo"}), f"question = 'q' AND cutoff = DATE '{CUTOFF}'")
    assert read(tables, "user_id") == [("ana",), ("bo",)]


def test_replacing_by_nothing_takes_the_rows_away(tables):
    tables.replace("predictions", scores({}, {"question": "other"}), "1 = 1")
    none = tables.map_rows("SELECT * FROM {predictions} WHERE 1 = 0", lambda rows: rows, ROWS)
    tables.replace("predictions", none, "question = 'q'")
    assert read(tables, "question") == [("other",)]


def test_append_adds_and_delete_takes_away(tables):
    tables.append("predictions", scores({}))
    tables.append("predictions", scores({}, {"user_id": "bo", "cutoff": WEEK_BEFORE}))
    assert read(tables, "user_id") == [("ana",), ("ana",), ("bo",)]
    tables.delete("predictions", f"cutoff >= DATE '{CUTOFF}'")
    assert read(tables, "user_id, cutoff") == [("bo", WEEK_BEFORE)]


def test_features_may_grow_columns_and_older_rows_then_have_none(tables):
    put_features(
        tables, [{"user_id": "ana", "cutoff": WEEK_BEFORE, "old": 1}], ["old"], f"cutoff IN (DATE '{WEEK_BEFORE}')"
    )
    put_features(tables, [{"user_id": "ana", "cutoff": CUTOFF, "new": 2}], ["new"], f"cutoff IN (DATE '{CUTOFF}')")
    found = read(tables, "cutoff, COALESCE(old, -1), COALESCE(new, -1)", "features")
    assert found == [(WEEK_BEFORE, 1, -1), (CUTOFF, -1, 2)]


def test_a_function_sees_the_rows_that_were_selected(tables):
    tables.replace("predictions", scores({}, {"user_id": "bo"}, {"question": "other"}), "1 = 1")

    def doubled(rows):
        at = rows.schema.get_field_index("propensity")
        twice = [2 * value for value in rows["propensity"].to_pylist()]
        return rows.set_column(at, "propensity", pa.array(twice, pa.float64()))

    rows = tables.map_rows("SELECT * FROM {predictions} WHERE question = 'q'", doubled, ROWS)
    tables.replace("predictions", rows, "question = 'q'")
    assert read(tables, "question, propensity") == [("other", 0.25), ("q", 0.5), ("q", 0.5)]


@pytest.mark.parametrize("seed", [0, 15, 54])  # amounts, a lead, all of several, conditions on every kind of fact
def test_a_question_is_answered_alike_by_every_engine(tables, seed):
    made = draw(seed)
    memory, columns = tables_of(made), ["recency", "silence"]
    rows = memory.query(f"SELECT user_id, cutoff, {', '.join(columns)} FROM {{features}}")
    put_features(tables, rows.to_dict("records"), columns, "1 = 1")
    put_activity(tables, memory, made)
    labelled = labelled_cohort_sql(question_of(made), made.cutoffs, made.as_of)
    told = [sorted(each.query(labelled)[["user_id", "cutoff", "label"]].itertuples(index=False, name=None))
            for each in (tables, memory)]  # fmt: skip
    assert told[0] == told[1] != []


def put_activity(tables, memory, made):
    """The events of a draw, and what a home holds of actions of one's own."""
    tables.replace("daily_activity", pd.DataFrame(daily_rows(made)), "1 = 1")
    for name in ("named_activity", "named_features"):
        if memory.exists(name):
            tables.replace(name, memory.arrow(f"SELECT * FROM {{{name}}}"), "1 = 1")


@pytest.mark.parametrize("seed", [3])
def test_persons_with_several_ids_are_alike_for_every_engine(tables, seed):
    persons = identity_draws.draw(seed)
    made, memory, columns = persons.made, identity_checks.tables_of(persons), ["recency", "silence"]
    rows = memory.query(f"SELECT user_id, cutoff, {', '.join(columns)} FROM {{features}}")
    put_features(tables, rows.to_dict("records"), columns, "1 = 1")
    put_activity(tables, memory, made)
    identity_checks.put_identities(tables, identity_draws.rows_of(persons))
    labelled = labelled_cohort_sql(question_of(made), made.cutoffs, made.as_of)
    asked = ("SELECT * FROM {identities}", f"SELECT user_id, cutoff, label FROM ({labelled}) r",
             f"SELECT r.* FROM ({visible_activity_sql(memory, made.cutoffs[0])}) r")  # fmt: skip
    for sql in asked:
        told = [sorted(map(repr, each.query(sql).drop(columns=["count", "value", "items"], errors="ignore").itertuples(
            index=False, name=None))) for each in (tables, memory)]  # fmt: skip
        assert told[0] == told[1] != []
    ids = ["u1", "u5", "nobody"]
    assert find_together(tables, ids) == find_together(memory, ids) != sorted(ids)


def test_what_a_function_makes_of_the_selected_rows_comes_here(tables):
    tables.replace("predictions", scores({}, {"user_id": "bo"}, {"question": "other"}), "1 = 1")
    counted = pa.schema({"rows": pa.int64()})
    found = tables.summarise(
        "SELECT * FROM {predictions} WHERE question = 'q'",
        lambda rows: pa.table({"rows": [len(rows)]}, schema=counted),
        counted,
    )
    assert sum(found["rows"].to_pylist()) == 2


def test_one_call_sees_all_rows_of_its_users(tables):
    users = [{"user_id": f"u{n % 5}", "propensity": n / 40} for n in range(40)]
    tables.replace("predictions", scores(*users), "1 = 1")

    def counted(rows):
        counts = Counter(rows["user_id"].to_pylist())
        found = [SCORE | {"user_id": user, "propensity": n} for user, n in counts.items()]
        yield pa.Table.from_pylist(found, schema=ROWS)

    tables.replace("predictions", tables.map_users("SELECT * FROM {predictions}", counted, ROWS), "1 = 1")
    assert sorted(read(tables, "user_id, propensity")) == [(f"u{n}", 8.0) for n in range(5)]


def test_selected_rows_go_into_another_table(tables):
    tables.replace("predictions", scores({}, {"user_id": "bo", "propensity": 0.5}), "1 = 1")
    listed = (
        "SELECT *, CAST(1 AS INT) AS rank, CAST(1 AS INT) AS decile, CAST(1 AS INT) AS percentile, 'average' AS band, "
        "propensity AS expected_actions, 1 = 0 AS low_evidence, 1 = 0 AS held_out, CAST(NULL AS DOUBLE) AS effect "
        "FROM {predictions}"
    )
    tables.replace("audience", tables.rows(f"{listed} WHERE user_id = 'bo'"), "1 = 1")
    assert read(tables, "user_id, expected_actions, held_out", "audience") == [("bo", 0.5, False)]
    tables.replace("audience", tables.arrow(f"{listed} WHERE user_id = 'ana'"), "1 = 1")
    assert read(tables, "user_id, expected_actions, held_out", "audience") == [("ana", 0.25, False)]
    tables.replace("audience", tables.arrow(f"{listed} WHERE 1 = 0"), "1 = 1")
    assert read(tables, "user_id", "audience") == []


def test_a_query_calls_a_function_of_ours(tables):
    tables.replace("predictions", scores({}, {"user_id": "bo"}, {"user_id": "Ärger"}), "1 = 1")
    asked = "user_id, is_short(user_id) AS short, length_of(user_id) / 2 AS half"
    tables.define("length_of", lambda users: [float(len(user)) for user in users], "double")
    for most in (2, 3):  # a function may be defined anew
        tables.define("is_short", lambda users, most=most: [len(user) <= most for user in users], "boolean")
        assert read(tables, asked) == [("ana", most == 3, 1.5), ("bo", True, 1.0), ("Ärger", False, 2.5)]


def test_a_note_is_kept_with_its_table(tables):
    assert tables.get_property("predictions", "source") is None  # no table
    tables.replace("predictions", scores({}), "1 = 1")
    assert tables.get_property("predictions", "source") is None  # no note
    for text in ('{"events": "a\'b", "path": "C:\\\\x"}', "two\nlines, it's odd"):
        tables.set_property("predictions", "source", text)
        assert tables.get_property("predictions", "source") == text
    tables.replace("predictions", scores({}), "1 = 1")
    assert tables.get_property("predictions", "source") == text  # a write does not lose it
    assert tables.get_property("predictions", "other") is None


def test_several_notes_are_kept_at_once_and_read_at_once(tables):
    assert tables.properties("predictions") == {}
    tables.replace("predictions", scores({}), "1 = 1")
    tables.set_properties("predictions", {"one.a_7d": "it's", "two": ""})
    tables.set_property("predictions", "two", "2")
    assert tables.properties("predictions") == {"one.a_7d": "it's", "two": "2"}


def test_a_row_for_each_user_is_made_of_several_lists_and_anew_with_other_columns(tables):
    month, week = (asked(PublishConfig, action="buy", horizon_days=days, value_of_action="10", cost_of_contact="1")
                   for days in ("28", "7"))  # fmt: skip
    listed = {
        "rank": 1, "decile": 1, "percentile": 1, "band": "average", "expected_actions": 0.5, "low_evidence": False,
        "held_out": True, "effect": 0.125,
    }  # fmt: skip
    rows = scores(
        *({"question": month.question.slug, "user_id": user, **listed} for user in ("ana", "bo")),
        {"question": week.question.slug, "propensity": 0.5, "cutoff": WEEK_BEFORE, **listed},
    )
    tables.append("audience", rows.astype({"rank": "int32", "decile": "int32", "percentile": "int32"}))
    assert write_profiles({"month": month, "week": week}, tables) == 2
    shown = "user_id, as_of, contradiction, month_expected_value, week_propensity, week_held_out, week_decile"
    assert read(tables, shown, "profiles")[0] == ("ana", CUTOFF, "week is above month", 2.5, 0.5, True, 1)
    assert [row[0] for row in read(tables, shown, "profiles")] == ["ana", "bo"]
    assert write_profiles({"week": week}, tables) == 1
    assert len(tables.query("SELECT * FROM {profiles}").columns) == 3 + 4
    assert read(tables, "user_id, contradiction", "profiles") == [("ana", None)]


def test_rows_without_a_column_are_refused_and_the_table_stays(tables):
    tables.replace("predictions", scores({}), "1 = 1")
    short = scores({"user_id": "bo"}).drop(columns="propensity")
    message = "Table predictions: column propensity is missing; found question, action"
    with pytest.raises(ContractBroken, match=message):
        tables.replace("predictions", short, "1 = 1")
    with pytest.raises(ContractBroken, match=message):
        tables.append("predictions", short)
    assert read(tables, "user_id") == [("ana",)]


def older(tables, monkeypatch, rows):
    """Write predictions as they were before they had reasons."""
    with monkeypatch.context() as patch:
        patch.setitem(CONTRACTS, "predictions", {name: kind for name, kind in PREDICTIONS.items() if name != "reasons"})
        tables.replace("predictions", rows.drop(columns="reasons"), "1 = 1")


def test_an_added_column_is_null_in_an_older_table_until_it_is_written(tables, monkeypatch):
    older(tables, monkeypatch, scores({}, {"question": "other"}))
    joined = "SELECT p.reasons FROM {predictions} p JOIN {predictions} o ON p.question = o.question"
    assert tables.query(joined)["reasons"].tolist() == [None, None]
    assert read(tables, "question, reasons", order="1") == [("other", None), ("q", None)]
    tables.replace("predictions", scores({"reasons": "a: 1 (raises)"}), "question = 'q'")
    assert read(tables, "question, reasons", order="1") == [("other", None), ("q", "a: 1 (raises)")]
    tables.replace("predictions", scores({"reasons": "b"}), "question = 'q'")
    assert read(tables, "question, reasons", order="1") == [("other", None), ("q", "b")]


def test_an_added_column_may_come_by_append_too(tables, monkeypatch):
    older(tables, monkeypatch, scores({}))
    tables.append("predictions", scores({"user_id": "bo", "reasons": "b"}))
    assert read(tables, "user_id, reasons") == [("ana", None), ("bo", "b")]


def test_only_added_columns_may_be_missing_and_only_in_stored_rows(tables, monkeypatch):
    with pytest.raises(ContractBroken, match="Table predictions: column reasons is missing; found question"):
        tables.replace("predictions", scores({}).drop(columns="reasons"), "1 = 1")
    assert missing_added("predictions", PREDICTIONS) == missing_added("outcomes", []) == {}
    assert missing_added("predictions", []) == {"reasons": "string", "starts_in_days": "int"}
    assert missing_added("decisions", []) == {"repair_count": "bigint"}
    assert missing_added("publications", ["scored", "suppressed", "suppressed_by", "chosen", "quiet"]) == {
        "repair_count": "bigint", "suppress_lists": "string", "hold_out_for": "string",
    }  # fmt: skip
    assert missing_added("audience", ["rank", "percentile", "band", "held_out"]) == {
        "reasons": "string", "starts_in_days": "int", "expected_actions": "double", "effect": "double",
    }  # fmt: skip


LISTED = SCORE | {
    "rank": 1, "decile": 1, "low_evidence": False, "percentile": 1, "band": "average", "expected_actions": 0.25,
    "held_out": False, "effect": 0.125,
}  # fmt: skip


def test_earlier_versions_of_the_lists_can_be_read(tables):
    for question, run in (("q", "r1"), ("other", "r2"), ("q", "r3")):
        rows = pd.DataFrame([LISTED | {"question": question, "run_id": run}])
        tables.replace("audience", rows, f"question = '{question}'")
    oldest, *_, newest = tables.versions()
    assert [tables.at_version(version, "question = 'q'")["run_id"].tolist() for version in tables.versions()] == [
        ["r1"], ["r1"], ["r3"],
    ]  # fmt: skip
    assert tables.at_version(oldest, "question = 'other'").empty
    assert tables.at_version(newest, "question = 'other'")["cutoff"].tolist() == [CUTOFF]
    tables.replace("audience", tables.at_version(oldest, "question = 'q'"), "question = 'q'")
    assert read(tables, "question, run_id", "audience", "1") == [("other", "r2"), ("q", "r1")]


def test_rows_of_another_type_are_refused(tables):
    tables.replace("predictions", scores({}), "1 = 1")
    changed = ROWS.set(3, pa.field("user_id", pa.int64()))
    empty = changed.empty_table()
    rows = tables.map_rows("SELECT * FROM {predictions}", lambda _: empty, changed)
    with pytest.raises(ContractBroken, match="Table predictions: column user_id must be string, found bigint"):
        tables.replace("predictions", rows, "1 = 1")


def test_only_features_may_have_more_columns_and_only_floats(tables):
    more = ROWS.append(pa.field("extra", pa.float32()))
    tables.replace("predictions", scores({}), "1 = 1")
    rows = tables.map_rows("SELECT * FROM {predictions}", lambda _: more.empty_table(), more)
    with pytest.raises(ContractBroken, match=r"predictions: unexpected columns extra\. Migrate or drop the table"):
        tables.replace("predictions", rows, "1 = 1")
    wrong = features_schema(["a"]).append(pa.field("b", pa.float64()))
    rows = tables.map_users("SELECT * FROM {predictions}", lambda _: [wrong.empty_table()], wrong)
    with pytest.raises(ContractBroken, match="Table features: unexpected columns b"):
        tables.replace("features", rows, "1 = 1")


def test_a_sample_is_drawn_alike_by_every_engine(tables):
    users = [f"u{n}" for n in range(12)] + ["ä 日本", "o'neil", "a\\b", ""]
    tables.replace(
        "predictions", scores(*({"user_id": user, "propensity": n} for n, user in enumerate(users))), "1 = 1"
    )
    labelled = "SELECT user_id, cutoff, CASE WHEN propensity < 4 THEN 1 ELSE 0 END AS label FROM {predictions}"
    for key, seed, expected in DRAWN:
        sql = sample_sql(labelled, (1.0, 0.5), key, seed)
        found = tables.query(f"SELECT user_id, weight FROM ({sql}) s ORDER BY weight, user_id")
        assert found["weight"].dtype == float
        assert found["weight"].tolist() == [1.0] * 4 + [2.0] * (len(found) - 4)
        assert set(found["user_id"][4:]) == expected, (key, seed)


@pytest.mark.spark
@pytest.mark.parametrize("schema", ["table", "s" * 120])
def test_a_schema_may_be_called_by_a_reserved_word_or_a_long_name(spark, schema):
    spark.sql(f"CREATE SCHEMA `{schema}`")
    tables = DeltaTables(spark, f"spark_catalog.{schema}")
    for number in range(2):
        tables.replace("audience", pd.DataFrame([LISTED | {"question": "q", "run_id": f"r{number}"}]), "question = 'q'")
    tables.set_property("audience", "note", "it's")
    assert tables.get_property("audience", "note") == "it's"
    assert tables.at_version(tables.versions()[0], "question = 'q'")["run_id"].tolist() == ["r0"]
    tables.delete("audience", "run_id = 'r1'")
    assert tables.query("SELECT * FROM {audience}").empty
    spark.sql(f"DROP SCHEMA `{schema}` CASCADE")


@pytest.mark.spark
def test_a_table_whose_key_may_hold_no_nulls_is_written_as_before(delta_tables):
    name = delta_tables.full_name("features")
    delta_tables.spark.sql(f"CREATE TABLE {name} (user_id STRING NOT NULL, cutoff DATE NOT NULL) USING DELTA")
    delta_tables.replace("predictions", scores({}), "1 = 1")  # rows to be mapped

    def features(*columns):
        schema = features_schema(columns)
        made = pa.table({"user_id": ["ana"], "cutoff": [CUTOFF], **{name: [0.5] for name in columns}}).cast(schema)
        return delta_tables.map_rows("SELECT * FROM {predictions} LIMIT 1", lambda _: made, schema)

    for columns in (("a",), ("a", "b")):
        delta_tables.replace("features", features(*columns), f"cutoff IN (DATE '{CUTOFF}')")
    fields = {field.name: field.nullable for field in delta_tables.spark.table(name).schema}
    assert fields == {"user_id": False, "cutoff": False, "a": True, "b": True}
    assert delta_tables.query("SELECT user_id, b FROM {features}").to_numpy().tolist() == [["ana", 0.5]]


def test_a_user_s_attributes_are_joined_alike(tables):
    known = [Attribute("country", Kind.TEXT, True), Attribute("age", Kind.NUMBER, True),
             Attribute("joined", Kind.DATE, True), Attribute("staff", Kind.FLAG, True)]  # fmt: skip
    day, before = CUTOFF - timedelta(days=1), CUTOFF - timedelta(days=8)
    rows = user_rows([
        ("ana", before, before, "DE", 30.0, WEEK_BEFORE, "true"), ("ana", day, day, "FR", None, WEEK_BEFORE, "false"),
        ("ana", CUTOFF, day, "ES", 31.0, None, None), ("bo", None, None, None, None, None, None),
    ], known)  # fmt: skip
    tables.replace("predictions", scores({}, {"user_id": "bo"}, {"user_id": "cy"}), "question = 'q'")
    made = tables.map_rows("SELECT * FROM {predictions} WHERE user_id = 'bo'", lambda _: rows, rows.schema)
    tables.replace("user_attributes", made, "1 = 1")
    asked = "SELECT user_id, cutoff FROM {predictions}"
    found = tables.query(f"SELECT * FROM ({with_attributes_sql(asked, known, [CUTOFF])}) a ORDER BY user_id")
    told = found.astype(object).where(found.notna(), None).drop(columns="cutoff")
    assert told.values.tolist() == [
        ["ana", "FR", None, 0.0, 7.0, 1.0, "false"], ["bo", None, None, 0.0, None, 0.0, None],
        ["cy", None, None, 0.0, None, 0.0, None],
    ]  # fmt: skip
    held = tables.query(f"{values_sql(known, [CUTOFF, WEEK_BEFORE])} ORDER BY cutoff, user_id")
    assert held[held["user_id"] == "ana"].values.tolist()[0] == ["ana", WEEK_BEFORE, "DE", 30.0, WEEK_BEFORE, True]


@pytest.mark.xdist_group("tests/contract")
def test_spark_and_who_does_without_change_one_table_in_turn(delta_tables, job_home):
    files = FileTables(job_home / "warehouse", f"{delta_tables.schema}.db")
    for run, tables in (("r1", delta_tables), ("r2", files), ("r3", delta_tables)):
        tables.replace(
            "audience", pd.DataFrame([LISTED | {"run_id": run}]), f"question = 'q' AND cutoff = DATE '{CUTOFF}'"
        )
    for tables in (files, delta_tables):
        assert read(tables, "run_id", "audience") == [("r3",)]
        found = [tables.at_version(version, "question = 'q'")["run_id"].tolist() for version in tables.versions()]
        assert found == [["r1"], ["r2"], ["r3"]]
