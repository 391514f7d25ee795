"""Whom a contact moves: what is read of past lists, and a list in that order."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.audience import uplift as rules
from lib.audience.effect_model import label_by
from lib.audience.uplift import Learnt, Uplift
from lib.config.stages import PublishConfig
from lib.evaluation.measured import Measured
from lib.stages import nearby, publish
from lib.stages.contacting import write_chosen
from lib.stages.exporting import export_list
from lib.stages.uplift import _known_cutoffs, read_uplift
from tests.builders.exports import users_of
from tests.builders.runs import AS_OF, NEXT, activity, ago, asked, row, two_lists

CONFIG = asked(PublishConfig)
SHOWN = Uplift(4, 3, Measured(0.0045, 0.0011, 0.0079), 0)


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(rules, "FEWEST", 5)
    return two_lists().copy()


@pytest.fixture
def learnt(world, monkeypatch):
    """Effects learnt from the first list, as if they had been shown to hold."""
    found = replace(read_uplift(CONFIG, world.tables, NEXT), uplift=SHOWN)
    monkeypatch.setattr(publish, "read_uplift", lambda *_: found)
    return found


def known_rows(world, monkeypatch, as_of=NEXT, config=CONFIG):
    """The rows that are learnt from."""
    seen = []
    monkeypatch.setattr("lib.stages.uplift.learn_uplift", lambda rows, *_: seen.append(rows))
    read_uplift(config, world.tables, as_of)
    return seen[0]


def test_of_a_list_without_a_file_everybody_is_learnt_from_and_those_held_out_are_the_comparison(world, monkeypatch):
    rows = known_rows(world, monkeypatch).set_index("user_id")
    assert set(rows["cutoff"]) == {AS_OF}
    scored = world.tables.query(f"SELECT user_id, propensity FROM {{predictions}} WHERE cutoff = DATE '{AS_OF}'")
    assert rows["propensity"].to_dict() == scored.set_index("user_id")["propensity"].to_dict()
    held = world.tables.at_version(0, "1 = 1").set_index("user_id")["held_out"]
    assert (~rows["treated"]).to_dict() == held.to_dict()
    outcome = world.rows("outcomes", "part = 'held out' AND metric = 'rate'").iloc[0]
    assert rows.loc[~rows["treated"], "label"].sum() == outcome["observed"]
    assert {"recency", "buy__recency"} <= set(rows)
    assert not [name for name in rows if name.startswith("view__")]


def test_of_a_list_with_a_file_those_in_it_are_learnt_from_and_those_beside_it(world, monkeypatch):
    held = world.tables.at_version(0, "1 = 1").set_index("user_id")["held_out"]
    chosen, control = (held[held == side].index[:12].tolist() for side in (False, True))
    write_chosen(
        CONFIG.question, world.tables, AS_OF, asked(PublishConfig, export="list.csv").export, users_of(chosen, control)
    )
    treated = known_rows(world, monkeypatch).set_index("user_id")["treated"]
    assert treated.to_dict() == dict.fromkeys(chosen, True) | dict.fromkeys(control, False)


def test_what_becomes_known_after_a_list_does_not_change_the_labels_that_it_is_judged_by(world, monkeypatch):
    weeks = NEXT + timedelta(days=7)
    before = known_rows(world, monkeypatch, weeks).query("label == 0").groupby("cutoff")["user_id"].first()
    late = [row(before[AS_OF], ago(-1, AS_OF), "buy", known=NEXT), row(before[NEXT], NEXT, "buy", known=NEXT)]
    there = world.tables.arrow("SELECT * FROM {daily_activity}").cast(activity().schema)
    world.tables.replace("daily_activity", pa.concat_tables([there, activity(*late)]), "1 = 1")
    rows = known_rows(world, monkeypatch, weeks).set_index(["cutoff", "user_id"])
    known = label_by(NEXT)
    assert [name for name in rows if name.startswith("label")] == ["label", known]
    assert rows.loc[[(AS_OF, before[AS_OF]), (NEXT, before[NEXT])], "label"].tolist() == [1, 1]
    assert rows.loc[(AS_OF, before[AS_OF]), known] == 0  # of the judged list's own day: it came too late
    first = rows.loc[AS_OF].drop(index=before[AS_OF])
    assert (first[known] == first["label"]).all()
    assert rows.loc[NEXT, known].isna().all()


@pytest.mark.parametrize("kind", ["rolled_back", "undone"])
def test_a_list_that_was_taken_out_of_use_again_tells_of_no_contacts(world, kind):
    lists = world.tables.query("SELECT * FROM {publications} ORDER BY number").to_dict("records")

    def read_cutoffs(*more):
        there = lists + [
            lists[place] | {"run_id": f"more-{number}", "number": number, "kind": what}
            for number, (place, what) in enumerate(more, 3)
        ]
        world.tables.replace("publications", pd.DataFrame(there), "1 = 1")
        return _known_cutoffs(CONFIG, world.tables, NEXT + timedelta(days=7))

    assert read_cutoffs() == [AS_OF, NEXT]
    assert read_cutoffs((0, "recorded"), (0, kind)) == [AS_OF]  # the second list was taken back, for the first
    assert read_cutoffs((0, kind), (1, "published")) == [AS_OF, NEXT]  # and then made anew


def test_before_a_list_is_over_nothing_is_known(world):
    assert read_uplift(CONFIG, world.tables, AS_OF) == Learnt(Uplift(0, 0, None, 2), None, [])


@pytest.mark.parametrize("most", [nearby.MOST_NEAR, 0])
def test_asked_for_and_shown_the_file_follows_estimated_effects_and_ranks_stay(
    world, learnt, tmp_path, monkeypatch, most
):
    monkeypatch.setattr(nearby, "MOST_NEAR", most)
    before = world.tables.query("SELECT user_id, rank, held_out FROM {audience}").set_index("user_id")
    given = {"run_id": "run-2", "export": tmp_path / "list.csv", "export_top": 20, "order": "uplift"}
    told = world.publish(**given).summary
    listed = world.tables.query("SELECT * FROM {audience}").set_index("user_id")
    assert listed[["rank", "held_out"]].sort_index().equals(before.sort_index())
    assert listed["effect"].notna().all()
    assert listed["effect"].nunique() > 1
    ordered = listed.sort_values(["effect", "rank"], ascending=[False, True])
    free = ordered[~ordered["held_out"]]
    file = pd.read_csv(tmp_path / "list.csv")
    assert file["user_id"].tolist() == free.index[:20].tolist()
    np.testing.assert_allclose(file["effect"], free["effect"].head(20))
    place = ordered.index.get_loc(free.index[19])
    control = ordered.iloc[:place]
    beside = pd.read_csv(tmp_path / "list.control.csv")
    assert beside["user_id"].tolist() == control[control["held_out"]].index.tolist()
    assert "\nWhom does a contact move? The file is in that order, as order=uplift asks; rank is that by " in told
    head = told.partition("The ten who may be contacted and whom that is estimated to move most:\n")[2].splitlines()
    assert [line.split()[1] for line in head] == file["user_id"].head(10).tolist()
    by_hand = asked(PublishConfig, export=tmp_path / "again.csv", export_top=20)
    export_list(by_hand, world.tables, None)
    assert pd.read_csv(tmp_path / "again.csv").equals(file)


@pytest.mark.parametrize(("order", "shown"), [("propensity", True), ("uplift", False)])
def test_never_by_itself_and_never_before_it_is_shown(world, learnt, tmp_path, monkeypatch, order, shown):
    if not shown:
        not_yet = replace(learnt, uplift=Uplift(2, 1, Measured(0.0, -0.1, 0.1), 3))
        monkeypatch.setattr(publish, "read_uplift", lambda *_: not_yet)
    told = world.publish(run_id="run-2", export=tmp_path / "list.csv", order=order).summary
    listed = world.tables.query("SELECT * FROM {audience} WHERE NOT held_out ORDER BY rank")
    assert listed["effect"].isna().all()
    assert pd.read_csv(tmp_path / "list.csv")["user_id"].tolist() == listed["user_id"].tolist()
    assert ("order=uplift puts it in use." in told) == shown
    assert ("order=uplift was asked for; the list stays in the order of probability." in told) != shown
