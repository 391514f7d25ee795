"""Who is asked about, by what is known of users beside their events."""

from datetime import date

import pytest

from lib.attributes.columns import Attribute, Kind
from lib.config.catalogue import defaults
from lib.config.question import Question
from lib.config.stages import ExtractConfig
from lib.errors import ConfigError, SourceError
from lib.features import extraction
from lib.features.vocabulary import choose_vocabulary
from lib.labels.cohorts import cohort_sql, sizes_sql
from lib.stages.attributes import check_condition
from lib.tables.memory import MemoryTables
from tests.builders.attributes import put_users
from tests.builders.runs import AS_OF, CUTOFF, World, activity, ago, asked, log, row

ATTRIBUTES = (
    Attribute("country", Kind.TEXT, True), Attribute("age", Kind.NUMBER, True), Attribute("born", Kind.DATE, True),
    Attribute("Is VIP", Kind.FLAG, True),
)  # fmt: skip
USERS = [
    ("ana", None, None, "DE", 30.0, date(1994, 5, 1), "true"),
    ("bo", None, None, "FR", None, date(2001, 1, 1), "false"),
    ("cy", ago(10), None, "ES", 20.0, None, None),
    ("cy", ago(0), None, "DE", 21.0, None, "true"),  # from the cutoff on
    ("di", None, ago(1), "DE", 40.0, date(2000, 12, 31), None),  # known on the day before
    ("eve", None, ago(0), "DE", 40.0, None, "true"),  # known on the cutoff only
]
NAMES = ["ana", "bo", "cy", "di", "eve", "nobody"]  # the last one is in the events alone


@pytest.fixture(scope="module")
def tables():
    made = MemoryTables()
    events = [row(name, ago(days), "view", count=days, value=10.0 * days) for days, name in enumerate(NAMES, 1)]
    made.replace("daily_activity", activity(*events), "1 = 1")
    first_seen = extraction.read_first_seen(made, CUTOFF)
    extraction.write_features(made, {CUTOFF: choose_vocabulary(first_seen, CUTOFF, 24)})
    put_users(made, USERS, ATTRIBUTES)
    return made


def question(where, **texts):
    given = defaults() | {"action": "view", "horizon_days": "7", "cohort_days": "90", "cohort_where": where} | texts
    return Question.from_widgets(given.__getitem__)


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ("country = 'DE'", ["ana", "di"]),
        ("country <> 'DE'", ["bo", "cy"]),
        ("NOT country = 'DE'", ["bo", "cy"]),
        ("country IN ('FR', 'ES') OR country IS NULL", ["bo", "cy", "eve", "nobody"]),
        ("country LIKE '%S'", ["cy"]),
        ("age >= 30", ["ana", "di"]),
        ("age + 10 < 40", ["cy"]),
        ("born < date('2001-01-01')", ["ana", "di"]),
        ("`Is VIP` = TRUE", ["ana"]),
        ("NOT `Is VIP`", ["bo"]),
        ("country = 'DE' AND events('view', 3) > 0", ["ana"]),
        ("events('view') >= 4 AND age > 0", ["di"]),
        ("value('view', 90) = 30", ["cy"]),
    ],
)
def test_attributes_are_those_that_held_and_were_known_before_the_cutoff(tables, where, chosen):
    asked_of = question(where)
    check_condition(asked_of, tables)
    assert tables.query(cohort_sql(asked_of, [CUTOFF]))["user_id"].sort_values().tolist() == chosen
    assert tables.query(sizes_sql(asked_of, [CUTOFF])).iloc[0].to_dict() == {
        "cutoff": CUTOFF, "users": 6, "cohort": len(chosen),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("plan = 'x'", "cohort_where reads 'plan', and the users have country, age, born, Is VIP."),
        (
            "country = 3",
            "cohort_where reads 'country' as a number, and it is a text. Compare it with a text, like 'DE'.",
        ),
        ("age = 'old'", "cohort_where reads 'age' as a text, and it is a number. Compare it with a number, like 30."),
        ("born > 3", "reads 'born' as a number, and it is a date. Compare it with a date, like date('2024-06-01')."),
        ("`Is VIP` = 'true'", "reads 'Is VIP' as a text, and it is a flag. Compare it with a flag, TRUE or FALSE."),
        ("age IS NULL", "cohort_where reads 'age' as a text, and it is a number."),
    ],
)
def test_an_attribute_that_there_is_not_or_of_another_kind_is_named(tables, where, message):
    with pytest.raises(ConfigError) as refused:
        check_condition(question(where), tables)
    assert message in str(refused.value)


def test_without_a_table_of_users_nothing_is_read_of_one():
    given = defaults() | {"events": "e", "schema": "s", "action": "buy", "cohort_where": "country = 'DE'"}
    with pytest.raises(ConfigError) as refused:
        ExtractConfig.from_widgets(given.__getitem__)
    assert str(refused.value) == (
        "cohort_where reads 'country', and users names no table that has it. Name one; what a user did is written with "
        "events, active_days, value, days_since_first, days_since_last, like events('buy', 28) >= 2."
    )


def test_an_event_type_that_nobody_ever_did_is_named():
    world = World(log())
    with pytest.raises(SourceError) as refused:
        world.extract(AS_OF, cohort_where="events('veiw', 28) > 0")
    said = "Nobody has ever done 'veiw' before 2024-04-26. Did you mean 'view'? Set the event types in cohort_where to"
    assert str(refused.value).startswith(said)


def test_an_attribute_that_may_know_the_future_chooses_nobody():
    world = World(log())
    later = f"event_type = 'buy' AND day >= DATE '{ago(7, AS_OF)}'"  # what the holdout's labels say
    buyers = set(world.tables.query(f"SELECT user_id FROM {{daily_activity}} WHERE {later}")["user_id"])
    known = [(f"u{n}", None, None, "true" if f"u{n}" in buyers else "false") for n in range(250)]
    put_users(world.tables, known, (Attribute("is_buyer", Kind.FLAG),))
    given = {"users": "app.members", "cohort_where": "NOT is_buyer OR is_buyer"}
    with pytest.raises(ConfigError) as refused:
        world.extract(AS_OF, **given)
    assert str(refused.value) == (
        "cohort_where reads 'is_buyer', which may know what happened after a cutoff: attribute_checks says why. Give "
        "its rows times (valid_from, known_at), or say trusted_attributes=is_buyer."
    )
    world.extract(AS_OF, **given, trusted_attributes="is_buyer")
    assert asked(ExtractConfig, **given).question.cohort_where.attributes == {"is_buyer": "boolean"}
