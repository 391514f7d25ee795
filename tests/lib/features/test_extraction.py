"""Which features a run builds and which it keeps, and what it hands on to the stages after it."""

from datetime import timedelta

import pytest

from lib.config.stages import ExtractConfig
from lib.errors import NotEnoughHistory, SourceError
from lib.features import cache, freshness
from lib.features.extraction import AskedTypes, Extraction, build_missing, read_extraction, read_first_seen
from lib.features.vocabulary import choose_vocabulary, feature_columns
from lib.timeline import Cutoffs
from tests.builders.runs import AS_OF, World, activity, asked, first_seen, log, row

WEEK = timedelta(days=7)
NEEDED = [AS_OF - n * WEEK for n in range(6)]  # as_of, the holdout, four training cutoffs


@pytest.fixture(scope="module")
def extracted():
    world = World(log())
    world.found = world.extract(AS_OF)
    return world


@pytest.fixture
def home(extracted):
    return extracted.copy()


def cutoffs(world):
    return sorted(world.tables.query("SELECT DISTINCT cutoff FROM {features}")["cutoff"], reverse=True)


def test_every_needed_cutoff_is_built_with_every_user_seen_before_it(extracted):
    found, built, width = extracted.found
    assert found == Extraction("buy_7d_cohort28d", Cutoffs(AS_OF, tuple(NEEDED[1:]), tuple(NEEDED[2:])))
    assert cutoffs(extracted) == NEEDED
    table = extracted.tables.stored["daily_activity"]
    assert (built, width) == (6, len(feature_columns(choose_vocabulary(first_seen(table, AS_OF), AS_OF, 24, ["buy"]))))
    users = extracted.tables.query("SELECT cutoff, COUNT(*) AS n FROM {features} GROUP BY cutoff")
    for cutoff, n in users.itertuples(index=False):
        seen = f"SELECT COUNT(DISTINCT user_id) AS n FROM {{daily_activity}} WHERE known_day < DATE '{cutoff}'"
        assert n == extracted.tables.query(seen)["n"].iloc[0]


def test_the_same_day_again_builds_nothing(home):
    assert home.extract(AS_OF)[1] == 0
    assert home.tables.stored["features"].num_rows > 0


def test_the_same_day_again_writes_nothing_and_another_may_tell_what_is_there(home, monkeypatch):
    monkeypatch.setattr(home.tables, "set_property", lambda *_: pytest.fail("it writes a note that is there"))
    told = []

    def find(tables, wanted):
        told.append(list(wanted))
        return set(wanted)

    assert build_missing(asked(ExtractConfig), home.tables, AS_OF, find=find)[1] == 0
    assert told == [NEEDED]


def test_where_the_last_extraction_no_longer_stands_the_table_itself_tells_what_is_there(home):
    cache.drop_features(home.tables, f"cutoff >= DATE '{NEEDED[2]}'")
    found, built, _ = build_missing(asked(ExtractConfig), home.tables, AS_OF, find=lambda *_: pytest.fail("asked"))
    assert built == 3
    assert read_extraction(home.tables, asked(ExtractConfig).question, AS_OF) == found


def test_a_week_later_one_cutoff_is_new(home, extracted):
    before = extracted.rows("features")
    assert home.extract(AS_OF + WEEK)[1] == 1
    assert cutoffs(home) == [AS_OF + WEEK, *NEEDED]
    assert home.rows("features", f"cutoff <= DATE '{AS_OF}'").equals(before)


def test_another_question_on_the_same_action_and_days_builds_nothing(home):
    assert home.extract(AS_OF, horizon_days=7, cohort_days=7)[1] == 0


def test_features_that_were_thrown_away_are_built_again_the_same(home, extracted):
    home.tables.delete("features", f"cutoff >= DATE '{NEEDED[2]}'")
    assert home.extract(AS_OF)[1] == 3
    assert home.differs(extracted, ["features"]) == []


@pytest.mark.parametrize("changed", ["definition", "max_event_types"])
def test_features_that_were_computed_otherwise_are_built_anew(home, monkeypatch, changed):
    if changed == "definition":
        monkeypatch.setattr(cache, "DEFINITION", "another")
        assert home.extract(AS_OF)[1] == 6
        assert home.extract(AS_OF)[1] == 0
    else:
        assert home.extract(AS_OF, max_event_types=1)[1] == 6
        assert home.rows("features")["other__events_all"].sum() > 0


def test_each_cutoff_knows_the_event_types_of_its_own_past():
    old = [row("ana", AS_OF - timedelta(days=n), kind) for n in range(1, 100) for kind in ("view", "buy")]
    world = World(activity(*old, row("ana", NEEDED[2], "new", count=3)))
    world.extract(AS_OF)
    found = world.tables.query("SELECT cutoff, new__events_all FROM {features} ORDER BY cutoff DESC")
    assert found["new__events_all"].tolist() == [3, 3, 0, 0, 0, 0]  # on the day itself it is not known yet


def test_an_action_that_nobody_did_is_refused_before_anything_is_built(home):
    before = home.copy()
    with pytest.raises(
        SourceError, match=r"Nobody has ever done 'bye' before 2024-04-26. Did you mean 'buy'\? Set action"
    ):
        home.extract(AS_OF, action="bye")
    assert home.differs(before, ["features"]) == []


def test_an_action_first_done_on_as_of_was_never_done_before_it():
    rows = [row("ana", AS_OF - timedelta(days=n)) for n in range(1, 200)]
    with pytest.raises(SourceError, match="Nobody has ever done 'new' before 2024-04-26"):
        World(activity(*rows, row("ana", AS_OF, "new"))).extract(AS_OF, action="new")


@pytest.mark.parametrize(
    ("days", "allowed", "behind"),
    [
        ([1], "0", None),  # yesterday
        ([2], "1", None),
        ([2], "0", "1 days are missing, at most 0 are usual"),
        ([0, 2], "0", "1 days are missing"),  # what happens on as_of does not exist yet
        ([13, 10, 4], "", None),  # steps of 3 and 6; 3 days are missing
        ([30, 7], "", None),  # 6 are missing, the longest step was 23
        ([12, 10, 4], "2", "3 days are missing, at most 2 are usual"),
        ([9, 8, 7, 3], "", None),  # 2 missing, 4 at most
        ([9, 8, 7], "", "6 days are missing, at most 1 are usual"),  # a log of every day has stopped
    ],
)
def test_a_source_that_has_stopped_is_stale(days, allowed, behind):
    held = {AS_OF - timedelta(days=n) for n in days}
    usual = asked(ExtractConfig, max_source_gap_days=allowed).max_source_gap_days
    if behind is None:
        freshness.check_not_stale("app.events", usual, held, AS_OF)
    else:
        with pytest.raises(SourceError, match=f"The events end on .* and as_of is 2024-04-26: {behind}"):
            freshness.check_not_stale("app.events", usual, held, AS_OF)


def test_a_source_with_nothing_before_as_of_says_so():
    message = "The events 'app.events' hold nothing before as_of 2024-04-26. Run with a later as_of"
    for held in (set(), {AS_OF}):
        with pytest.raises(SourceError, match=message):
            freshness.check_not_stale("app.events", None, held, AS_OF)


@pytest.mark.parametrize(("days", "enough"), [(42, True), (41, False)])
def test_a_young_action_needs_history_of_its_own(days, enough):
    views = [row("ana", AS_OF - timedelta(days=n)) for n in range(1, 200)]
    world = World(activity(*views, row("ana", AS_OF - timedelta(days=days), "buy")))
    if enough:
        assert world.extract(AS_OF)[0].cutoffs.training == (AS_OF - 2 * WEEK,)
    else:
        start = AS_OF - timedelta(days=days)
        with pytest.raises(
            NotEnoughHistory, match=f"the log starts on {start} and as_of is {AS_OF}, 41 days; .*needs 42"
        ):
            world.extract(AS_OF)


def test_a_stage_finds_what_the_last_extraction_prepared(home):
    question = asked(ExtractConfig).question
    for as_of in (None, AS_OF):
        assert read_extraction(home.tables, question, as_of).cutoffs.all == tuple(NEEDED)
    home.extract(AS_OF + WEEK)
    assert read_extraction(home.tables, question, None).cutoffs.as_of == AS_OF + WEEK
    with pytest.raises(
        NotEnoughHistory, match="as of 2024-05-03, this stage asks for buy_7d_cohort28d as of 2024-04-26"
    ):
        read_extraction(home.tables, question, AS_OF)


def test_several_questions_are_prepared_beside_each_other_where_all_are_known_from_the_start(home):
    asks = [asked(ExtractConfig, action=action) for action in ("buy", "share")]
    run = AskedTypes(read_first_seen(home.tables, AS_OF), ("buy", "share"))
    for config in asks:
        build_missing(config, home.tables, AS_OF, run=run)
    for config in asks:
        assert read_extraction(home.tables, config.question, AS_OF).question == config.question.slug
    assert cutoffs(home) == NEEDED


def test_an_action_that_is_asked_about_first_later_undoes_what_was_prepared_before(home):
    build_missing(asked(ExtractConfig, action="share"), home.tables, AS_OF)
    with pytest.raises(NotEnoughHistory, match=r"was for share_7d_cohort28d .* this stage asks for buy_7d_cohort28d"):
        read_extraction(home.tables, asked(ExtractConfig).question, AS_OF)


def test_a_note_of_an_earlier_version_stands_until_features_are_dropped(home):
    question = asked(ExtractConfig).question
    notes = cache.extraction_notes(home.tables)
    (text,) = notes.values()
    home.tables.set_properties("features", dict.fromkeys(notes, "") | {cache.EXTRACTION: text})
    assert read_extraction(home.tables, question, AS_OF).cutoffs.as_of == AS_OF
    cache.drop_features(home.tables, "1 = 0")
    with pytest.raises(NotEnoughHistory, match="No features have been extracted"):
        read_extraction(home.tables, question, AS_OF)


def test_an_extraction_is_written_down_and_read_back():
    found = Extraction("a_7d_cohort28d", Cutoffs(AS_OF, tuple(NEEDED[1:]), tuple(NEEDED[2:])))
    assert Extraction.from_json(found.to_json()) == found
