"""Parameters: read once from texts, each mistake named."""

from datetime import date

import pytest

from lib.config.bases import ModelConfig, StageConfig
from lib.config.event_kinds import counts, mapping
from lib.config.question import Question
from lib.config.stages import ExtractConfig, PredictConfig, PublishConfig, RetrainConfig, TrainConfig
from lib.config.thresholds import LoadLimits, Thresholds
from lib.errors import ConfigError
from lib.sources.options import Options
from tests.builders.runs import WIDGETS, asked

QUESTION = {"horizon_days": 7, "cohort_days": 28}


def slug(*actions, **changes):
    return Question(actions=actions, **(QUESTION | changes)).slug


def test_extract_features_reads_its_widgets():
    assert asked(ExtractConfig, as_of=" 2024-06-03 ", event_columns="user_id=who", max_source_gap_days=0) == (
        ExtractConfig(
            schema="app", events="app.events", event_columns={"user_id": "who"}, as_of=date(2024, 6, 3),
            question=Question(actions=("buy",), horizon_days=7, cohort_days=28), cadence_days=7, max_cutoffs=4,
            max_event_types=24, max_source_gap_days=0, accept_shrunk=None, event_preset="", event_where="",
            event_options=Options(), event_key=(), event_unpivot={}, more_sources=(), time_zone="UTC", max_bad_rows=0,
            feature_keys="no", forgotten_key="", seed=0, segments=(), users="", user_columns={}, user_options=Options(),
            trusted_attributes=(), identities="", identity_columns={}, identity_options=Options(), run_id="run-1",
            load_limits=LoadLimits(
                min_counted_events=50, max_lost_share=0.05, min_week_share=0.5, min_action_share=0.5,
                min_source_share=0.5, min_known_share=0.5, min_returning_share=0.55, min_likeness_share=0.5,
                max_doubled_share=0.5,
                max_repeated_share=0.75, told_week_share=0.75,
            ),
        )
    )  # fmt: skip


def test_a_key_is_named_and_never_given():
    config = asked(ExtractConfig, forgotten_key="secret(shop/forgotten)")
    assert config.forgotten_key == "secret(shop/forgotten)"
    assert config.with_secrets(lambda scope, key: f"{scope}-{key}").forgotten_key == "shop-forgotten"
    with pytest.raises(ConfigError, match=r"forgotten_key must name a secret, like .*, and never hold one") as refused:
        asked(ExtractConfig, forgotten_key="c0ffee" * 10)
    assert "c0ffee" not in str(refused.value)


def test_retrain_reads_its_widgets():
    assert asked(RetrainConfig) == RetrainConfig(
        schema="app", run_id="run-1", as_of=None, question=Question(actions=("buy",), horizon_days=7, cohort_days=28),
        models="app.propensity", experiment="tests", min_positives=20, seed=0, n_trials=2, optuna_storage="",
        challenger="",
        thresholds=Thresholds(
            min_skill_over_base_rate=0, min_skill_over_naive=0, max_auc_drop=0.03, max_ap_drop=0.1,
            max_calibration_error=0.25, max_ece=0.05, max_drifted_share=0.3, max_unseen_share=0.2, max_age_days=365,
            promote_probability=0.9,
        ),
        max_training_rows=0, search_seconds=0, search_workers=1, search_on="driver",
        objective="log_loss", compute="", evaluations="no", replace_newer=False, segments=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind", [ExtractConfig, StageConfig, ModelConfig, TrainConfig, RetrainConfig, PredictConfig, PublishConfig]
)
def test_no_configuration_can_be_changed(kind):
    with pytest.raises(AttributeError, match="cannot assign to field 'schema'"):
        asked(kind).schema = "other"


@pytest.mark.parametrize(
    ("parameter", "text", "message"),
    [
        ("as_of", "June", "as_of must be a date like 2024-06-01, got 'June'"),
        ("as_of", "2024-02-30", "as_of must be a date like 2024-06-01, got '2024-02-30'"),
        ("horizon_days", "0", "horizon_days must be a whole number >= 1, got '0'"),
        ("horizon_days", "1.5", "horizon_days must be a whole number >= 1, got '1.5'"),
        ("horizon_days", "-7", "horizon_days must be a whole number >= 1, got '-7'"),
        ("horizon_days", "\u0667", "horizon_days must be a whole number >= 1, got '\u0667'"),  # a digit, but not ours
        ("horizon_days", "3651", "horizon_days must be at most 3650, got '3651'"),
        ("cohort_days", "3651", "cohort_days must be at most 3650, got '3651'."),
        ("cadence_days", "9999", "cadence_days must be at most 3650, got '9999'"),
        ("cohort_days", "none", "cohort_days must be a whole number >= 1, got 'none'."),
        ("label_complete_after_days", "-1", "label_complete_after_days must be a whole number >= 0, got '-1'"),
        ("cadence_days", "0", "cadence_days must be a whole number >= 1, got '0'"),
        ("max_cutoffs", "-1", "max_cutoffs must be a whole number >= 0, got '-1'"),
        ("max_event_types", "0", "max_event_types must be a whole number >= 1, got '0'"),
        ("max_source_gap_days", "a week", "max_source_gap_days must be a whole number >= 0, got 'a week'"),
        ("accept_shrunk", "true", "accept_shrunk must be a date like 2024-06-01, got 'true'"),
        ("action", " ", "action is blank. Give the job or the notebook's widget a value for it"),
        ("action", ",", "action names nothing: ','. Give one event type, or several with commas"),
        (
            "schema",
            "a.b.c",
            "schema must be a schema or catalog.schema, without blanks and / .* in a name, got 'a.b.c'",
        ),
        ("schema", "x; DROP", "schema must be a schema or catalog.schema, without blanks .* got 'x; DROP'"),
        ("schema", "a`b.c", "without blanks and / and backticks in a name, got 'a`b.c'"),
        ("schema", f"main.{'x' * 256}", "schema must be a schema or catalog.schema"),
        ("events", "", "events is blank"),
        ("event_columns", "user_id", "event_columns must read like .*; this part does not: 'user_id'"),
        ("event_columns", "user_id=a,=b", "event_columns must read like .*; this part does not: '=b'"),
        (
            "event_unpivot",
            "views,views=b",
            "event_unpivot maps 'views' twice: 'views=views,views=b'. Keep one of them.",
        ),
        ("event_unpivot", "=b", "event_unpivot must read like .*; this part does not: '=b'"),
        ("event_columns", "value=", "event_columns must read like .*; this part does not: 'value='"),
        ("event_columns", "value=a,value=b", "event_columns maps 'value' twice: 'value=a,value=b'. Keep one of them."),
    ],
)
def test_a_bad_parameter_of_the_extraction_is_named(parameter, text, message):
    with pytest.raises(ConfigError, match=message):
        asked(ExtractConfig, **{parameter: text})


@pytest.mark.parametrize(
    ("parameter", "text", "message"),
    [
        ("resolved_as_of", "soon", "resolved_as_of must be a date like 2024-06-01, got 'soon'"),
        ("run_id", "1'; --", r"run_id must be letters, digits, _ . : or -, got \"1'; --\""),
        ("models", "", "models is blank"),
        ("experiment", "", "experiment is blank"),
        ("min_positives", "0", "min_positives must be a whole number >= 1, got '0'"),
        ("seed", "-1", "seed must be a whole number >= 0, got '-1'"),
        ("n_trials", "0", "n_trials must be a whole number >= 1, got '0'"),
        *(
            ("challenger", text, f"challenger must read like runs:/<run>/<name>, .*, got '{text}'. Leave it blank")
            for text in ("mine", "runs:/", "runs:/a/b/c", "models:/a", "models:/a/new", "models:/a@", "models:/a@b@c")
        ),
        ("min_skill_over_base_rate", "-1.01", "min_skill_over_base_rate must be a number from -1 to 1, got '-1.01'"),
        ("min_skill_over_naive", "1.01", "min_skill_over_naive must be a number from -1 to 1, got '1.01'"),
        ("max_auc_drop", "-0.01", "max_auc_drop must be a number from 0 to 1, got '-0.01'"),
        ("max_calibration_error", "10.1", "max_calibration_error must be a number from 0 to 10, got '10.1'"),
        ("max_ece", "nan", "max_ece must be a number from 0 to 1, got 'nan'"),
        ("max_drifted_share", "30 %", "max_drifted_share must be a number from 0 to 1, got '30 %'"),
        ("max_unseen_share", "1.5", "max_unseen_share must be a number from 0 to 1, got '1.5'"),
        ("max_age_days", "inf", "max_age_days must be a number from 0 to 36500, got 'inf'"),
        ("promote_probability", "0.49", "promote_probability must be a number from 0.5 to 1, got '0.49'"),
        ("max_training_rows", "-1", "max_training_rows must be a whole number >= 0, got '-1'"),
        ("search_seconds", "1.5", "search_seconds must be a whole number >= 0, got '1.5'"),
        ("search_workers", "0", "search_workers must be a whole number >= 1, got '0'"),
        ("search_workers", "65", "search_workers must be at most 64, got '65'"),
        ("search_on", "executors", "search_on must be driver or spark, got 'executors'"),
        ("objective", "auc", "objective must be log_loss or average_precision, got 'auc'"),
    ],
)
def test_a_bad_parameter_of_a_later_stage_is_named(parameter, text, message):
    with pytest.raises(ConfigError, match=message):
        asked(RetrainConfig, **{parameter: text})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-1", "reasons must be a whole number >= 0, got '-1'"),
        ("11", "reasons must be at most 10, got '11'"),
    ],
)
def test_a_bad_number_of_reasons_is_named(text, message):
    with pytest.raises(ConfigError, match=message):
        asked(PredictConfig, reasons=text)


def test_none_to_ten_reasons_can_be_asked_for():
    assert [asked(PredictConfig, reasons=n).reasons for n in (0, 10)] == [0, 10]


@pytest.mark.parametrize("export", ["list.xlsx", "csv", "folder/"])
def test_a_list_is_exported_as_csv_or_parquet_only(export):
    with pytest.raises(ConfigError, match=rf"export must end in .csv or .parquet or .jsonl, got '{export}'"):
        asked(PublishConfig, export=export)


@pytest.mark.parametrize(("text", "read"), [("", ""), ("none", ""), (" main.graphs.scores ", "main.graphs.scores")])
def test_a_table_of_scores_is_named(text, read):
    assert asked(RetrainConfig, score_table=text).score_table == read


@pytest.mark.parametrize("text", ["a b", "a.b.c.d", "folder/scores", "a..b", "`a`"])
def test_what_is_no_table_of_scores_is_refused(text):
    message = f"score_table must be a table like catalog.schema.table, without .* in a name, got '{text}'. Leave it bla"
    with pytest.raises(ConfigError, match=message):
        asked(RetrainConfig, score_table=text)


@pytest.mark.parametrize("uri", ["", "runs:/0f3/own", "runs:/0f3", "models:/shop.own/12", "models:/shop.own@best"])
def test_a_challenger_is_an_address_in_mlflow(uri):
    assert asked(RetrainConfig, challenger=f" {uri} ").challenger == uri


def test_the_resolved_day_beats_a_blank_and_a_given_one():
    assert asked(StageConfig, resolved_as_of="2024-06-03").as_of == date(2024, 6, 3)
    assert asked(StageConfig, resolved_as_of="2024-06-03", as_of="2024-01-01").as_of == date(2024, 6, 3)
    assert asked(StageConfig, as_of="2024-01-01").as_of == date(2024, 1, 1)
    assert asked(StageConfig).as_of is None


def test_a_threshold_may_lie_on_either_end_of_its_range():
    for text in ("0.5", " 1 ", "1e0"):
        assert asked(TrainConfig, promote_probability=text).thresholds.promote_probability == float(text)
    assert asked(TrainConfig, min_skill_over_naive=-1, max_age_days=36500).thresholds.max_age_days == 36500


def test_ten_years_are_not_too_long():
    assert asked(StageConfig, horizon_days=3650).question.horizon_days == 3650


def test_a_blank_gap_is_not_a_gap_of_zero():
    assert asked(ExtractConfig).max_source_gap_days is None


def test_what_is_accepted_is_a_day():
    assert asked(ExtractConfig, accept_shrunk=" 2024-06-03 ").accept_shrunk == date(2024, 6, 3)


def test_the_order_and_number_of_named_actions_do_not_matter():
    one = asked(StageConfig, action="view, buy,,view ").question
    assert one.actions == ("buy", "view")
    assert one == asked(StageConfig, action="buy,view").question
    assert one.action == "buy,view"
    assert str(one) == "buy or view within 7 days, users active in the last 28 days"


def test_a_plain_slug_can_be_read():
    assert slug("buy") == "buy_7d_cohort28d"
    assert slug("buy", horizon_days=14, cohort_days=90) == "buy_14d_cohort90d"


def test_everybody_ever_seen_may_be_asked_about():
    everybody = asked(ExtractConfig, cohort_days=" ALL").question
    assert (everybody.cohort_days, everybody.cohort, everybody.slug) == (None, "all", "buy_7d_cohortall")
    assert str(everybody) == "buy within 7 days, all users ever seen"
    assert asked(ExtractConfig, cohort_days=3650).question.slug == "buy_7d_cohort3650d"


def test_a_long_slug_is_cut_and_marked():
    assert slug("x" * 80) == "x" * 80 + "_7d_cohort28d"
    assert slug("x" * 81) == "x" * 80 + "_06f2e33f_7d_cohort28d"


def test_distinct_questions_have_distinct_slugs():
    actions = [
        ("a b",), ("a_b",), ("a-b",), ("A_b",), ("a", "b"), ("a,b",), ("a_or_b",), ("a\nb",), ("ä_b",), ("ö_b",),
        ("日本",), ("本日",), ("x" * 80,), ("x" * 81,), ("x" * 82,), ("", "a"), ("a",),
    ]  # fmt: skip
    spans = [{}, {"horizon_days": 8}, {"cohort_days": 7}, {"horizon_days": 28, "cohort_days": 7}]
    slugs = [slug(*names, **span) for names in actions for span in spans]
    assert len(set(slugs)) == len(slugs)
    assert all(name.isascii() and name.replace("_", "").isalnum() and name == name.lower() for name in slugs)
    assert max(map(len, slugs)) < 120  # a registry takes a prefix and an ending besides


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (" user_id = customer , value=Total Price,", {"user_id": "customer", "value": "Total Price"}),
        ("event_type='purchase'", {"event_type": "'purchase'"}),
        ("value=a=b", {"value": "a=b"}),
    ],
)
def test_a_mapping_is_pairs_with_commas_between(text, pairs):
    assert mapping().read("event_columns", text) == pairs


def test_the_tests_know_every_widget_that_a_configuration_reads():
    read = set()

    def get(name):
        read.add(name)
        return WIDGETS[name]

    for kind in (ExtractConfig, RetrainConfig, PredictConfig, PublishConfig):
        kind.from_widgets(get)
    assert read == set(WIDGETS)


@pytest.mark.parametrize(("text", "read"), [
    ("", {}), ("none", {}), ("views", {"views": "views"}),
    ("view=page_views, fav", {"view": "page_views", "fav": "fav"}),
    ("`add, to`=n", {"add, to": "n"}), ("`a b`", {"a b": "`a b`"}), ("x=coalesce(a, 0)", {"x": "coalesce(a, 0)"}),
])  # fmt: skip
def test_a_column_that_counts_is_an_event_type_by_its_own_name_or_another(text, read):
    assert counts().read("event_unpivot", text) == read


@pytest.mark.parametrize(("unpivot", "columns", "message"), [
    ("views", "event_type=kind", "event_columns maps event_type and event_unpivot names views: the columns of "
                                 "event_unpivot say that. Leave one out."),
    ("views,favs", "value=sum", "event_columns maps value and event_unpivot names views, favs: it would stand for "
                                "every one of them. Leave one out."),
    ("views", "item_id=sku", "event_columns maps item_id and event_unpivot names views: .*"),
    ("views", "count=n", "event_columns maps count and event_unpivot names views: .*"),
])  # fmt: skip
def test_what_wide_rows_say_is_not_said_twice(unpivot, columns, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        asked(ExtractConfig, event_unpivot=unpivot, event_columns=columns)
    assert asked(ExtractConfig, event_unpivot="views", event_columns="value=sum,user_id=u").mapping.unpivot


FORM = r'more_sources must be a JSON list like \[\{"events": "mails\.csv", "event_columns": "user_id=recipient"\}\]'


@pytest.mark.parametrize(("text", "message"), [
    ("[{]", FORM + "; at line 1, column 3: Expecting property name enclosed in double quotes."),
    ("mails.csv", FORM + "; at line 1, column 1: Expecting value."),
    ('{"events": "a"}', FORM + ", got .*"), ('["mails.csv"]', FORM + ", got .*"),
    ('[{"events": "a"}, {"event": "b"}]', "more_sources, source 2 says 'event', which is none of events, .*"),
    ('[{"events": ["a"]}]', r"more_sources, source 1: events must be a text or a number, got \[.a.\]."),
    ('[{"time_zone": "Europe/Berlin"}]', "more_sources, source 1: events is blank.*"),
    ('[{"events": "a", "event_columns": "value"}]', "more_sources, source 1: event_columns must read like .*"),
    ('[{"events": "a", "event_unpivot": "views", "event_columns": "count=n"}]', "more_sources, source 1: .* count .*"),
    ('[{"events": "s3://k:pass@b/x.csv"}]', "more_sources, source 1: events holds a password or a key.*"),
    ('[{"events": "a", "max_source_gap_days": -1}]', "more_sources, source 1: max_source_gap_days must be .*"),
])  # fmt: skip
def test_a_further_source_that_cannot_be_read_is_named_by_its_place(text, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        asked(ExtractConfig, more_sources=text)


def test_further_sources_have_parameters_of_their_own_and_the_log_s_clock():
    text = '[{"events": "mails", "max_source_gap_days": 7}, {"events": "web", "time_zone": "UTC", "event_key": "id"}]'
    config = asked(ExtractConfig, more_sources=text, time_zone="Europe/Berlin", max_source_gap_days=2)
    first, mails, web = config.sources
    assert (first.events, mails.events, web.events) == ("app.events", "mails", "web")
    assert [one.time_zone for one in config.sources] == ["Europe/Berlin", "Europe/Berlin", "UTC"]
    assert [one.max_source_gap_days for one in config.further] == [7, None]
    assert [one.event_key for one in config.sources] == [(), (), ("id",)]
    assert asked(ExtractConfig).sources == (asked(ExtractConfig),)


@pytest.mark.parametrize("schema", ["my-shop.app", "main.select", f"{'c' * 255}.{'s' * 255}", "büro.kauf"])
def test_what_unity_catalog_takes_as_a_name_the_schema_may_be_called(schema):
    assert asked(ExtractConfig, schema=schema).schema == schema


@pytest.mark.parametrize(("text", "read"), [
    ("main.shop.events", "main.shop.events"),
    ("my-shop.app.events", "`my-shop`.app.events"),
    ("`my-shop`.app.events", "`my-shop`.app.events"),
    ("/data/my-events", "/data/my-events"),
    ("my-events.csv", "my-events.csv"),
    ("abfss://c@a.dfs.core.windows.net/my-events", "abfss://c@a.dfs.core.windows.net/my-events"),
])  # fmt: skip
def test_a_table_of_events_gets_the_backticks_that_its_name_needs(text, read):
    assert asked(ExtractConfig, events=text).events == read
