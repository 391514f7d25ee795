"""What the dashboard's queries say of made-up tables, of every kind."""

import re
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from lib.tables.contracts import CONTRACTS
from tests.builders.dashboard import BOARD, QUERIES

MAY, JUNE = date(2024, 5, 6), date(2024, 6, 3)
_BLANK = {"double": 0.0, "bigint": 0, "int": 0, "boolean": False, "date": JUNE, "string": ""}


def rows(table, *changes):
    """Rows of a table: what is not given is blank; all are of one question unless told."""
    blank = {name: _BLANK[kind] for name, kind in CONTRACTS[table].items()} | {"question": "q"}
    return pd.DataFrame([blank | change for change in changes])


def listed(user, place, propensity, **own):
    return {
        "user_id": user, "rank": place, "propensity": propensity, "cutoff": JUNE, "prediction_version": "2", **own,
    }  # fmt: skip


def outcome(cutoff, part, metric, measured, **own):
    return {"cutoff": cutoff, "part": part, "metric": metric, "measured": measured, **own}


ALL = {"users": 10, "expected": 4.0, "observed": 5, "word": "good"}
TOP = {"users": 5, "expected": 3.0, "observed": 4, "low": 0.6, "high": 0.9}
MADE = {
    "audience": [
        listed("ana", 1, 0.75, band="far above average", decile=1, expected_actions=0.75, held_out=True, reasons="x"),
        listed("bo", 2, 0.5, band="above average", decile=1, expected_actions=1.25),
        listed("cy", 101, 0.25, band="average", decile=2, expected_actions=1.5),
        listed("di", 1, 0.125, question="r", decile=1, low_evidence=True),
    ],
    "publications": [
        {"number": 1, "cutoff": MAY, "kind": "published", "users": 3, "left": 0},
        {"number": 2, "cutoff": JUNE, "kind": "published", "users": 3, "entered": 2, "left": 1, "jaccard": 0.5},
    ],
    "outcomes": [
        outcome(MAY, "all", "auc", 0.5, **ALL | {"word": "poor"}),
        outcome(JUNE, "all", "auc", 0.75, low=0.7, high=0.8, **ALL),
        outcome(JUNE, "all", "ratio", 0.8, low=0.5, high=1.6, **ALL),
        outcome(JUNE, "decile 1", "rate", 0.8, **TOP),
        outcome(JUNE, "decile 1", "lift", 1.6, **TOP),
        outcome(JUNE, "decile 10", "rate", 0.25, users=4, expected=1.0, observed=1),
        outcome(JUNE, "not held out", "rate", 0.5, users=8, expected=3.0, observed=4),
        outcome(JUNE, "country: ES", "rate", 0.4, users=5, expected=1.5, observed=2),
        outcome(JUNE, "not held out", "effect_chosen", 0.5, users=2, low=0.0, high=1.0),
        outcome(JUNE, "not held out", "effect", 0.25, users=8, expected=3.0, observed=4, low=-0.25, high=0.75),
    ],
    "model_checks": [
        {"run_id": "1", "as_of": JUNE, "metric": "ece", "measured": 0.5, "threshold": 0.05, "answer": "bad"},
        {"run_id": "2", "as_of": JUNE, "metric": "ece", "measured": 0.01, "threshold": 0.05, "low": 0.0, "high": 0.02,
         "answer": "good"},
        {"run_id": "2", "as_of": JUNE, "metric": "age_days", "measured": 7.0, "threshold": None, "low": None,
         "high": None, "answer": "good"},
    ],
    "contacts": [
        {"user_id": "ana", "day": JUNE, "kind": "chosen"}, {"user_id": "bo", "day": JUNE, "kind": "chosen"},
        {"user_id": "cy", "day": JUNE, "kind": "control"}, {"user_id": "ana", "day": JUNE, "kind": "contacted"},
    ],
    "decisions": [{"number": 1, "kind": "promoted", "prediction_version": "1", "why": "First model."}],
    "drift": [
        {"run_id": "1", "as_of": MAY, "feature": "recency", "psi": 0.9, "drifted": True},
        {"run_id": "2", "as_of": JUNE, "feature": "recency", "psi": 0.3, "drifted": True},
        *({"run_id": "2", "as_of": JUNE, "feature": f"f{i:02}", "psi": i / 1000} for i in range(1, 24)),
    ],
}  # fmt: skip


def filled(tables):
    for name, changes in MADE.items():
        tables.append(name, rows(name, *changes))
    return tables


def ask(tables, dataset):
    """The rows of a dataset; bare names of tables, which a workspace finds in the dashboard's schema, are ours."""
    sql = re.sub(r"\b(FROM|JOIN) ([a-z_]+)", r"\1 {\2}", QUERIES[dataset])
    return tables.query(sql)


def told(found, *columns):
    """The values of some columns, row by row."""
    return list(found[list(columns)].itertuples(index=False, name=None))


def one(found, **where):
    """The one row that has these values, as a dict."""
    for name, value in where.items():
        found = found[found[name] == value]
    (row,) = found.to_dict("records")
    return row


@pytest.fixture(scope="module")
def board(module_tables):
    """Answers of every dataset over the made-up tables."""
    filled(module_tables)
    return {name: ask(module_tables, name) for name in QUERIES}


def test_every_query_answers_with_the_fields_that_widgets_show(board):
    for page in BOARD["pages"]:
        for item in page["layout"]:
            for query in (asked["query"] for asked in item["widget"].get("queries", [])):
                columns = set(board[query["datasetName"]].columns)
                shown = {re.sub(r"^(?:SUM|MAX)\((.*)\)$", r"\1", field["expression"]) for field in query["fields"]}
                assert shown <= {f"`{name}`" for name in columns}, (item["widget"]["name"], shown, columns)


def test_every_answer_has_its_question(board):
    assert {name for name, found in board.items() if not set(found["question"]) <= {"q", "r"}} == set()
    second = {name for name, found in board.items() if "r" in set(found["question"])}
    assert second == {"lists", "bands", "deciles", "head"}


def test_the_list_is_summed_up(board):
    summed = "question", "users", "mean_propensity", "expected_actions", "users_held_out", "evidence"
    assert told(board["lists"], *summed) == [
        ("q", 3, 0.5, 1.5, 1, "shown"), ("r", 1, 0.125, 0.125, 0, "low"),
    ]  # fmt: skip
    assert one(board["bands"], band="above average")["expected_actions"] == 0.5
    assert one(board["deciles"], question="q", decile=1)["mean_propensity"] == 0.625
    assert one(board["deciles"], question="q", decile=2)["expected_down_to_here"] == 1.5
    head = board["head"][board["head"]["question"] == "q"]
    assert told(head, "user_id", "held_out") == [("ana", "yes"), ("bo", "no")]  # not the 101st
    assert told(board["publications"], "number", "entered", "went") == [(2, 2, 1), (1, 0, 0)]


def test_outcomes_are_one_row_per_cutoff(board):
    found = board["outcomes_by_cutoff"]
    assert told(found, "cutoff", "word", "users", "expected", "observed", "auc") == [
        (JUNE, "good", 10, 4.0, 5, 0.75), (MAY, "poor", 10, 4.0, 5, 0.5),
    ]  # fmt: skip
    newest = one(found, cutoff=JUNE)
    assert (newest["auc_low"], newest["auc_high"], newest["ratio"], newest["lift_of_decile_1"]) == (0.7, 0.8, 0.8, 1.6)
    assert pd.isna(one(found, cutoff=MAY)["ratio"])  # never measured
    lines = board["expected_and_observed"]
    assert one(lines, cutoff=JUNE, line="q, expected")["actions"] == 4.0
    assert one(lines, cutoff=JUNE, line="q, observed")["actions"] == 5.0
    ends = [one(lines, cutoff=JUNE, line=f"q, observed, 90 % {end}")["actions"] for end in ("from", "to")]
    assert ends == [2.5, 8.0]  # what the interval of the ratio gives it
    auc = board["auc_lines"]
    assert dict(told(auc[auc["cutoff"] == JUNE], "line", "auc")) == {
        "q, AUC": 0.75, "q, 90 % from": 0.7, "q, 90 % to": 0.8,
    }  # fmt: skip
    assert one(board["lift_lines"], line="q, lift")["lift"] == 1.6


def test_parts_are_those_of_the_newest_outcome(board):
    rates = board["expected_and_observed_rates"]
    assert one(rates, decile=1, line="q, expected")["rate"] == 0.6
    assert one(rates, decile=1, line="q, observed")["rate"] == 0.8
    ends = [one(rates, decile=1, line=f"q, observed, 90 % {end}")["rate"] for end in ("from", "to")]
    assert ends == [0.6, 0.9]
    assert one(rates, decile=10, line="q, expected")["rate"] == 0.25
    assert list(board["outcome_parts"]["part"]) == ["decile 1", "not held out", "country: ES", "decile 10"]
    top = one(board["outcome_parts"], part="decile 1")
    assert (top["users"], top["rate"], top["rate_low"], top["rate_high"], top["lift"]) == (5, 0.8, 0.6, 0.9, 1.6)
    asked = one(board["outcome_parts"], part="not held out")
    assert (asked["rate"], asked["effect"], asked["effect_low"], asked["effect_high"]) == (0.5, 0.25, -0.25, 0.75)


def test_the_effect_of_each_list_has_its_interval_as_lines(board):
    listed, file = "q, by who was on the list", "q, by who stood in a file"
    assert dict(told(board["effects"], "line", "effect")) == {
        listed: 0.25, f"{listed}, 90 % from": -0.25, f"{listed}, 90 % to": 0.75,
        file: 0.5, f"{file}, 90 % from": 0.0, f"{file}, 90 % to": 1.0,
    }  # fmt: skip
    assert set(board["effects"]["cutoff"]) == {JUNE}


def test_contacts_are_counted_by_day_and_kind_and_the_control_is_none(board):
    assert told(board["contacts_over_time"], "day", "line", "contacts") == [
        (JUNE, "q, chosen", 2), (JUNE, "q, contacted", 1),
    ]  # fmt: skip


def test_whether_the_job_is_alive_is_told_in_days(board):
    days = (datetime.now(UTC).date() - JUNE).days
    found = one(board["alive"], question="q")
    assert {found["days_since_list"], found["days_since_check"]} <= {days - 1, days, days + 1}


def test_one_question_is_chosen_at_first_by_a_name_that_is_always_there(board):
    for name, found in board.items():
        first = set(found.loc[found["question"] == "q", "choice"])
        assert first == {"the first question"}, name
        assert set(found.loc[found["question"] == "r", "choice"]) <= {"r"}


def test_of_several_runs_of_one_day_the_last_counts(board):
    assert sorted(board["verdicts"]["run_id"]) == ["1", "2"]  # each has its row, whatever the number of its metrics
    assert told(board["metrics"], "metric", "measured") == [("age_days", 7.0), ("ece", 0.01)]
    lines = board["metric_lines"][board["metric_lines"]["metric"] == "ece"]
    assert dict(told(lines, "line", "value")) == {
        "q, measured": 0.01, "q, 90 % from": 0.0, "q, 90 % to": 0.02, "q, threshold": 0.05,
    }  # fmt: skip
    assert list(board["metric_lines"][board["metric_lines"]["metric"] == "age_days"]["line"]) == ["q, measured"]
    assert one(board["decisions"], number=1)["why"] == "First model."


def test_drift_has_its_share_over_time_and_the_highest_features_now(board):
    share = board["drifted_share"]
    assert told(share, "as_of", "features", "drifted", "highest_psi") == [
        (JUNE, 24, 1, 0.3), (MAY, 1, 1, 0.9),
    ]  # fmt: skip
    assert share["drifted_share"].tolist() == [1 / 24, 1.0]
    top = board["drifted_features"]
    assert list(top["feature"])[:2] == ["recency", "f23"]
    assert (len(top), set(top["as_of"]), one(top, feature="recency")["drifted"]) == (20, {JUNE}, "yes")
