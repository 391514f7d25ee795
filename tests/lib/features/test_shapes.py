"""Which of our columns a part of a source has: one that came later is lacking, one of a wrong type is not."""

import pytest

from lib.errors import ConfigError, SourceError
from lib.expressions.kinds import MapOf, Struct
from lib.features.shapes import (
    Asked,
    check_may_lack,
    check_type,
    find_asked,
    find_counts,
    find_own_name,
    map_counts,
    map_parts,
    read_condition,
    read_constant,
)

OLD = {"uid": "bigint", "ts": "timestamp", "page": Struct({"title": "string"})}
NEW = {**OLD, "Revenue": "string", "paid": "boolean", "page": Struct({"title": "string", "sku": "string"})}


@pytest.mark.parametrize("theirs", [
    "revenue", "REVENUE", "to_number(revenue)", "to_number(replace(`Revenue`, '$', ''))", "page.sku", "paid",
    "CASE WHEN paid THEN 1 END", "CASE WHEN paid THEN uid END - uid",
])  # fmt: skip
def test_a_column_that_came_later_is_mapped_where_it_is(theirs):
    mapped = {"user_id": "uid", "event_time": "ts", "value": theirs}
    assert map_parts(mapped, [OLD, NEW, OLD]) == [
        {"user_id": "uid", "event_time": "ts"}, mapped, {"user_id": "uid", "event_time": "ts"}
    ]  # fmt: skip


@pytest.mark.parametrize("theirs", [
    "uid", "uid * 2", "page.title", "page", "'9.90'", "1", "page.title.first",  # what cannot serve is refused later
    "turnover", "to_number(turnover)", "page.price",  # what no part has never came
])  # fmt: skip
def test_what_all_parts_have_and_what_none_has_stays_mapped(theirs):
    assert map_parts({"value": theirs}, [OLD, NEW]) == [{"value": theirs}] * 2


def test_what_must_be_there_stays_mapped_everywhere():
    assert map_parts({"event_type": "paid"}, [OLD, NEW]) == [{"event_type": "paid"}] * 2


def test_any_key_of_a_map_is_there():
    assert map_parts({"value": "extra.price"}, [OLD, OLD | {"extra": MapOf("string")}]) == [
        {}, {"value": "extra.price"},
    ]  # fmt: skip


def test_what_is_no_expression_is_refused_whatever_the_parts_have():
    with pytest.raises(ConfigError, match="event_columns: value: cannot read '2' at character 13: an operator, an op"):
        map_parts({"value": "revenue * * 2"}, [OLD, NEW])


def test_a_name_is_found_in_any_capitals_and_never_among_two():
    assert find_own_name(["ID", "id"], [], "id", "a.csv") == "id"
    assert find_own_name(["User"], [], "uSER", "a.csv") == "User"
    assert find_own_name(["User"], [], "users", "a.csv") is None
    with pytest.raises(SourceError, match=r"In a\.csv several columns are called 'ID'\. Give each a name of its own"):
        find_own_name(["ID", "id"], ["id"], "ID", "a.csv")


@pytest.mark.parametrize(("theirs", "text"), [
    ("'buy'", "buy"), ("'it''s'", "it's"), ("''", ""), ("buy", None), ("'a' || 'b'", None), ("'", None),
])  # fmt: skip
def test_a_text_in_quotes_is_a_constant(theirs, text):
    assert read_constant(theirs) == text


def test_a_column_may_lack_where_nobody_named_it():
    check_may_lack(Asked("value", None), OLD, "a.csv", "uid")
    check_may_lack(Asked("value", "price * 2"), OLD, "a.csv", "uid")  # an expression: what reads it says what it lacks
    check_may_lack(Asked("value", "uid - uid"), OLD, "a.csv", "uid")
    for ours, theirs, named in (
        ("user_id", None, "user_id"), ("value", "unit price", "unit price"), ("value", "uid-ts", "uid-ts"),
        ("event_type", "1", "1"),
    ):  # fmt: skip
        with pytest.raises(SourceError, match=f"^The events have no column '{named}' for {ours} in a.csv. Found: uid"):
            check_may_lack(Asked(ours, theirs), OLD, "a.csv", "uid")


def test_of_wide_rows_only_what_is_the_same_for_all_behaviours_is_looked_for():
    wide = {"view": "views"}
    assert [one.ours for one in find_asked({}, {})] == [
        "user_id", "event_time", "event_type", "value", "item_id", "count", "known_at"
    ]  # fmt: skip
    assert [one.ours for one in find_asked({}, wide)] == ["user_id", "event_time", "known_at"]
    assert [one.ours for one in find_asked({"value": "sum"}, wide)] == ["user_id", "event_time", "value", "known_at"]
    message = (
        r"^The events have no column 'views' for count in a.csv\. Found: uid\. Name the right one with event_unpivot, "
        r"like views=their_name\.$"
    )
    with pytest.raises(SourceError, match=message):
        check_may_lack(find_counts(wide)["view"], OLD, "a.csv", "uid")


@pytest.mark.parametrize(("unpivot", "kept"), [
    ({"pay": "paid", "id": "uid"}, [["id"], ["pay", "id"]]),  # a column that came later
    ({"pay": "to_int(Revenue)", "id": "uid"}, [["id"], ["pay", "id"]]),
    ({"pay": "paid"}, [["pay"], ["pay"]]),  # a part with none of them is no such part: it is missed by name
    ({"pay": "payed", "id": "uid"}, [["pay", "id"], ["pay", "id"]]),  # no part has it
])  # fmt: skip
def test_a_behaviour_that_came_later_is_looked_for_where_it_is(unpivot, kept):
    assert [list(one) for one in map_counts(unpivot, [OLD, NEW])] == kept


@pytest.mark.parametrize(("ours", "theirs", "kind", "way"), [
    ("event_time", "ts", "bigint", r"event_columns=event_time=timestamp_seconds\(ts\), or timestamp_millis"),
    ("value", "page", "struct<price:double>", r"Name one of its fields, like value=page\.name"),
    ("value", "paid", "boolean", "Cast it in the warehouse, or map another column or an expression with event_columns"),
])  # fmt: skip
def test_a_type_that_cannot_serve_is_named_with_the_way_out(ours, theirs, kind, way):
    with pytest.raises(SourceError, match=rf"^Column '{theirs}' of .* to serve as {ours}, found {kind}\. .*{way}"):
        check_type(Asked(ours, theirs), kind, kind.partition("<")[0])


def test_a_condition_is_no_other_expression():
    assert read_condition("paid", NEW, "event_where").columns == ("paid",)
    with pytest.raises(ConfigError, match="event_where must be a condition like country = 'DE', got 'uid', a whole nu"):
        read_condition("uid", NEW, "event_where")
