"""Sources as tests have them: a frame that is one, and files opened as the stages open them."""

from functools import reduce

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

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


def write_events(activity, file):
    """The rows of daily_activity as single events in a Parquet file, each with its share of the day's value."""
    days = activity.to_pandas()
    rows = days.loc[days.index.repeat(days["count"])]
    events = pd.DataFrame({
        "user_id": rows["user_id"], "event_time": pd.to_datetime(rows["day"]), "event_type": rows["event_type"],
        "value": rows["value"] / rows["count"], "item_id": rows["items"].str[0],
    })  # fmt: skip
    pq.write_table(pa.Table.from_pandas(events, preserve_index=False), file, coerce_timestamps="us")
    return str(file)
