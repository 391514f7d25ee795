"""The recipe app: what really happens in its log agrees with the probabilities that it claims."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from datasets import recipe_app, synthetic
from datasets.errors import DatasetError

START = date(2024, 1, 1)
DRIFT = 45
MANY = {"seed": 3, "users": 50_000, "days": 65, "drift_day": DRIFT}
FEW = {"seed": 0, "users": 300, "days": 40}


def day(number):
    return START + timedelta(days=number)


def log(**arguments):
    return pa.concat_tables(synthetic.generate(**arguments))


@pytest.fixture(scope="module")
def many():
    return log(**MANY)


def between(events, first, end, *event_types):
    """The events of days [first, end), of the given types or of all."""
    time = events["event_time"]
    inside = pc.and_(pc.greater_equal(time, at(first)), pc.less(time, at(end)))
    if event_types:
        inside = pc.and_(inside, pc.is_in(events["event_type"], pa.array(event_types)))
    return events.filter(inside)


def at(number):
    return pa.scalar(datetime.combine(day(number), datetime.min.time(), UTC), pa.timestamp("us", tz="UTC"))


def per_user(events):
    """{user: number of events}"""
    counts = events["user_id"].value_counts()
    return dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))


def test_the_same_arguments_give_the_same_log_and_another_seed_another():
    assert log(**FEW).equals(log(**FEW))
    assert not log(**FEW).equals(log(**FEW | {"seed": 1}))


def test_a_log_longer_than_one_chunk_has_every_user_once(monkeypatch):
    monkeypatch.setattr(recipe_app, "CHUNK", 100)
    tables = list(synthetic.generate(**FEW | {"users": 250}))
    one, two, three = (set(table["user_id"].to_pylist()) for table in tables)
    assert not (one & two) | (two & three) | (one & three)
    asked = {"action": "cook", "cutoff": day(40), "horizon_days": 7}
    assert synthetic.true_propensity(**FEW | {"users": 250}, **asked)["user_id"].to_pylist() == [
        f"u{number:07d}" for number in range(250)
    ]


def test_rows_keep_the_events_contract(many):
    assert many.schema.equals(synthetic.EVENTS)
    nulls = {
        name: set(pc.unique(many.filter(pc.is_null(many[name]))["event_type"]).to_pylist())
        for name in many.column_names
    }
    assert nulls == {
        "user_id": set(),
        "event_time": set(),
        "event_type": set(),
        "value": {"open", "search", "favorite", "cook", "share"},
        "item_id": {"open", "search"},
    }
    assert set(pc.unique(many["event_type"]).to_pylist()) == set(recipe_app.TYPES)


def test_no_event_lies_outside_the_log_and_its_edges_are_busy(many):
    assert len(between(many, 0, MANY["days"])) == len(many)
    assert len(between(many, 0, 1)) > 10_000
    assert len(between(many, MANY["days"] - 1, MANY["days"])) > 10_000


@pytest.mark.parametrize("action", ["open", "cook", "share", "favorite,share"])
@pytest.mark.parametrize("cutoff", [25, 38, DRIFT])  # before, across and after the drift
def test_what_happens_agrees_with_the_true_propensity(many, action, cutoff):
    """Over all users, and in each tenth of them from the least to the most probable."""
    truth = synthetic.true_propensity(**MANY, action=action, cutoff=day(cutoff), horizon_days=14)
    probability = truth["propensity"].to_numpy()
    actors = between(many, cutoff, cutoff + 14, *action.split(",")).column("user_id").unique()
    acts = pc.is_in(truth["user_id"], actors).to_numpy()

    assert not acts[probability == 0].any()
    for tenth in [slice(None), *np.array_split(np.argsort(probability), 10)]:
        expected, variance = probability[tenth].sum(), (probability[tenth] * (1 - probability[tenth])).sum()
        assert abs(acts[tenth].sum() - expected) <= 4 * np.sqrt(variance)


def test_everybody_who_is_seen_before_the_cutoff_has_a_propensity(many):
    truth = synthetic.true_propensity(**MANY, action="cook", cutoff=day(20), horizon_days=7)
    unseen_yet = pc.is_in(between(many, 0, 20)["user_id"].unique(), truth["user_id"].combine_chunks())
    assert pc.all(unseen_yet).as_py()
    assert pc.min_max(truth["propensity"]).as_py()["max"] < 1
    assert 0 < pc.sum(pc.equal(truth["propensity"], 0.0)).as_py() < len(truth) / 4  # those who have left


def test_no_action_is_every_way_to_stay_quiet_added_up():
    """Two users over three days, all departures spelt out."""
    quiet = np.array([[0.9, 0.8, 0.7], [1.0, 0.5, 1.0]])
    leaving = np.array([0.1, 0.4])
    assert synthetic.no_action(quiet, leaving) == pytest.approx(
        [
            0.9 * 0.1 + 0.9 * 0.9 * 0.8 * 0.1 + 0.9 * 0.9 * 0.8 * 0.9 * 0.7,
            1.0 * 0.4 + 1.0 * 0.6 * 0.5 * 0.4 + 1.0 * 0.6 * 0.5 * 0.6 * 1.0,
        ],
        abs=1e-15,
    )


def test_a_longer_horizon_is_never_less_probable():
    asked = FEW | {"action": "cook", "cutoff": day(30)}
    one, seven, month = (
        synthetic.true_propensity(**asked, horizon_days=days)["propensity"].to_numpy() for days in (1, 7, 28)
    )
    assert (one <= seven).all()
    assert (seven <= month).all()


def test_a_user_arrives_before_the_cutoff_and_is_gone_from_the_day_they_leave():
    [(people, _)] = recipe_app.World(**FEW, start=START, drift_day=None, activity=1.0).population()
    cutoff = int(max(set(people.arrives) & set(people.leaves)))  # somebody arrives on it, somebody is gone
    truth = synthetic.true_propensity(**FEW, action="open", cutoff=day(cutoff), horizon_days=7)
    arrived = people.arrives < cutoff
    assert len(truth) == arrived.sum()
    assert (truth["propensity"].to_numpy() == 0).tolist() == (people.leaves[arrived] <= cutoff).tolist()


@pytest.mark.parametrize(("cutoff", "keenest_viewers_cook"), [(30, "most"), (DRIFT, "least")])
def test_a_drift_turns_the_relation_round(many, cutoff, keenest_viewers_cook):
    """Fifths of the recent users by views per visit, and the share of each that cooks within 15 days."""
    past = between(many, cutoff - 30, cutoff)
    visits, views = (per_user(between(past, 0, cutoff, kind)) for kind in ("open", "view"))
    cooks = per_user(between(many, cutoff, cutoff + 15, "cook"))
    by_views = sorted(visits, key=lambda user: (views.get(user, 0) / visits[user], user))
    shares = [np.mean([user in cooks for user in fifth]) for fifth in np.array_split(by_views, 5)]

    assert shares == sorted(shares, reverse=keenest_viewers_cook == "least")
    assert max(shares) > 3 * min(shares)


def test_a_drift_changes_nothing_before_its_day_and_the_rates_from_it_on():
    calm, drifted, late = (log(seed=0, users=4_000, days=65, drift_day=drift) for drift in (None, DRIFT, 65))
    assert late.equals(calm)
    assert visits(between(drifted, 0, DRIFT)) == visits(between(calm, 0, DRIFT))

    def views_per_visit(events):
        after = between(events, DRIFT, 65)
        return len(between(after, DRIFT, 65, "view")) / len(visits(after))

    assert views_per_visit(drifted) == pytest.approx(recipe_app.DRIFT_VIEWS * views_per_visit(calm), rel=0.03)
    before, after = world(drift_day=DRIFT).demand(np.array([DRIFT - 1, DRIFT]))
    assert (before, after) == pytest.approx(world().demand(np.array([DRIFT - 1, DRIFT])) * [1.0, 0.8])


def visits(events):
    """{(user, day)}"""
    days = events["event_time"].cast(pa.date32()).to_pylist()
    return set(zip(events["user_id"].to_pylist(), days, strict=True))


def world(drift_day=None, activity=1.0):
    return recipe_app.World(seed=0, users=1, days=1, start=START, drift_day=drift_day, activity=activity)


def test_users_arrive_all_the_time_and_leave_for_good():
    events = log(seed=2, users=4_000, days=300)
    first, last = {}, {}
    days = pc.days_between(pa.scalar(START), events["event_time"].cast(pa.date32())).to_pylist()
    for user, number in zip(events["user_id"].to_pylist(), days, strict=True):
        first[user] = min(first.get(user, number), number)
        last[user] = max(last.get(user, number), number)

    newcomers = np.histogram(list(first.values()), bins=4, range=(60, 300))[0]
    assert newcomers.min() > 300  # half of all users, 400 in 60 days, less the noise
    silent = [user for user in first if first[user] < 60 and last[user] < 210]
    assert len(silent) > len(first) / 10


def test_weekends_and_winters_are_busier():
    weekday = np.bincount(pc.day_of_week(log(seed=2, users=4_000, days=70)["event_time"]).to_numpy())
    assert weekday[[5, 6]].min() > 1.15 * weekday[:4].max()
    week = world().demand(np.arange(7))  # the log starts on a Monday
    assert week[5] / week[0] == pytest.approx(1.25 / 0.90, rel=0.01)
    january, july = (world().demand(np.arange(first, first + 28)).mean() for first in (0, 182))
    assert (january, july) == (pytest.approx(1.2, rel=0.02), pytest.approx(0.8, rel=0.02))


def test_activity_multiplies_the_intensity_of_visits():
    assert world(activity=3.0).demand(np.arange(9)) == pytest.approx(3 * world().demand(np.arange(9)))
    assert len(log(**FEW, activity=3.0)) > 1.5 * len(log(**FEW))  # less than 3: a day has one visit at most


def test_the_delta_table_holds_the_log_and_is_written_once(tmp_path):
    table = synthetic.write(tmp_path, **FEW, drift_day=20)
    assert table.name == "recipes-300x40-seed0-activity1-drift20"
    read = DeltaTable(table)
    assert read.version() == 0
    assert (
        pa.table(read.to_pyarrow_table()).sort_by("event_time").equals(log(**FEW, drift_day=20).sort_by("event_time"))
    )

    assert synthetic.write(tmp_path, **FEW, drift_day=20) == table
    assert DeltaTable(table).version() == 0
    assert synthetic.write(tmp_path, **FEW) != table  # other arguments, another table
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"users": 0},
        {"days": 0},
        {"seed": -1},
        {"drift_day": -1},
        {"activity": 0.0},
    ],
)
def test_an_impossible_log_is_refused_before_anything_is_written(tmp_path, wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(DatasetError, match=rf"No such log: .*{name}={value}.*Ask for users and days >= 1"):
        synthetic.write(tmp_path, **FEW | wrong)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"action": "cook,eat"}, r"no event type 'eat'\. Ask for open, search, view, favorite, cook, share"),
        ({"cutoff": date(2023, 12, 31)}, r"from 2023-12-31 on, in a log that starts on 2024-01-01\. Ask for"),
        ({"horizon_days": 0}, r"No propensity over 0 days.*one day or more"),
    ],
)
def test_an_impossible_question_is_refused(wrong, message):
    asked = {"action": "cook", "cutoff": day(30), "horizon_days": 7}
    with pytest.raises(DatasetError, match=message):
        synthetic.true_propensity(**FEW, **asked | wrong)
