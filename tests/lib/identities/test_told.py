"""What a person is told of a table of identities, once the events are there."""

from datetime import date, datetime, time

import pytest

from lib.features.identities import tell_joined
from lib.tables.memory import MemoryTables
from tests.builders.identity_checks import put_identities
from tests.builders.runs import activity, ago, row

DAY = date(2024, 5, 1)


@pytest.mark.parametrize(("ids", "known", "lines"), [
    (["web-ana", "web-bo"], 1, []),
    (["7", "web-bo "], 0, [
        "none of the 2 ids that the identities join to a user, such as '7', has an event; the events have 'ana'. Name "
        "the column of the ids that the events have: identity_columns=id=their_column.",
    ]),
    (["ana"], 0, []),  # one's own id says nothing
])  # fmt: skip
def test_where_no_joined_id_has_an_event_that_is_told(ids, known, lines):
    tables, said = MemoryTables(), []
    assert tell_joined(tables, said.append) == said == []
    tables.replace("daily_activity", activity(row("ana", ago(3)), row("web-ana", ago(9))), "1 = 1")
    put_identities(tables, [
        {"user_id": one, "person": "ana", "known_time": datetime.combine(DAY, time()), "known_day": DAY} for one in ids
    ])  # fmt: skip
    assert tell_joined(tables, said.append) == lines
    assert said == [f"{known} of the {len(set(ids) - {'ana'})} ids that are joined to a user have events"]
