"""What a schema need not keep goes after its period, and what later runs may read stays."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.config.keeping import Periods
from lib.config.question import Question
from lib.config.stages import PublishConfig
from lib.features.extraction import Extraction
from lib.features.source_note import BEGAN
from lib.registry.memory import MemoryRegistry
from lib.stages.cleaning import clean_up, find_models, find_reports, find_rows
from lib.stages.context import Context
from lib.stages.earlier_lists import CARRIED
from lib.tables.contracts import CONTRACTS
from lib.tables.memory import MemoryTables
from lib.timeline import Cutoffs
from tests.builders.runs import asked, registered

NEWEST = date(2024, 6, 3)


def periods(**days):
    """Periods of which some are said, by short names; the others are usual."""
    return Periods.from_widgets(lambda name: str(days.get(name.removeprefix("keep_").removesuffix("_days"), "")))


def weeks(number, newest=NEWEST):
    """So many days, a week apart, the newest first."""
    return [newest - timedelta(days=7 * n) for n in range(number)]


@pytest.fixture
def tables():
    return MemoryTables()


def clean(tables, **said):
    """What is told of a schema that is cleaned up."""
    return clean_up([Context(asked(PublishConfig, **said), tables, MemoryRegistry())])


def put(tables, name, **columns):
    tables.stored[name] = pa.table(pd.DataFrame(columns))


def found(tables, what, **days):
    return [(one.name, one.number) for one in find_rows(tables, periods(**days)) if one.what == what]


def remove_all(tables, **days):
    for one in find_rows(tables, periods(**days)):
        one.remove()


def days_of(tables, name, column="cutoff"):
    return set(tables.stored[name][column].to_pylist())


def test_cached_features_go_beyond_the_29_newest_cutoffs_and_their_period(tables):
    days = weeks(80)
    for name in ("features", "named_features"):
        put(tables, name, user_id="u", cutoff=days)
    what = "cutoff of features"
    assert days[58] > NEWEST - timedelta(days=407) > days[59]
    assert found(tables, what, features=407) == [(f"{days[-1]} to {days[59]}", 21)]
    assert found(tables, what, features=406) == [(f"{days[-1]} to {days[59]}", 21)]
    assert found(tables, what, features=405) == [(f"{days[-1]} to {days[58]}", 22)]
    assert found(tables, what, features=1) == [(f"{days[-1]} to {days[29]}", 51)]
    assert found(tables, what, features="none") == []
    remove_all(tables)
    left = {day for day in days if day >= NEWEST - timedelta(days=210)}
    assert days_of(tables, "features") == days_of(tables, "named_features") == left


def test_what_the_last_extraction_prepared_stays_however_old(tables):
    days = weeks(100)
    put(tables, "features", user_id="u", cutoff=days)
    prepared = Extraction("q", Cutoffs(days[0], tuple(days[4:90]), tuple(days[8:90])))
    tables.set_property("features", "extraction.q", prepared.to_json())
    assert found(tables, "cutoff of features", features=1) == [(f"{days[-1]} to {days[90]}", 10)]


def scored(tables, number, outcome_after=45, **more):
    """Weekly scores of a question with a horizon of 14 days, of which outcomes were written so many days after."""
    days = weeks(number)
    for name in ("predictions", "evaluations", "suppressions"):
        put(tables, name, question="q", horizon_days=np.int32(14), user_id="u", cutoff=days, **more)
    put(tables, "outcomes", question="q", cutoff=days, as_of=[day + timedelta(days=outcome_after) for day in days])
    return days


def test_old_scores_go_where_their_outcome_stands_and_nothing_reads_them(tables):
    days = scored(tables, 60)
    put(tables, "audience", question=["q", "other"], cutoff=[days[40], days[41]])
    what = "cutoff of predictions"
    assert found(tables, what, predictions=413) == []  # 59 weeks
    assert found(tables, what) == [(f"q {days[-1]} to {days[31]}", 28)]
    old = {day for n, day in enumerate(days) if n >= 29 and n != 40 and day < NEWEST - timedelta(days=300)}
    assert 0 < len(old) < 30
    assert found(tables, what, predictions=300) == [(f"q {min(old)} to {max(old)}", len(old))]
    remove_all(tables, predictions=300)
    for name in ("predictions", "evaluations", "suppressions"):
        assert days_of(tables, name) == set(days) - old
    assert len(tables.stored["outcomes"]) == 60


@pytest.mark.parametrize(("later", "outcome_after", "gone"), [
    (0, 43, False), (0, 44, True), (7, 50, False), (7, 51, True),  # 14 days of horizon, 30 of late events
])  # fmt: skip
def test_scores_stay_until_their_outcome_is_final(tables, later, outcome_after, gone):
    scored(tables, 40, outcome_after, **({"starts_in_days": np.int32(later)} if later else {}))
    assert bool(found(tables, "cutoff of predictions", predictions=1)) is gone


@pytest.mark.parametrize(("outcome_after", "number"), [(29 * 7 - 31, 1), (29 * 7 - 30, 0)])
def test_scores_stay_whose_outcome_may_be_undone(tables, outcome_after, number):
    days = scored(tables, 30, outcome_after)
    assert found(tables, "cutoff of predictions", predictions=1) == [(f"q {days[-1]}", 1)][:number]


def test_scores_without_an_outcome_stay(tables):
    scored(tables, 40)
    tables.stored["outcomes"] = tables.stored["outcomes"].slice(0, 0)
    assert found(tables, "cutoff of predictions", predictions=1) == []


def test_earlier_lists_go_after_their_period_but_for_the_last_of_each_question(tables):
    rows = [("q", n, NEWEST - timedelta(days=7 * (20 - n))) for n in range(1, 21)] + [("old", 1, date(2020, 1, 6))]
    put(tables, "earlier_lists", **dict(zip(("question", "number", "cutoff"), zip(*rows, strict=True), strict=True)))
    what = "earlier list"
    assert found(tables, what) == []  # versions of the lists have others yet
    tables.set_property("earlier_lists", CARRIED, "yes")
    assert found(tables, what, lists=133) == []
    assert found(tables, what, lists=132) == [("q 2024-01-22", 1)]
    remove_all(tables)
    left = tables.stored["earlier_lists"].to_pandas()
    assert sorted(left[left["question"] == "q"]["number"]) == list(range(8, 21))
    assert len(left) == 14


def test_notes_of_runs_go_after_their_period_but_for_the_last_of_each_question(tables):
    days = weeks(60)
    for name in ("drift", "attribute_checks", "question_runs"):
        put(tables, name, question=["q"] * 60 + ["gone", "gone"], as_of=[*days, date(2020, 1, 6), date(2019, 1, 7)])
    what = "day of question_runs"
    assert found(tables, what) == [("gone 2019-01-07", 1), (f"q {days[-1]} to {days[31]}", 29)]
    assert found(tables, what, notes="none") == []
    remove_all(tables)
    for name in ("drift", "attribute_checks", "question_runs"):
        assert days_of(tables, name, "as_of") == {*days[:31], date(2020, 1, 6)}


def test_all_tables_either_have_a_period_or_are_said_to_stay(tables):
    cleaned = {"features", "named_features", "predictions", "evaluations", "suppressions", "earlier_lists", "drift",
               "attribute_checks", "question_runs"}  # fmt: skip
    staying = {"daily_activity", "named_activity", "outcomes", "decisions", "publications", "model_checks",
               "source_checks", "contacts"}  # fmt: skip
    replaced = {"audience", "profiles", "feature_dictionary", "user_attributes", "identities", "forgotten"}
    assert cleaned | staying | replaced == set(CONTRACTS)


def reports(folder, *names):
    for name in names:
        path = folder / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a list")


def test_reports_go_after_their_period_but_for_the_newest_of_each_question(tmp_path):
    reports(tmp_path, "q/2024-06-03", "q/2023-04-30", "q/2023-04-29", "gone/2020-01-06", "gone/2020-01-13", "q/index")
    assert [one.name for one in find_reports(tmp_path, 400)] == ["gone 2020-01-06", "q 2023-04-29"]
    assert list(find_reports(tmp_path, None)) == list(find_reports(tmp_path / "none", 400)) == []


def test_a_run_cleans_up_by_the_usual_periods_where_the_schema_began_with_them(tables, tmp_path):
    put(tables, "daily_activity", user_id=["u"])
    put(tables, "features", user_id="u", cutoff=weeks(80))
    reports(tmp_path, "q/2024-06-03", "q/2020-01-06")
    nothing = "cleaned up: nothing is older than its period"
    assert clean(tables, reports=tmp_path) == nothing  # a schema of before keeps all
    said = clean(tables, reports=tmp_path, keep_reports_days=1000)
    assert said == "cleaned up: 1 report, 0.0 MB"
    tables.set_property("daily_activity", BEGAN, "usual")
    assert clean(tables, keep_features_days="none") == nothing
    assert clean(tables) == "cleaned up: 49 cutoffs of features"
    assert clean(tables) == nothing


def test_cleaning_up_that_fails_is_a_warning(tables):
    put(tables, "daily_activity", user_id=["u"])
    tables.set_property("daily_activity", BEGAN, "usual")
    put(tables, "features", user_id=["u"])  # without a column of cutoffs
    assert clean(tables).startswith("warning: cleaning up broke off: BinderException: ")


def decided(tables, question, *rows):
    """Decisions: how many weeks ago, of which kind, the version in use from then on, and the challenger's."""
    put(
        tables, "decisions", question=[question.slug] * len(rows), number=range(len(rows)),
        as_of=[NEWEST - timedelta(days=7 * ago) for ago, *_ in rows], kind=[kind for _, kind, *_ in rows],
        prediction_version=[version for *_, version, _ in rows], challenger_version=[other for *_, other in rows],
    )  # fmt: skip


def test_pairs_that_were_never_in_use_go_after_their_period(tables):
    question, registry = Question(actions=("buy",), horizon_days=7, cohort_days=28), MemoryRegistry()
    for ago in (80, 70, 60, 58, 57, 20):
        made = registered(registry, question)
        registry.tags[question.slug, made.prediction_version]["as_of"] = f"{NEWEST - timedelta(days=7 * ago)}"
    registry.promote(question, "1", NEWEST - timedelta(days=560))
    registry.promote(question, "4", NEWEST - timedelta(days=406))
    decided(
        tables, question, (80, "promoted", "1", None), (70, "rejected", "1", "2"), (60, "kept", "3", None),
        (58, "promoted", "4", "4"), (57, "rejected", "4", "5"), (20, "rejected", "4", "6"), (0, "kept", "4", None),
    )  # fmt: skip
    names = [one.name for one in find_models(question, tables, registry, 398)]
    assert names == [f"{question.slug} 5 of {NEWEST - timedelta(days=399)}", f"{question.slug} 2 of 2023-01-30"]
    assert [one.name for one in find_models(question, tables, registry, 399)] == names[1:]
    assert list(find_models(question, tables, registry, None)) == []
    assert list(find_models(question, tables, registry, 490)) == []
    for one in find_models(question, tables, registry, 398):
        one.remove()
    assert [one.prediction_version for one in registry.versions(question)] == ["6", "4", "3", "1"]
    assert list(find_models(question, tables, registry, 398)) == []
    assert registered(registry, question).prediction_version == "7"


def test_of_a_question_that_was_never_decided_no_pair_goes(tables):
    question = Question(actions=("buy",), horizon_days=7, cohort_days=28)
    assert list(find_models(question, tables, MemoryRegistry(), 1)) == []
    decided(tables, Question(actions=("read",), horizon_days=7, cohort_days=28), (80, "rejected", "1", "2"))
    assert list(find_models(question, tables, MemoryRegistry(), 1)) == []


class Killed(BaseException):
    """Nobody handles it: as the end of a process."""


def fill():
    """A schema of which something goes of every kind of rows."""
    tables = MemoryTables()
    put(tables, "daily_activity", user_id=["u"])
    tables.set_property("daily_activity", BEGAN, "usual")
    days = scored(tables, 150)
    for name in ("features", "named_features"):
        put(tables, name, user_id="u", cutoff=days)
    for name in ("drift", "attribute_checks", "question_runs"):
        put(tables, name, question="q", as_of=days)
    put(tables, "earlier_lists", question="q", number=range(150, 0, -1), cutoff=days)
    tables.set_property("earlier_lists", CARRIED, "yes")
    return tables


def rows_left(tables):
    return {name: len(rows) for name, rows in tables.stored.items()}


def test_a_cleaning_that_was_killed_before_any_of_its_writes_is_done_by_the_next_one(monkeypatch):
    whole = fill()
    assert clean(whole).startswith("cleaned up: 119 cutoffs of features, 119 cutoffs of predictions, ")
    deletes = 0
    while True:
        tables, done = fill(), []

        def delete(name, where, tables=tables, done=done, last=deletes):
            if len(done) == last:
                raise Killed
            done.append(name)
            MemoryTables.delete(tables, name, where)

        monkeypatch.setattr(tables, "delete", delete)
        try:
            clean(tables)
        except Killed:
            monkeypatch.undo()
            clean(tables)
            assert rows_left(tables) == rows_left(whole), done
            deletes += 1
            continue
        break
    assert deletes == 9
