"""The table of identities, read whole at each run: which ids are one user's, and since when that is known.

What it says replaces what was read before, in one commit. Features that see it otherwise are dropped first.
"""

from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from lib.config.stages import ExtractConfig
from lib.features import cache, forgotten
from lib.features.columns import OurColumn, Zones, find_column
from lib.features.hints import NULL_TEXTS
from lib.features.shapes import NOTHING, Asked
from lib.features.user_checks import about, check_usable
from lib.identities import resolving
from lib.identities.together import ids_of_sql, without_sql
from lib.progress import Say
from lib.sources.opening import open_source, reading
from lib.sources.part import Part
from lib.tables.delta import DeltaTables
from lib.tables.ids import IDS
from lib.tables.protocol import Tables
from lib.tables.views import JOINED_IDS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

JOINS = "joins_read"
KINDS = {"id": "user_id", "user": "user_id", "known_at": "known_at"}  # the column of events that each is read as
NO_JOIN = f"SELECT * FROM {JOINED_IDS} n WHERE 1 = 0"
MEND = ", or leave them out of the table: each needs an id, a user and a known_at"


@dataclass(frozen=True)
class _Gone:
    """Ids of the table that are of forgotten users."""

    listed: tuple[str, ...] = ()
    new: tuple[str, ...] = ()  # joined to one of them since


def load_identities(config: ExtractConfig, tables: DeltaTables, say: Say = print) -> list[str]:
    """Bring `identities` up to date with the table that says which ids are one user's; says what a person should know.

    Where the parameter names none, nothing is joined any more.

    Raises
    ------
    SourceError
        If it cannot be read, lacks a column, holds values that cannot be used, gives an id two users at one moment, or
        joins ids in a circle; the message names one value as found. Nothing was written then.
    ConfigError
        If an expression cannot be read.
    """
    if not config.identities:
        return _put(tables, NO_JOIN) if tables.exists("identities") else []
    say("looking for what is new in the identities")
    with about("identities", config.identities):
        rows = _read(config, tables)
        with reading(config.identities):
            lines = check_usable(rows, config.max_bad_rows, "identities", MEND)
            rows.where("broken IS NULL").drop("broken", "found").distinct().createOrReplaceTempView(JOINS)
            sql = resolving.resolve(tables, JOINS)
            gone = _find_gone(config, tables, sql)
            if gone.new:
                lines.append(_forget(config, tables, gone))
            if gone.listed:
                tables.lend("gone_ids", pa.table({"user_id": pa.array([*gone.listed, *gone.new], pa.string())}))
                sql = without_sql(sql, "gone_ids")
            return [*lines, *_put(tables, sql)]


def tell_joined(tables: Tables, say: Say) -> list[str]:
    """Say how many of the joined ids have events; a person should know it where none has, as of a wrong column."""
    if not tables.exists("identities"):
        return []
    row = tables.query(
        "SELECT COUNT(*) AS ids, COUNT(a.user_id) AS known, MIN(i.user_id) AS one, MIN(e.user_id) AS theirs FROM "
        "(SELECT DISTINCT user_id FROM {identities} WHERE person <> user_id) i LEFT JOIN "
        "(SELECT DISTINCT user_id FROM {daily_activity}) a ON i.user_id = a.user_id CROSS JOIN "
        "(SELECT MIN(user_id) AS user_id FROM {daily_activity}) e"
    ).iloc[0]
    ids, known = int(row["ids"]), int(row["known"])
    say(f"{known} of the {ids} ids that are joined to a user have events")
    if known or not ids:
        return []
    return [
        f"none of the {ids} ids that the identities join to a user, such as {row['one']!r}, has an event; the events "
        f"have {row['theirs']!r}. Name the column of the ids that the events have: identity_columns=id=their_column."
    ]


def _read(config: ExtractConfig, tables: DeltaTables) -> "DataFrame":
    """The rows of all parts: user_id, person, known_time, known_day, broken, found."""
    zones = Zones(config.time_zone, config.time_zone)
    parts = open_source(tables.spark, config.identities, config.identity_options)
    frames = [_shape(part, {ours: _column(config, part, ours, zones) for ours in KINDS}) for part in parts]
    return reduce(lambda one, other: one.unionByName(other), frames)


def _column(config: ExtractConfig, part: Part, ours: str, zones: Zones) -> OurColumn:
    theirs = config.identity_columns.get(ours, ours)
    column = find_column(part, Asked(KINDS[ours], theirs, "identity_columns", attribute=ours), zones)
    assert column is not None  # it is named, so it is there or was refused
    return column


def _shape(part: Part, given: dict[str, OurColumn]) -> "DataFrame":
    from pyspark.sql import functions as F

    faults = {} if part.row is None else {"row": (F.col(part.row).isNotNull(), F.col(part.row))}
    for ours, column in given.items():
        nobody = F.lower(column.value).isin(*NULL_TEXTS) if ours != "known_at" else F.lit(False)
        fault = column.unreadable | column.value.isNull() | F.coalesce(nobody, F.lit(False))
        faults[ours] = (fault, F.coalesce(column.shown, F.lit(NOTHING)))
    known = given["known_at"].value
    return part.frame.select(
        given["id"].value.alias("user_id"),
        given["user"].value.alias("person"),
        known.alias("known_time"),
        F.to_date(known).alias("known_day"),
        F.coalesce(*(F.when(fault, F.lit(name)) for name, (fault, _) in faults.items())).alias("broken"),
        F.coalesce(*(F.when(fault, shown) for fault, shown in faults.values())).alias("found"),
    )


def _put(tables: DeltaTables, sql: str) -> list[str]:
    """Keep what was read where it is otherwise; features that know it as it was go first."""
    day = tables.query(resolving.first_change_sql(sql, f"SELECT * FROM {JOINED_IDS} j"))["day"].iloc[0]
    if pd.isna(day):
        return []
    lines = []
    where = f"cutoff > DATE '{day}'"
    if tables.exists("features") and tables.query(f"SELECT 1 AS there FROM {{features}} WHERE {where} LIMIT 1").size:
        cache.drop_features(tables, where)
        lines.append(
            f"ids are joined otherwise than before from {day} on: features of later cutoffs are computed anew."
        )
    tables.replace("identities", tables.rows(sql), "1 = 1")
    return lines


def _find_gone(config: ExtractConfig, tables: DeltaTables, sql: str) -> _Gone:
    """The ids of forgotten users, and those that turn out to be theirs."""
    listed = forgotten.read_forgotten(tables, config.schema, config.forgotten_key)
    ids = tables.frame(f"SELECT user_id FROM ({sql}) i UNION SELECT person AS user_id FROM ({sql}) p")
    shown = forgotten.find_shown(ids, None, listed)
    if not shown:
        return _Gone()
    tables.lend("shown_ids", pa.table({"user_id": pa.array(shown, pa.string())}))
    theirs = tables.query(ids_of_sql(sql, "shown_ids"))["user_id"]
    return _Gone(tuple(shown), tuple(sorted(set(theirs) - set(shown))))


def _forget(config: ExtractConfig, tables: DeltaTables, gone: _Gone) -> str:
    """Take ids that turned out to be a forgotten user's out of all tables, and list them: in this order, for a kill."""
    for name, columns in IDS.items():
        if tables.exists(name):
            tables.erase(name, columns, gone.new)
    listed = forgotten.read_forgotten(tables, config.schema, config.forgotten_key)
    today: date = config.run_date or config.as_of or max(listed.rows["shown_on"])
    tables.append("forgotten", forgotten.make_entries(gone.new, listed.key, today))
    return (
        f"{len(gone.new)} ids turned out to be of users who were forgotten: they are listed too, and taken out of all "
        "tables. Forget those users again where reports, files and earlier lists may name these ids."
    )
