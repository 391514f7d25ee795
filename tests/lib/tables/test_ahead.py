"""Copies of small tables answer what is asked of them alone, as the engine would, until no question has its turn."""

import pandas as pd
import pytest

from lib.tables import ahead
from lib.tables.ahead import Ahead
from lib.tables.contracts import AUDIENCE, MODEL_CHECKS
from lib.tables.memory import MemoryTables
from lib.tables.schemas import to_arrow


def checks(*answers, question="q"):
    rows = [dict.fromkeys(MODEL_CHECKS) | {"question": question, "answer": one} for one in answers]
    return pd.DataFrame(rows, columns=list(MODEL_CHECKS))


class Engine(MemoryTables):
    """Tables read ahead, as Delta's are; what is asked of the engine itself is noted."""

    def __init__(self):
        super().__init__()
        self.asked = []
        self.ahead = Ahead(self.far)

    def far(self, sql):
        self.asked.append(sql)
        return super().arrow(sql)

    def answers(self, sql="SELECT answer FROM {model_checks} WHERE question = 'q' ORDER BY 1"):
        near = self.ahead.answer(sql)
        return [tuple(row.values()) for row in (self.far(sql) if near is None else near).to_pylist()]

    def replace(self, name, rows, where):
        super().replace(name, rows, where)
        self.ahead.replace(name, rows, where)


@pytest.fixture
def engine():
    tables = Engine()
    tables.replace("model_checks", checks("good", "bad"), "question = 'q'")
    return tables


def test_a_table_is_read_once_and_what_is_written_is_seen(engine):
    with engine.ahead.reading():
        assert engine.answers() == [("bad",), ("good",)]
        engine.replace("model_checks", checks("cannot_tell"), "question = 'q'")
        assert engine.answers() == [("cannot_tell",)]
        engine.append("model_checks", checks("good", question="other"))
        assert engine.answers("SELECT question FROM {model_checks} ORDER BY 1") == [("other",), ("q",)]
    assert engine.asked == ["SELECT * FROM {model_checks} LIMIT 50001"]
    assert engine.answers() == [("cannot_tell",)]
    assert len(engine.asked) == 2  # nothing is kept


def test_what_changed_otherwise_is_read_anew(engine):
    with engine.ahead.reading():
        engine.answers()
        engine.stored["model_checks"] = engine.stored["model_checks"].slice(0, 1)
        assert engine.answers() == [("bad",), ("good",)]
        engine.ahead.drop("model_checks")
        assert engine.answers() == [("good",)]


def test_rows_on_the_engine_are_not_brought_to_be_written_here(engine):
    with engine.ahead.reading():
        engine.answers()
        engine.stored["model_checks"] = engine.stored["model_checks"].slice(0, 1)
        engine.ahead.replace("model_checks", object(), "question = 'q'")  # a frame of Spark's
        assert not engine.ahead.has("model_checks")
        assert engine.answers() == [("good",)]


def test_of_a_large_table_and_of_others_the_engine_is_asked(engine, monkeypatch):
    monkeypatch.setattr(ahead, "MOST", 1)
    engine.replace("audience", pd.DataFrame([dict.fromkeys(AUDIENCE)], columns=list(AUDIENCE)), "1 = 1")
    with engine.ahead.reading():
        for _ in range(2):
            assert engine.answers() == [("bad",), ("good",)]
        assert engine.answers("SELECT COUNT(*) AS n FROM {audience}, {model_checks}") == [(2,)]
    assert [sql.split()[1] for sql in engine.asked] == [
        "*",
        "answer",
        "answer",
        "COUNT(*)",
    ]  # the first is one too many


@pytest.mark.parametrize(("bring", "readings"), [(lambda rows: to_arrow("audience", rows), 1), (lambda rows: rows, 2)])
def test_lists_in_use_follow_what_is_written_and_are_read_again_where_its_rows_are_not_here(engine, bring, readings):
    def put(cutoff, question="q"):
        row = dict.fromkeys(AUDIENCE) | {"question": question, "run_id": f"run-{cutoff}"}
        rows = pd.DataFrame([row, row], columns=list(AUDIENCE))
        engine.replace("audience", bring(rows), f"question = '{question}'")

    put(1)
    put(1, "other")
    asked = "SELECT run_id FROM {lists} WHERE question = 'q'"
    everything = "SELECT question, run_id FROM {lists} ORDER BY 1"
    with engine.ahead.reading():
        assert engine.answers(asked) == engine.answers(asked) == [("run-1",)]
        put(2)
        assert engine.answers(asked) == engine.answers(asked) == [("run-2",)]
        assert engine.answers(everything) == [("other", "run-1"), ("q", "run-2")]
    assert engine.asked == ["SELECT * FROM {lists}"] * readings
