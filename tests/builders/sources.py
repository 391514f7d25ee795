"""Sources as tests have them: a frame that is one, and files opened as the stages open them."""

from functools import reduce

from lib.features.source import Reading, standardise
from lib.sources.opening import open_source
from lib.sources.options import read_options
from lib.sources.part import Part


def standard(frame, names=None, **said):
    """A frame in our shape, as the only part of a source."""
    shown = ", ".join(f"{name} {kind}" for name, kind in frame.dtypes)
    return standardise([Part(frame, name="the frame", shown=shown)], Reading(names or {}, **said))


def opened(spark, events, options=""):
    """All rows of a source with its own columns, whatever their parts."""
    parts = open_source(spark, str(events), read_options(options))
    frames = [part.frame.select(*(f"`{name}`" for name in part.columns)) for part in parts]
    return reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)
