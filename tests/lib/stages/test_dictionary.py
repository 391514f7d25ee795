"""The dictionary of features where comments are refused: the table is written, the reader is told, the run goes on."""

from types import SimpleNamespace

from pyspark.errors import PySparkException

from lib.stages import dictionary
from tests.builders.runs import AS_OF, World, log


def refuse(_):
    raise PySparkException("[PERMISSION_DENIED] no MODIFY on features\nat some place")


def test_comments_that_are_refused_end_no_run():
    world = World(log())
    world.extract(AS_OF)
    column = SimpleNamespace(name="recency", metadata={})
    world.tables.full_name = lambda name: f"`app`.`{name}`"
    world.tables.spark = SimpleNamespace(table=lambda _: SimpleNamespace(schema=[column]), sql=refuse)
    text = dictionary.write_dictionary(world.tables, ["view", "buy"], with_attributes=False)
    assert text.endswith(
        " columns, each with its meaning and unit, in the table feature_dictionary. "
        "The columns of features could not be given comments: [PERMISSION_DENIED] no MODIFY on features"
    )
    assert len(world.tables.query("SELECT * FROM {feature_dictionary}")) > 30
