"""The list of forgotten users: what is noted of them, when an entry ends, and what a wrong key is told."""

from datetime import date, timedelta

import pandas as pd
import pytest

from lib.errors import ConfigError, SourceError
from lib.features.forgotten import (
    CHECK,
    KEPT_DAYS,
    ForgottenUsers,
    check_key,
    make_digest,
    read_forgotten,
    write_renewed,
)
from lib.tables.contracts import FORGOTTEN
from lib.tables.memory import MemoryTables

KEY = "k" * 32
TODAY = date(2024, 6, 3)


def ago(days):
    return TODAY - timedelta(days=days)


def listed(**shown):
    """A list by the days before today on which its users were shown."""
    rows = [(make_digest(user, KEY), ago(1000), ago(days)) for user, days in shown.items()]
    return ForgottenUsers(KEY, pd.DataFrame(rows, columns=list(FORGOTTEN)))


def test_a_digest_is_whole_and_of_this_very_id_and_key():
    ids = ["u1", "u10", "U1", " u1", "u1 ", "ü1", ""]
    digests = {make_digest(user, KEY) for user in ids}
    assert len(digests) == len(ids)
    assert {len(bytes.fromhex(digest)) for digest in digests} == {16}
    assert make_digest("u1", KEY) == make_digest("u1", KEY) != make_digest("u1", "l" * 32)


@pytest.mark.parametrize(("key", "size"), [("k" * 31, 31), ("k" * 65, 65), ("ü" * 33, 66)])
def test_what_is_no_key_is_refused_and_not_shown(key, size):
    with pytest.raises(ConfigError, match=f"The secret that forgotten_key names has {size} bytes, and must have 32 to"):
        check_key(key)
    check_key("k" * 32)
    check_key("k" * 64)


def test_an_entry_ends_when_the_whole_source_has_not_shown_its_user_for_so_long():
    before = listed(long=KEPT_DAYS + 1, not_yet=KEPT_DAYS, met=KEPT_DAYS + 1, lately=0)
    after = before.renew(["met", "lately"], TODAY, whole=True)
    assert dict(zip(after.rows["digest"], after.rows["shown_on"], strict=True)) == {
        make_digest("not_yet", KEY): ago(KEPT_DAYS), make_digest("met", KEY): TODAY, make_digest("lately", KEY): TODAY
    }  # fmt: skip
    assert before.has_due(TODAY)
    assert not after.has_due(TODAY)
    assert not before.has_due(ago(1))
    assert not before.has_due(None)


def test_a_part_of_the_source_ends_nothing():
    before = listed(long=KEPT_DAYS + 1, met=5)
    after = before.renew(["met"], TODAY, whole=False)
    assert list(after.rows["shown_on"]) == [ago(KEPT_DAYS + 1), TODAY]


def test_a_run_of_a_past_day_takes_no_day_back():
    before = listed(met=5)
    assert list(before.renew(["met"], ago(9), whole=True).rows["shown_on"]) == [ago(5)]


def test_a_list_is_written_when_something_of_it_changed():
    tables, before = MemoryTables(), listed(met=5, other=3)
    write_renewed(tables, before, before.renew([], TODAY, whole=True))
    write_renewed(tables, ForgottenUsers(), ForgottenUsers().renew([], TODAY, whole=True))
    assert not tables.exists("forgotten")
    write_renewed(tables, before, before.renew(["met"], TODAY, whole=False))
    assert sorted(tables.query("SELECT shown_on FROM {forgotten}")["shown_on"]) == [ago(3), TODAY]


def test_no_run_reads_the_source_without_the_key_of_the_list():
    tables = MemoryTables()
    assert read_forgotten(tables, "shop", "").rows.empty
    tables.append("forgotten", listed(ann=3).rows)
    tables.set_property("forgotten", CHECK, make_digest("", KEY))
    with pytest.raises(
        SourceError, match=r"Users were forgotten in schema shop, and the key of their list is not there:"
    ):
        read_forgotten(tables, "shop", "")
    with pytest.raises(
        SourceError, match="The key is not the one by which the list of users forgotten in schema shop was"
    ):
        read_forgotten(tables, "shop", "l" * 32)
    assert read_forgotten(tables, "shop", KEY).digests == {make_digest("ann", KEY)}
