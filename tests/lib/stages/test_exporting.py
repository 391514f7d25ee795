"""The files of a list: whom they name, whom they never name, and one made by hand."""

import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lib.audience.contacts import choose_contacts
from lib.audience.ranking import HeldOut
from lib.config.formats import format_names, read_format
from lib.config.stages import PublishConfig
from lib.errors import ConfigError, PublishRefused
from lib.stages.exporting import control_file, export_list, prepare_files
from lib.stages.nearby import hold_near
from lib.tables.memory import MemoryTables
from tests.builders.exports import exported
from tests.builders.ranked import leave_out, rank
from tests.builders.runs import AS_OF, NEXT, asked, two_lists

FORMATS = format_names()


@pytest.fixture
def world():
    return two_lists().copy()


def export(name, **changes):
    """The configuration of a run that writes a file of a format."""
    given = {"export": f"list{read_format(name).ending}", "export_format": name, "export_identifiers": "crm.people"}
    return asked(PublishConfig, **(given | changes))


def people(users):
    """E-mail addresses that tell whose they are."""
    return pa.table({"user_id": users, "email": [f"{user}@example.com" for user in users]})


def names_of(content, name):
    """Everybody whom a file names, by id or address."""
    if name == "parquet":
        content = pd.read_parquet(pa.BufferReader(content)).to_csv().encode()
    return set(re.findall(r"\bu\d+\b", content.decode()))


@pytest.mark.parametrize("name", FORMATS)
def test_who_is_left_out_or_held_out_is_in_no_file_of_any_format(name):
    tables = MemoryTables()
    for seed in range(25):
        rng = np.random.default_rng(seed)
        users = [f"u{n}" for n in rng.permutation(500)[: rng.integers(1, 60)]]
        scores = pd.DataFrame({column: "x" for column in ("question", "action", "run_id", "reasons")}, index=users)
        scores = scores.assign(
            user_id=users,
            propensity=rng.random(len(users)),
            horizon_days=7,
            starts_in_days=0,
            cutoff=NEXT,
            preprocessing_version="1",
            prediction_version="1",
        )
        out, quiet = (set(rng.choice(users, rng.integers(0, len(users)))) for _ in range(2))
        config = export(name, export_top=int(rng.integers(0, 40)), quiet_days_after_contact=1)
        ranked = leave_out(rank(scores, False, HeldOut("q", 0.3, seed)), out)
        held = set(ranked.loc[ranked["held_out"], "user_id"])
        tables.elsewhere["crm.people"] = people(users)
        ranked = ranked.assign(resting=ranked["user_id"].isin(quiet), effect=None)
        (listed,) = hold_near(pa.Table.from_pandas(ranked, preserve_index=False))
        chosen = choose_contacts(ranked, config.contacts)
        files = prepare_files(config.export, tables, chosen, listed)
        rows = {kind: pd.concat(files.read(kind)) for kind in ("chosen", "control")}
        for kind, expected, number in (
            ("chosen", chosen.rows, files.chosen), ("control", chosen.control, files.control),
        ):  # fmt: skip
            named = names_of(exported(rows[kind], read_format(name), {}, "q"), name)
            assert named == (set() if name == "google_customer_match" else set(rows[kind]["user_id"]))  # digests alone
            assert (list(rows[kind]["user_id"]), number) == (list(expected["user_id"]), len(expected))
        assert not set(rows["chosen"]["user_id"]) & (held | out | quiet)
        assert set(rows["control"]["user_id"]) <= held - out - quiet
        if not config.contacts.top:
            assert set(rows["chosen"]["user_id"]) == set(users) - held - out - quiet
            assert set(rows["control"]["user_id"]) == held - out - quiet


@pytest.mark.parametrize("name", ["braze", "klaviyo"])
def test_a_run_writes_both_files_and_counts_them_alike_everywhere(world, tmp_path, name):
    file = tmp_path / f"list{read_format(name).ending}"
    world.tables.elsewhere["crm.opt_outs"] = pa.table({"user_id": world.rows("audience")["user_id"].head(9)})
    told = world.publish(
        run_id="run-2", export=file, export_format=name, export_top=30, suppress="crm.opt_outs"
    ).summary
    listed = world.tables.query("SELECT user_id, held_out FROM {audience} ORDER BY rank")
    free = listed.loc[~listed["held_out"], "user_id"].head(30).tolist()
    assert names_of(file.read_bytes(), name) == set(free)
    above = listed["user_id"].tolist().index(free[-1])
    control = set(listed.loc[listed["held_out"], "user_id"][lambda users: users.index < above])
    assert names_of((tmp_path / control_file(file.name)).read_bytes(), name) == control
    assert f"\nIn the file, {name}: 30 users to contact; beside it, as the comparison, {len(control)} held out" in told
    row = world.tables.query("SELECT * FROM {publications} ORDER BY number DESC").iloc[0]
    assert (row["chosen"], row["scored"]) == (30, row["users"] + row["suppressed"])
    chosen = world.rows("contacts", "kind = 'chosen'")
    assert set(chosen["user_id"]) == set(free)
    assert set(chosen["channel"]) == {name}


def test_who_has_no_identifier_is_counted_and_stands_nowhere(world, tmp_path):
    listed = world.tables.query("SELECT user_id, held_out FROM {audience} ORDER BY rank")
    known = listed["user_id"].iloc[::2].tolist()
    world.tables.elsewhere["crm.people"] = people(known)
    file = tmp_path / "list.csv"
    told = world.publish(
        run_id="run-2", export=file, export_format="google_customer_match", export_identifiers="crm.people"
    ).summary
    free = listed.loc[~listed["held_out"], "user_id"]
    inside = int(free.isin(known).sum())
    assert len(pd.read_csv(file)) == inside == len(world.rows("contacts", "kind = 'chosen'"))
    assert f"\n  {len(free) - inside} more have no email or phone, and are not in it.\n" in told
    held = listed.loc[listed["held_out"], "user_id"].isin(known).sum()
    assert len(pd.read_csv(tmp_path / "list.control.csv")) == held
    stored = " ".join(table.to_pandas().to_csv() for table in world.tables.stored.values())
    assert "@example.com" not in stored + told


def test_a_user_who_stands_twice_among_the_identifiers_is_refused(world, tmp_path):
    world.tables.elsewhere["crm.people"] = people(["u1", "u1"])
    message = "crm.people has 1 rows of users who stand there already. The list stays."
    with pytest.raises(PublishRefused, match=re.escape(message)):
        world.publish(run_id="run-2", export=tmp_path / "list.csv", export_identifiers="crm.people")


@pytest.mark.parametrize(("given", "message"), [
    ({"export_format": "braze"}, "export_format is braze, and export names no file. Name one."),
    ({"export": "a.jsonl"}, "export is a.jsonl: say in export_format what is to load it."),
    ({"export": "a.csv", "export_format": "klaviyo"}, "export_format is klaviyo, whose file ends in .jsonl; got a."),
    ({"export": "a.csv", "export_format": "google_customer_match"}, "export_format is google_customer_match, which "
     "matches users by e-mail or phone alone. Name a table or file with user_id and email or phone in export_ident"),
    ({"export": "a.csv", "export_columns": "rank,score=x"}, "export_columns has 'score', which is no column of audi"),
    ({"export": "a.csv", "export_format": "excel"}, "export_format must be braze or csv or google_customer_match or "),
])  # fmt: skip
def test_a_file_that_nothing_could_load_is_refused_before_anything_starts(given, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        asked(PublishConfig, **given)


def test_a_list_is_exported_by_hand_without_who_opted_out_since(world, tmp_path):
    before = world.copy()
    listed = world.tables.query("SELECT user_id FROM {audience} WHERE NOT held_out ORDER BY rank")["user_id"].tolist()
    (tmp_path / "opt_outs.csv").write_text(f"user_id\n{listed[1]}\n")
    given = {"export": tmp_path / "list.jsonl", "export_format": "klaviyo", "export_top": 3, "run_id": "hand",
             "suppress": tmp_path / "opt_outs.csv"}  # fmt: skip
    told = export_list(asked(PublishConfig, **given), world.tables, None)
    profiles = json.loads((tmp_path / "list.jsonl").read_text())["data"]["attributes"]["profiles"]["data"]
    assert [one["attributes"]["external_id"] for one in profiles] == [listed[0], *listed[2:4]]
    assert told[0].startswith(
        f"The list of {NEXT} for buy within 7 days, users active in the last 28 days, written to "
    )
    assert told[1].startswith("Left out: 1 of ")
    assert world.differs(before, ["audience", "publications"]) == []
    assert set(world.rows("contacts")["cutoff"]) == {NEXT}


def test_an_earlier_list_is_exported_from_its_version(world, tmp_path):
    config = asked(PublishConfig, export=tmp_path / "list.csv", run_id="hand")
    told = export_list(config, world.tables, AS_OF)
    first = world.tables.at_version(0, "NOT held_out").sort_values("rank")["user_id"].tolist()
    assert pd.read_csv(tmp_path / "list.csv")["user_id"].tolist() == first
    assert told[0].startswith(f"The list of {AS_OF} ")
    with pytest.raises(PublishRefused, match=r"No list of 2020-01-01 for buy within 7 days, .* was published, or can "):
        export_list(config, world.tables, AS_OF.replace(year=2020, month=1, day=1))
