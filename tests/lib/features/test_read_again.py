"""Days of an undone load that are to be read again: noted, and asked of a source that must have them yet."""

from datetime import date, timedelta

import pytest

from lib.errors import SourceError
from lib.features.read_again import check_has_again, note_read_again, read_noted_again, without_again
from lib.tables.memory import MemoryTables
from tests.builders.runs import activity, ago, row

AS_OF = ago(-1)
STORED = {(ago(n), ago(n)): 5 for n in (40, 30, 20, 10, 5, 1)} | {(ago(9), ago(12)): 1}


def test_the_first_of_all_that_is_noted_counts():
    tables = MemoryTables()
    assert read_noted_again(tables) is None
    tables.stored["daily_activity"] = activity(row("ana", 1))
    assert read_noted_again(tables) is None
    assert note_read_again(tables, ago(10)) == ago(10)
    assert note_read_again(tables, ago(5)) == ago(10)
    assert note_read_again(tables, date.min) == date.min
    assert read_noted_again(tables) == date.min


def test_what_became_known_before_stays_as_it_is_stored():
    assert without_again(STORED, None) == STORED
    left = {(ago(n), ago(n)): 5 for n in (40, 30, 20)}
    assert without_again(STORED, ago(10)) == left
    assert without_again(STORED, ago(10) + timedelta(days=1)) == left | {(ago(10), ago(10)): 5}
    assert without_again(STORED, date.min) == {}


@pytest.mark.parametrize(("first", "begins"), [
    (ago(10), ago(11)), (ago(10), ago(40)), (ago(9), ago(10)), (date.min, ago(40)), (date.min, ago(99)), (ago(0), None),
])  # fmt: skip
def test_a_source_that_begins_before_these_days_or_where_the_log_does_is_read(first, begins):
    check_has_again("app.events", STORED, first, begins, AS_OF)


@pytest.mark.parametrize(("first", "begins", "needed", "said"), [
    (ago(10), ago(10), ago(10), f"begin on {ago(10)} by now"),  # that day may be there in part
    (ago(15), ago(10), ago(10), f"begin on {ago(10)} by now"),
    (date.min, ago(39), ago(40), f"begin on {ago(39)} by now"),
    (ago(10), None, ago(10), "hold nothing"),
])  # fmt: skip
def test_a_source_that_has_lost_them_is_refused(first, begins, needed, said):
    with pytest.raises(SourceError) as refused:
        check_has_again("app.events", STORED, first, begins, AS_OF)
    assert str(refused.value) == (
        f"A load was undone, and the days from {needed} on have to be read again, whole. The events 'app.events' "
        f"{said}. "
        "Nothing was changed. Bring the older events back, or drop daily_activity and features, so that all begins "
        "with what is left: see Starting over in docs/operations.md."
    )
