"""Users whom no list may name: in no row, no head, no report and no file, and counted alike everywhere."""

import json
import re
from datetime import datetime, time, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from lib.audience.suppression import digest_user
from lib.config.stages import PublishConfig
from lib.errors import PublishRefused
from lib.stages import publications as publications_rules
from tests.builders.identity_checks import put_identities
from tests.builders.runs import AS_OF, NEXT, asked, two_lists

QUESTION = "buy_7d_cohort28d"
SIDES = ["held out", "not held out", "suppressed"]


@pytest.fixture
def world():
    return two_lists().copy()


@pytest.fixture
def names(world):
    """The best three, the worst, and two held out of the list of NEXT."""
    listed = world.tables.query("SELECT user_id, held_out FROM {audience} ORDER BY rank")
    held = listed.loc[listed["held_out"], "user_id"].tolist()[:2]
    return list(dict.fromkeys([*listed["user_id"].head(3), listed["user_id"].iloc[-1], *held]))


@pytest.fixture
def opt_outs(tmp_path, names):
    file = tmp_path / "opt_outs.csv"
    reasons = ["complaint", *["opt-out"] * (len(names) - 1)]
    pd.DataFrame({"user_id": names, "reason": reasons}).to_csv(file, index=False)
    return file


def publish(world, **changes):
    return world.publish(**{"run_id": "run-2"} | changes)


def last_publication(world):
    return world.tables.query("SELECT * FROM {publications} ORDER BY number DESC").iloc[0]


def test_who_is_left_out_stands_nowhere_and_is_counted_everywhere(world, names, opt_outs, tmp_path):
    scored, before = len(world.rows("predictions", f"cutoff = DATE '{NEXT}'")), world.rows("predictions")
    file, reports = tmp_path / "list.csv", tmp_path / "reports"
    published = publish(world, suppress=opt_outs, export=file, reports=reports)
    page = (reports / QUESTION / f"{NEXT}.html").read_text()
    listed = world.tables.query("SELECT * FROM {audience} ORDER BY rank")
    words = re.compile(rf"\b(?:{'|'.join(names)})\b")
    assert not any(words.search(text) for text in (published.summary, page, file.read_text(), published.rows.to_csv()))
    assert not set(names) & set(listed["user_id"])
    assert listed["rank"].tolist() == list(range(1, scored - len(names) + 1))
    assert listed["expected_actions"].iloc[-1] == pytest.approx(listed["propensity"].sum())
    told = {"opt-out": len(names) - 1, "complaint": 1}
    reasons = f"opt-out {len(names) - 1}, complaint 1"
    assert f"\nLeft out: {len(names)} of {scored} users scored: {reasons}.\n" in published.summary
    assert published.summary.startswith(f"Published: {len(listed)} users as of {NEXT}; ")
    row = last_publication(world)
    assert (row["scored"], row["users"], row["suppressed"]) == (scored, len(listed), len(names))
    assert json.loads(row["suppressed_by"]) == told
    assert json.loads(row["suppress_lists"]) == {str(opt_outs): len(names)}
    text = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert (
        f"{scored} users were scored. {len(names)} are left out, and named nowhere in this report: {reasons}." in text
    )
    assert len(pd.read_csv(file)) == (~listed["held_out"]).sum()
    assert world.rows("predictions").equals(before)
    kept = world.tables.query("SELECT * FROM {suppressions} ORDER BY user_id")
    assert kept["user_id"].tolist() == sorted(names)
    assert set(kept["list"]) == {str(opt_outs)}


def test_nobody_who_is_listed_moves_to_another_side(world, opt_outs, names):
    held = set(world.rows("audience", "held_out")["user_id"]) - set(names)
    publish(world, suppress=opt_outs)
    assert set(world.rows("audience", "held_out")["user_id"]) == held


def test_what_is_measured_keeps_everybody_and_compares_who_was_listed(world, names, opt_outs):
    plain = two_lists().copy()
    publish(world, suppress=opt_outs)
    later = NEXT + (NEXT - AS_OF)
    for one in (world, plain):
        one.run(later, run_id="run-3", **({"suppress": opt_outs} if one is world else {}))
    of_next = f"cutoff = DATE '{NEXT}'"
    ours, theirs = (one.rows("outcomes", of_next).set_index(["part", "metric"]) for one in (world, plain))
    rest = [key for key in theirs.index if key[0] not in SIDES and key[1] != "effect"]
    pd.testing.assert_frame_equal(ours.loc[rest], theirs.loc[rest])
    assert world.differs(plain, ["model_checks", "predictions"]) == []
    users = ours.xs("rate", level="metric")["users"]
    assert users["suppressed"] == len(names)
    scored = last_publication(plain)["scored"]
    assert users[SIDES].sum() == len(plain.rows("predictions", of_next)) == ours.loc[("all", "auc"), "users"]
    assert scored == len(plain.rows("predictions", f"cutoff = DATE '{later}'"))
    kept = world.rows("predictions", of_next).query("user_id not in @names")
    flags = set(plain.tables.at_version(len(plain.tables.earlier) - 2, f"{of_next} AND held_out")["user_id"])
    assert users["held out"] == kept["user_id"].isin(flags).sum()


def test_what_differs_from_the_last_list_is_told_of_users_who_are_listed(world, names, opt_outs):
    publish(world, suppress=opt_outs)
    row = last_publication(world)
    then, now = (
        set(world.rows("predictions", f"cutoff = DATE '{day}'")["user_id"]) - set(names) for day in (AS_OF, NEXT)
    )
    assert (row["entered"], row["left"]) == (len(now - then), len(then - now))


def test_a_list_that_cannot_be_read_or_lost_its_rows_stops_the_publication(world, opt_outs):
    publish(world, suppress=opt_outs)
    before = world.copy()
    opt_outs.write_text("user_id,reason\n")
    with pytest.raises(PublishRefused, match=r"names nobody to leave out, and \d rows when the last list was made\."):
        publish(world, suppress=opt_outs)
    opt_outs.unlink()
    with pytest.raises(PublishRefused, match=r"suppress: .*opt_outs\.csv cannot be read: .* The list stays\."):
        publish(world, suppress=opt_outs)
    with pytest.raises(PublishRefused, match=r"suppress: Table crm\.staff cannot be read: .* The list stays\."):
        publish(world, suppress="crm.staff")
    assert world.differs(before, ["audience", "publications", "suppressions"]) == []
    told = publish(world, suppress="none").summary
    assert f"\nNobody is left out by {opt_outs} any more: it was named for the last list.\n" in told
    assert world.rows("suppressions").empty


def test_a_first_empty_list_and_one_of_strangers_are_said(world, tmp_path):
    (tmp_path / "new.csv").write_text("user_id\n")
    world.tables.elsewhere["crm.staff"] = pa.table({"user_id": ["ana@example.com"]})
    told = publish(world, suppress=f"{tmp_path}/new.csv,crm.staff").summary
    assert (
        f"\n{tmp_path}/new.csv names nobody to leave out yet.\ncrm.staff names 1 users, and none of them was " in told
    )
    assert json.loads(last_publication(world)["suppress_lists"]) == {f"{tmp_path}/new.csv": 0, "crm.staff": 1}


def test_where_nobody_is_left_nothing_is_published(world):
    everybody = world.rows("predictions")["user_id"].unique()
    world.tables.elsewhere["crm.staff"] = pa.table({"user_id": everybody})
    with pytest.raises(PublishRefused, match=r"All \d+ users scored are left out: staff \d+\. Look at the lists that"):
        publish(world, suppress="crm.staff")


def test_a_list_that_is_rolled_back_to_names_nobody_who_is_left_out_by_now(world, names, opt_outs):
    publish(world, suppress=opt_outs)
    first = world.tables.at_version(0, "1 = 1")
    back = publications_rules.rollback(asked(PublishConfig, run_id="back"), world.tables)
    listed = world.rows("audience")
    gone = set(names) & set(first["user_id"])
    assert gone
    assert set(listed["user_id"]) == set(first["user_id"]) - gone
    assert f"\nLeft out: {len(gone)} of {len(first)} users scored: " in back.summary
    row = last_publication(world)
    assert (row["kind"], row["scored"], row["users"], row["suppressed"]) == (
        "rolled_back", len(first), len(listed), len(gone),
    )  # fmt: skip
    held = set(first.loc[first["held_out"], "user_id"]) - gone
    assert set(listed.loc[listed["held_out"], "user_id"]) == held


def test_a_list_that_names_one_id_of_a_user_leaves_the_user_out(world, names, tmp_path):
    """By the id itself or its digest, from the day after it was known to be theirs."""
    day = NEXT - timedelta(days=1)
    joined = {"web1": (names[0], day), "web2": (names[1], day), "web3": (names[2], NEXT)}
    put_identities(world.tables, [
        {"user_id": one, "person": user, "known_time": datetime.combine(known, time()), "known_day": known}
        for one, (user, known) in joined.items()
    ])  # fmt: skip
    file = tmp_path / "opt_outs.csv"
    pd.DataFrame({"user_id": ["web1", digest_user("web2"), "web3"], "reason": ["a", "b", "c"]}).to_csv(
        file, index=False
    )
    publish(world, suppress=file)
    kept = world.tables.query("SELECT user_id, reason FROM {suppressions} ORDER BY reason")
    assert kept.values.tolist() == [[names[0], "a"], [names[1], "b"]]
    assert json.loads(last_publication(world)["suppress_lists"]) == {str(file): 3}
