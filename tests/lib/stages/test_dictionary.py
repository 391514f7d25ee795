"""The dictionary of features where comments are refused: the table is written, the reader is told, the run goes on."""

from pyspark.errors import PySparkException

from lib.stages import dictionary
from tests.builders.runs import AS_OF, World, log


def test_comments_that_are_refused_end_no_run(monkeypatch):
    def refuse(*_):
        raise PySparkException("[PERMISSION_DENIED] no MODIFY on features\nat some place")

    monkeypatch.setattr(dictionary, "write_comments", refuse)
    world = World(log())
    world.extract(AS_OF)
    text = dictionary.write_dictionary(world.tables, ["view", "buy"], with_attributes=False)
    assert text.endswith(
        " columns, each with its meaning and unit, in the table feature_dictionary. "
        "The columns of features could not be given comments: [PERMISSION_DENIED] no MODIFY on features"
    )
    assert len(world.tables.query("SELECT * FROM {feature_dictionary}")) > 30
