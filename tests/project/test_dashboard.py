"""The dashboard's file: every widget shows what its dataset has."""

import re
from collections import Counter

import pytest

from lib.audience.ranking import BANDS
from tests.builders.dashboard import BOARD, QUERIES

ITEMS = [(page["name"], item) for page in BOARD["pages"] for item in page["layout"]]
WIDGETS = [item["widget"] for _, item in ITEMS]
FILTER = "filter-single-select"
VERSIONS = {"counter": 2, "table": 2, "bar": 3, "line": 3, FILTER: 2}


def encoded(node):
    """Every field that a widget draws, wherever it stands in the encodings."""
    if isinstance(node, dict):
        yield from [node["fieldName"]] if "fieldName" in node else []
        node = list(node.values())
    for inner in node if isinstance(node, list) else []:
        yield from encoded(inner)


def test_what_a_widget_draws_is_what_it_asks_for():
    for widget in WIDGETS:
        if "spec" not in widget:
            assert widget["multilineTextboxSpec"]["lines"]
            continue
        spec = widget["spec"]
        assert spec["version"] == VERSIONS[spec["widgetType"]]
        fields = [field for query in widget["queries"] for field in query["query"]["fields"]]
        assert {field["name"] for field in fields} == set(encoded(spec["encodings"])), widget["name"]
        for field in fields:  # as it stands, or summed up over what is chosen
            way, _, column = field["name"].removesuffix(")").rpartition("(")
            assert (way != "") == (spec["widgetType"] == "counter")  # counted over what is chosen
            assert way in ("", "sum", "max")
            assert field["expression"] == (f"{way.upper()}(`{column}`)" if way else f"`{column}`")


def test_names_are_unique_and_every_dataset_is_shown():
    names = Counter([widget["name"] for widget in WIDGETS] + [page["name"] for page in BOARD["pages"]])
    assert max(names.values()) == 1
    drawing = [widget for widget in WIDGETS if widget.get("spec", {}).get("widgetType") not in (None, FILTER)]
    drawn = {query["query"]["datasetName"] for widget in drawing for query in widget["queries"]}
    assert drawn == set(QUERIES)


def test_one_filter_chooses_the_question_everywhere():
    (page,) = (page for page in BOARD["pages"] if page["pageType"] == "PAGE_TYPE_GLOBAL_FILTERS")
    (item,) = page["layout"]
    queries = {query["name"]: query["query"]["datasetName"] for query in item["widget"]["queries"]}
    bound = item["widget"]["spec"]["encodings"]["fields"]
    assert {queries[field["queryName"]] for field in bound} == set(QUERIES)
    assert {field["fieldName"] for field in bound} == {"choice"}
    (first,) = item["widget"]["spec"]["selection"]["defaultSelection"]["values"]["values"]
    assert {name for name, sql in QUERIES.items() if f"THEN '{first['value']}' ELSE" not in sql} == set()


def test_queries_name_no_catalog_or_schema():
    """Both come from the bundle, so that a target's prefix holds."""
    assert [dataset["name"] for dataset in BOARD["datasets"] if {"catalog", "schema"} & dataset.keys()] == []
    read = {name for sql in QUERIES.values() for name in re.findall(r"\b(?:FROM|JOIN)\s+([^\s()]+)", sql)}
    assert read == {"audience", "publications", "outcomes", "model_checks", "decisions", "drift", "contacts"}


@pytest.mark.parametrize("page", BOARD["pages"], ids=lambda page: page["name"])
def test_widgets_lie_side_by_side_on_twelve_columns(page):
    taken = Counter()
    for item in page["layout"]:
        place = item["position"]
        assert place["x"] + place["width"] <= 12
        taken.update((x + place["x"], y + place["y"]) for x in range(place["width"]) for y in range(place["height"]))
    assert max(taken.values()) == 1


def test_bands_stand_in_their_own_order():
    axes = [widget["spec"]["encodings"].get("x", {}) for widget in WIDGETS if "spec" in widget]
    orders = [x["scale"]["sort"]["orderedValues"] for x in axes if x.get("fieldName") == "band"]
    assert orders == [list(BANDS)]
