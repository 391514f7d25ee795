"""Files that channels load: each beside its golden file, and the limits that each documents."""

import csv
import dataclasses
import io
import json
import re
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from lib.audience.exports import normalise_email, normalise_phone
from lib.config.formats import format_names, read_format
from lib.errors import PublishRefused
from lib.tables.contracts import AUDIENCE
from tests.builders.exports import exported

GOLDEN = Path(__file__).parent / "golden"
CHANNELS = sorted({*format_names()} - {"csv", "parquet"})
USERS = ["=1+2", 'o"neil, jr', "+49", "zoë"]


def listed(users=USERS, **columns):
    n = len(users)
    rows = pd.DataFrame({
        "question": "buy_7d", "action": "buy", "horizon_days": 7, "user_id": users, "cutoff": date(2024, 6, 3),
        "propensity": np.linspace(0.5, 0.125, n), "preprocessing_version": "1", "prediction_version": "1",
        "starts_in_days": 0,
        "run_id": "run-1", "reasons": None, "rank": range(1, n + 1), "decile": range(1, n + 1), "low_evidence": False,
        "percentile": range(1, n + 1), "band": "average", "expected_actions": 99.0, "held_out": False,
        "effect": None,
    })  # fmt: skip
    return rows.assign(**columns)[list(dict.fromkeys([*AUDIENCE, *columns]))]


def identified():
    return listed(email=["ana@example.com", "", "cy@example.com", ""], phone=["", "+4930123456", "+4930123457", ""])


def made(name, rows=None, columns=None, at_once=None):
    return exported(identified() if rows is None else rows, read_format(name), columns or {}, "buy_7d", at_once)


@pytest.mark.parametrize("name", ["csv", *CHANNELS])
def test_each_format_is_as_its_golden_file(name):
    assert made(name).decode() == (GOLDEN / f"{name}{read_format(name).ending}").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", format_names())
@pytest.mark.parametrize("reasons", ["a", "a\rb"])
def test_a_file_that_is_written_in_parts_is_the_same(name, reasons):
    rows = identified().assign(reasons=[None, None, reasons, None])
    columns = {} if name == "parquet" else {"propensity": "p", "expected_actions": "e", "reasons": "r"}
    at_once, in_parts = made(name, rows, columns), made(name, rows, columns, at_once=1)
    if name == "parquet":
        at_once, in_parts = (pq.read_table(io.BytesIO(content)) for content in (at_once, in_parts))
    assert in_parts == at_once


def test_parquet_keeps_the_types_and_the_ids_as_they_are():
    table = pq.read_table(io.BytesIO(made("parquet", listed())))
    assert {field.name: str(field.type) for field in table.schema} == {
        name: {"bigint": "int64", "int": "int32", "date": "date32[day]", "boolean": "bool"}.get(kind, kind)
        for name, kind in AUDIENCE.items()
    }
    assert table["user_id"].to_pylist() == USERS


@pytest.mark.parametrize("name", format_names())
def test_expected_actions_count_the_rows_of_the_file(name):
    if name == "klaviyo":
        (line,) = made(name, columns={"expected_actions": "sum"}).decode().splitlines()
        profiles = json.loads(line)["data"]["attributes"]["profiles"]["data"]
        sums = [one["attributes"]["properties"]["sum"] for one in profiles]
    else:
        content = io.BytesIO(made(name, columns={"expected_actions": "sum"}))
        sums = (pd.read_parquet if name == "parquet" else pd.read_csv)(content)["sum"].tolist()
    assert sums == pytest.approx(np.cumsum(np.linspace(0.5, 0.125, 4)).tolist())


def read_csv(content):
    """Columns by their names, read by another library than wrote them."""
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_formulas_are_made_harmless_in_csv_and_nowhere_else():
    ids = ["=1", "+1", "-1", "@x", "\tx", "\rx", "plain", "a=b"]
    safe = read_csv(made("csv", listed(ids)))["user_id"]
    assert safe == ["'=1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "plain", "a=b"]
    for name, column in (("braze", "external_id"), ("segment", "user_id"), ("salesforce", "user_id__c")):
        assert read_csv(made(name, listed(ids)))[column] == ids


def test_columns_are_chosen_and_named_and_the_id_stays():
    assert made("csv", listed(["a"]), {"propensity": "score", "decile": "decile"}).decode() == (
        "user_id,score,decile\na,0.5,1\n"
    )
    assert made("braze", listed(["a"]), {"rank": "place"}).decode() == "external_id,place\na,1\n"


def test_a_request_holds_no_more_than_it_may():
    users = [f"u{n}" for n in range(25_001)]
    lines = made("klaviyo", listed(users)).decode().splitlines()
    sizes = [len(json.loads(line)["data"]["attributes"]["profiles"]["data"]) for line in lines]
    assert sizes == [10_000, 10_000, 5_001]
    wide = listed(users[:100], reasons="x" * 90_000)
    lines = made("klaviyo", wide, {"reasons": "why"}).decode().splitlines()
    assert max(map(len, lines)) <= 5_000_000
    names = [
        one["attributes"]["external_id"] for line in lines
        for one in json.loads(line)["data"]["attributes"]["profiles"]["data"]
    ]  # fmt: skip
    assert (len(lines), names) == (2, users[:100])
    with pytest.raises(
        PublishRefused, match=r"A user's row has 100\d\d\d bytes, and Klaviyo, Bulk Import Profiles takes"
    ):
        made("klaviyo", listed(["a"], reasons="x" * 100_000), {"reasons": "why"})


@pytest.mark.parametrize(("name", "limits", "message"), [
    ("segment", {"rows": 3}, "The file has more than 3 rows, and Segment, CSV upload of profiles takes no more. Lower"),
    ("hubspot", {"most_columns": 5}, "The file has 6 columns, and HubSpot, import of contacts takes 5."),
    ("braze", {"megabytes": 1e-5}, "The file has more than 1e-05 MB, and Braze, CSV import of attributes takes no"),
])  # fmt: skip
def test_a_limit_that_is_passed_is_named(name, limits, message):
    with pytest.raises(PublishRefused, match=re.escape(message)):
        exported(identified(), dataclasses.replace(read_format(name), **limits), {}, "buy_7d")


def test_the_limits_are_those_that_the_vendors_document():
    limits = {name: (f.rows, f.most_columns, f.megabytes) for name in CHANNELS if (f := read_format(name))}
    assert limits == {
        "braze": (0, 0, 500), "segment": (1_000_000, 299, 100), "hubspot": (1_048_576, 999, 512),
        "salesforce": (0, 0, 100), "google_customer_match": (0, 0, 0), "klaviyo": (0, 0, 0),
    }  # fmt: skip
    assert all(read_format(name).source and read_format(name).version for name in format_names())


@pytest.mark.parametrize(("name", "columns", "message"), [
    ("segment", {"band": "two  blanks"}, "takes no column 'two  blanks'. Name it otherwise in export_columns."),
    ("salesforce", {"band": "1st"}, "Salesforce, upsert by Bulk API 2.0 takes no column '1st'."),
    ("braze", {"band": "x", "rank": "x"}, "takes no column 'x' twice. Name it otherwise in export_columns."),
])  # fmt: skip
def test_a_name_that_a_channel_does_not_take_is_refused(name, columns, message):
    with pytest.raises(PublishRefused, match=re.escape(message)):
        made(name, columns=columns)


@pytest.mark.parametrize(("text", "email", "phone"), [
    (" Ana@Example.COM ", "ana@example.com", ""), ("no address", "", ""), ("", "", ""),
    ("+49 (30) 123-456", "", "+4930123456"), ("0049 30 123456", "", "+4930123456"), ("030 123456", "", ""),
])  # fmt: skip
def test_identifiers_are_normalised_and_what_is_none_is_blank(text, email, phone):
    assert (normalise_email(text), normalise_phone(text)) == (email, phone)


def test_google_gets_digests_and_nothing_else():
    rows = pd.read_csv(io.BytesIO(made("google_customer_match")), dtype=str, keep_default_na=False)
    assert rows.columns.tolist() == ["Email", "Phone"]
    assert rows["Email"].iloc[0] == sha256(b"ana@example.com").hexdigest()
    assert rows["Phone"].iloc[1] == sha256(b"+4930123456").hexdigest()
