"""What a look says of ids and event types that are not what they seem."""

import pytest

from lib.config.catalogue import defaults
from lib.config.events import Events
from lib.looking.format import format_look
from lib.looking.look import look

HEADER = "user_id,event_time,event_type\n"


def lines(tmp_path, *rows):
    (tmp_path / "log.csv").write_text(HEADER + "".join(f"{user},2024-06-01,{kind}\n" for user, kind in rows))
    return format_look(
        look(Events.from_widgets((defaults() | {"events": str(tmp_path / "log.csv")}).__getitem__), None), {}
    )


@pytest.mark.parametrize(("users", "line"), [
    (("007", "7"), "! '7' stands with zeros before it, too: one user under two ids, if a tool took them off"),
    (("0", "00"), "! '0' stands with zeros before it, too: one user under two ids, if a tool took them off"),
    (("7.0", "7"), "! '7.0' stands beside '7': one user under two ids"),
    (("1.23457E+11", "1E+10", "8"),
     "! 2 rows are of ids like '1.23457E+11', as spreadsheets round long numbers: several users may be one"),
    (("nan", "8"), "! 1 rows are of one user 'nan': tools write so that there is none"),
    (("007", "8", "5e10", "0", "E+1", "0x7"), "Nothing odd was seen."),
])  # fmt: skip
def test_ids(tmp_path, users, line):
    assert line in lines(tmp_path, *((user, "view") for user in users))


def test_event_types_that_read_alike(tmp_path):
    rows = [("1", "purchase"), ("2", "Purchase"), ("3", "purchase "), ("4", "view")]
    line = "! 'Purchase' and 'purchase' and 'purchase ' differ in capitals or blanks alone, and count apart"
    assert line in lines(tmp_path, *rows)
