"""Days that no clock of the log showed: a look says of them what a run does, and learns nothing from them."""

from datetime import date, timedelta

import pytest

from lib.config.catalogue import defaults
from lib.config.events import Events
from lib.looking.format import format_look
from lib.looking.look import look

FIRST = date(2024, 1, 1)
HEADER = "user_id,event_time,event_type\n"
ROWS = HEADER + "".join(f"u{user},{FIRST + timedelta(n)},view\n" for n in range(150) for user in range(60))


def see(tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    return look(Events.from_widgets((defaults() | {"events": str(tmp_path / "log.csv")}).__getitem__), date(2024, 7, 1))


@pytest.mark.parametrize("odd", ["9999-12-31", "9999-12-30", "2037-01-01", "1970-01-01", "0001-01-01"])
def test_one_odd_day_changes_neither_rates_nor_what_is_enough(tmp_path, odd):
    sound, seen = see(tmp_path, ROWS), see(tmp_path, ROWS + f"u1,{odd},view\n")
    assert seen.measures.kinds[0].rates == sound.measures.kinds[0].rates
    assert set(sound.measures.kinds[0].rates) == {7, 28, 90}
    assert seen.measures.length == 149
    lines = format_look(seen, {})
    assert "Enough to learn from: 149 days, and 100.0% do 'view' within 28 days." in lines
    assert any(line.endswith("the longest gap is 1 days. A blank as_of is 2024-05-29.") for line in lines)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_log_of_one_odd_day_is_looked_at(tmp_path, day):
    lines = format_look(see(tmp_path, HEADER + f"u1,{day},view\n"), {})
    assert any(line.startswith(f"{day} to {day}, 1 days with events") for line in lines)
