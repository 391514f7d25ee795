"""The table of users, read whole at each run: who holds which attribute, from when on, and since when it is known.

It is small beside the events, and what was corrected in it counts: so it replaces what was read before, in one commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from lib.attributes.columns import NOTE, TABLE, Attribute, Kind, UsersNote, read_note
from lib.config.stages import ExtractConfig
from lib.config.users import OURS
from lib.errors import ConfigError, SourceError
from lib.expressions.expression import parse
from lib.features import forgotten
from lib.features.columns import OurColumn, Zones, find_column
from lib.features.shapes import NOTHING, NUMBERS, TIMES, TYPE_OF, Asked, find_own_name, read_constant
from lib.features.user_checks import about, check_unique, check_usable
from lib.sources.opening import open_source, reading
from lib.sources.part import Part
from lib.tables.delta import DeltaTables

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MOST = 100  # attributes: whoever has more should name those that matter
MEND = ", or name the column as an expression that makes null of them, like user_columns=age=to_number(age)"
READ_AS = {Kind.TEXT: "item_id", Kind.NUMBER: "value", Kind.DATE: "known_at"}  # the column of events read alike


@dataclass(frozen=True)
class Loaded:
    """What was read of a table of users."""

    note: UsersNote
    lines: tuple[str, ...] = ()  # what a person should know of it


def load_users(config: ExtractConfig, tables: DeltaTables) -> Loaded:
    """Replace `user_attributes` by what the table of users holds now.

    Raises
    ------
    SourceError
        If it cannot be read, lacks a column that is named, names a user twice for one moment, or holds values that
        cannot be used; the message names the column and one value. Nothing was written then.
    ConfigError
        If an expression cannot be read, or a column is no attribute.
    """
    with about("users", config.users):
        parts = open_source(tables.spark, config.users, config.user_options)
        zones = Zones(config.time_zone, config.time_zone)
        theirs = [_find_theirs(config.user_columns, part) for part in parts]
        kinds, passed_over = _choose_kinds(parts, theirs, read_note(tables), zones)
        frames = [_shape(part, own, config.user_columns, kinds, zones) for part, own in zip(parts, theirs, strict=True)]
        rows = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)
        listed = forgotten.read_forgotten(tables, config.schema, config.forgotten_key)
        with reading(config.users):
            rows = forgotten.leave_out(rows, forgotten.find_shown(rows, None, listed))
            lines = check_usable(rows, config.max_bad_rows, "users", MEND)
            rows = rows.where("broken IS NULL").drop("broken", "found").distinct()
            check_unique(rows)
            is_timed = any(_has_times(part, config.user_columns) for part in parts)
            note = UsersNote(config.users, tuple(Attribute(name, kind, is_timed) for name, kind in kinds.items()))
            tables.replace(TABLE, _number_rows(rows), "1 = 1")
    tables.set_property(TABLE, NOTE, note.to_json())
    unused = [f"the users have columns that are no attributes, since they are lists: {', '.join(passed_over)}."]
    return Loaded(note, (*lines, *(unused if passed_over else [])))


def _find_theirs(columns: Mapping[str, str], part: Part) -> dict[str, str]:
    """The attributes of a part, each with the column or expression that it is: those named, or all of its columns."""
    named = {ours: theirs for ours, theirs in columns.items() if ours not in OURS}
    if named:
        return named
    taken = {*OURS, *(theirs.lower() for theirs in columns.values())}
    return {name: name for name in (*part.columns, *part.unread) if name.lower() not in taken}


def _choose_kinds(
    parts: Sequence[Part], theirs: Sequence[Mapping[str, str]], before: UsersNote | None, zones: Zones
) -> tuple[dict[str, Kind], list[str]]:
    """What each attribute is, and the columns that are nothing of the kind.

    The columns of text files are texts. One that holds nothing but numbers, or days, is taken for these when it is
    first read, and stays it; a number that begins with a zero is a text.
    """
    kinds: dict[str, Kind] = {}
    unsure: dict[str, list[tuple[Part, str]]] = {}
    passed_over = []
    for part, own in zip(parts, theirs, strict=True):
        for name, theirs_of in own.items():
            kind, is_unsure = _kind_of(part, name, theirs_of)
            if kind is None:
                passed_over.append(name)
                continue
            if kinds.setdefault(name, kind) is not kind:
                raise SourceError(
                    f"Column {name!r} of the users is a {kinds[name]} in one file and a {kind} in {part.name}. Bring "
                    f"it to one form: user_columns={name}=to_text({name})."
                )
            if is_unsure:
                unsure.setdefault(name, []).append((part, theirs_of))
    noted = {one.name: one.kind for one in before.attributes} if before else {}
    settled = _look_at_texts({name: places for name, places in unsure.items() if name not in noted}, zones)
    kinds |= settled | {name: noted[name] for name in unsure if name in noted}
    if not kinds or len(kinds) > MOST:
        named = ", ".join(list(kinds)[:5]) or "none"
        raise SourceError(
            f"The users have {len(kinds)} attributes ({named}), and can have 1 to {MOST}. Name those that matter with "
            "user_columns."
        )
    return kinds, sorted(set(passed_over) - set(kinds))


def _kind_of(part: Part, name: str, theirs: str) -> tuple[Kind | None, bool]:
    """What a column or an expression of a part is, and whether its texts may be numbers or days."""
    own = find_own_name(part.types, part.twins, theirs, part.name)
    if own is not None:
        kind = part.unread.get(own) or dict(part.frame.dtypes)[own]
    elif read_constant(theirs) is not None:
        kind = "string"
    else:
        made = parse(theirs, names=part.types, what=f"user_columns: {name}").kind
        kind = TYPE_OF.get(made, "boolean")
    plain = kind.partition("(")[0].partition("<")[0]
    by_type = {"string": Kind.TEXT, "boolean": Kind.FLAG, **dict.fromkeys(NUMBERS, Kind.NUMBER)}
    becomes = {**by_type, **dict.fromkeys(TIMES, Kind.DATE)}.get(plain)
    if becomes is None and theirs != name:
        raise ConfigError(f"user_columns: {name} is a {kind}, and an attribute is a text, a number, a date or a flag.")
    return becomes, part.is_text and own is not None and becomes is Kind.TEXT


def _look_at_texts(unsure: Mapping[str, Sequence[tuple[Part, str]]], zones: Zones) -> dict[str, Kind]:
    from pyspark.sql import functions as F

    counts: dict[str, list[int]] = {name: [0, 0, 0] for name in unsure}
    for part in {id(part): part for places in unsure.values() for part, _ in places}.values():
        names = [name for name, places in unsure.items() if any(one is part for one, _ in places)]
        asked = []
        for name in names:
            own = next(theirs for one, theirs in unsure[name] if one is part)
            text, number, day = (_column(part, name, own, kind, zones) for kind in READ_AS)
            filled = text.value.isNotNull()
            is_number = ~number.unreadable & ~text.value.rlike(r"^\s*0[0-9]")
            asked += [F.count_if(filled), F.count_if(filled & is_number), F.count_if(filled & ~day.unreadable)]
        row = part.frame.agg(*asked).collect()[0]
        for place, name in enumerate(names):
            counts[name] = [a + b for a, b in zip(counts[name], row[3 * place : 3 * place + 3], strict=True)]
    return {
        name: Kind.NUMBER if 0 < filled == numbers else Kind.DATE if 0 < filled == days else Kind.TEXT
        for name, (filled, numbers, days) in counts.items()
    }


def _column(part: Part, name: str, theirs: str, kind: Kind, zones: Zones) -> OurColumn:
    asked = Asked(READ_AS[kind], theirs, "user_columns", attribute=name)
    column = find_column(part, asked, zones)
    assert column is not None  # it is named, so it is there or was refused
    return column


def _flag(part: Part, name: str, theirs: str) -> "Column":
    from pyspark.sql import functions as F

    own = find_own_name(part.types, part.twins, theirs, part.name)
    made = F.col(f"`{own}`") if own else F.expr(parse(theirs, names=part.types, what=f"user_columns: {name}").spark())
    return made.cast("string")


def _has_times(part: Part, columns: Mapping[str, str]) -> bool:
    lowered = {name.lower() for name in part.columns}
    return any(ours in columns or ours in lowered for ours in OURS[1:])


def _shape(
    part: Part, theirs: Mapping[str, str], columns: Mapping[str, str], kinds: Mapping[str, Kind], zones: Zones
) -> "DataFrame":
    """A part's rows: user_id, valid_time, known_time, the stored column of each attribute, broken, found."""
    from pyspark.sql import functions as F

    user = find_column(part, Asked("user_id", columns.get("user_id"), "user_columns"), zones)
    assert user is not None
    faults = {"user_id": (user.unreadable | user.value.isNull(), user.shown)}
    if part.row is not None:
        faults = {"row": (F.col(part.row).isNotNull(), F.col(part.row)), **faults}
    shaped: dict[str, Column] = {"user_id": user.value}
    for ours, ending in (("valid_from", "valid_time"), ("known_at", "known_time")):
        named = columns.get(ours) or next((one for one in part.columns if one.lower() == ours), None)
        time = find_column(part, Asked("known_at", named, "user_columns", attribute=ours), zones) if named else None
        shaped[ending] = time.value if time else F.lit(None).cast("timestamp")
        faults |= {ours: (time.unreadable, time.shown)} if time else {}
    for name, kind in kinds.items():
        stored = Attribute(name, kind).stored
        if name not in theirs:
            continue
        if kind is Kind.FLAG:
            shaped[stored] = _flag(part, name, theirs[name])
            continue
        column = _column(part, name, theirs[name], kind, zones)
        days = F.datediff(column.value, F.lit("1970-01-01")).cast("double") if kind is Kind.DATE else column.value
        shaped[stored] = F.when(~column.unreadable, days)
        faults[name] = (column.unreadable, column.shown)
    shaped["broken"] = F.coalesce(*(F.when(fault, F.lit(name)) for name, (fault, _) in faults.items()))
    shaped["found"] = F.coalesce(
        *(F.when(fault, F.coalesce(shown, F.lit(NOTHING))) for fault, shown in faults.values())
    )
    return part.frame.select(*(column.alias(name) for name, column in shaped.items()))


def _number_rows(rows: "DataFrame") -> "DataFrame":
    """The rows as they are kept: times as days, and each user's rows in the order in which they count."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = Window.partitionBy("user_id").orderBy(F.asc_nulls_first("valid_time"), F.asc_nulls_first("known_time"))
    return rows.select(
        "user_id",
        F.to_date("valid_time").alias("valid_from"),
        F.to_date("known_time").alias("known_day"),
        F.row_number().over(order).cast("bigint").alias("number"),
        *(name for name in rows.columns if name not in ("user_id", "valid_time", "known_time")),
    )
