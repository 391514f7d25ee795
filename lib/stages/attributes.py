"""Which attributes of users a question's models may read: those that were found to know the future are left out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.attributes.columns import Attribute, Kind, read_note
from lib.attributes.joining import KINDS, TYPES
from lib.config.question import Question
from lib.config.stages import ExtractConfig
from lib.errors import ConfigError, SourceError
from lib.evaluation.leaks import LEAK, Cutoff, Finding, check_attribute
from lib.features.extraction import Extraction
from lib.features.vocabulary import type_column
from lib.labels import labels, sampling
from lib.labels.cohorts import TIMES
from lib.labels.rows import Rows
from lib.progress import Say
from lib.stages.records import question_sql, read_rows
from lib.stages.segments import check_segments
from lib.tables.contracts import ATTRIBUTE_CHECKS
from lib.tables.protocol import Tables
from lib.timeline import Cutoffs

MOST_ROWS = 20_000  # users of a cutoff by whom attributes are checked


def choose_attributes(config: ExtractConfig, tables: Tables, extraction: Extraction, say: Say) -> Extraction:
    """The extraction with the attributes that models may read, none where the parameter `users` names no table.

    Attributes whose rows have times are as they were known at each cutoff. The others are checked, and what was found
    is written to `attribute_checks`.

    Raises
    ------
    ConfigError
        If `trusted_attributes` or `segments` names one that there is not, or that cannot serve.
    SourceError
        If the table of users has nobody of those who are in the events.
    """
    note = read_note(tables) if config.users else None
    if note is None:
        return extraction
    names = [one.name for one in note.attributes]
    for name in config.trusted_attributes:
        if name not in names:
            raise ConfigError(f"trusted_attributes names {name!r}, and the users have {', '.join(names)}.")
    check_segments(config.segments, note)
    say(_check_known(tables, extraction.cutoffs.as_of))
    untimed = [one for one in note.attributes if not one.is_timed]
    left_out = set()
    if untimed:
        say(f"checking whether {len(untimed)} attributes without times know what happened later")
        findings = find_leaks(config, tables, extraction.cutoffs, untimed)
        left_out = {
            one.attribute.name for one in findings
            if one.finding == LEAK and one.attribute.name not in config.trusted_attributes
        }  # fmt: skip
        _write_findings(config, tables, extraction, findings, left_out)
    where = config.question.cohort_where
    for name in sorted(left_out & set(where.attributes if where else ())):
        raise ConfigError(
            f"cohort_where reads {name!r}, which may know what happened after a cutoff: attribute_checks says why. "
            f"Give its rows times (valid_from, known_at), or say trusted_attributes={name}."
        )
    return replace(extraction, attributes=tuple(one for one in note.attributes if one.name not in left_out))


def check_asked(config: ExtractConfig, tables: Tables) -> None:
    """Refuse a question that asks of the table of users what it does not have.

    Raises
    ------
    ConfigError
        As the two below.
    """
    if config.users:
        check_condition(config.question, tables)
        check_newcomers(config.question, tables)


def check_condition(question: Question, tables: Tables) -> None:
    """Refuse a question whose `cohort_where` reads an attribute that there is not, or of another kind.

    Raises
    ------
    ConfigError
        The message names the attribute, and what there is.
    """
    note = read_note(tables)
    kinds = {one.name: one.kind for one in note.attributes} if note else {}
    for name, read_as in (question.cohort_where.attributes if question.cohort_where else {}).items():
        if name not in kinds:
            raise ConfigError(f"cohort_where reads {name!r}, and the users have {', '.join(kinds)}.")
        if TYPES[kinds[name]] != read_as:
            raise ConfigError(
                f"cohort_where reads {name!r} as a {KINDS[read_as]}, and it is a {kinds[name]}. Compare it with a "
                f"{kinds[name]}{_EXAMPLES[kinds[name]]}."
            )


def check_newcomers(question: Question, tables: Tables) -> None:
    """Refuse a question about users without events whose table does not say when they signed up.

    Raises
    ------
    ConfigError
        The message names the column, and what there is.
    """
    note, column = read_note(tables), question.newcomers
    if not column or note is None:
        return
    if column in TIMES:
        if not tables.query(f"SELECT COUNT({TIMES[column]}) AS n FROM {{user_attributes}}")["n"].iloc[0]:
            raise ConfigError(
                f"newcomers is {column!r}, and no row of the users has one. Name a date of theirs that says when users "
                "signed up."
            )
        return
    kinds = {one.name: one.kind for one in note.attributes}
    if kinds.get(column) is not Kind.DATE:
        there = f"is a {kinds[column]}" if column in kinds else "is none of their columns"
        dates = ", ".join([*(name for name, kind in kinds.items() if kind is Kind.DATE), *TIMES])
        raise ConfigError(
            f"newcomers is {column!r}, which {there}: it must be a date of the users that says when they signed up, as "
            f"one of {dates}."
        )


_EXAMPLES = {Kind.TEXT: ", like 'DE'", Kind.NUMBER: ", like 30", Kind.DATE: ", like date('2024-06-01')",
             Kind.FLAG: ", TRUE or FALSE"}  # fmt: skip


def _check_known(tables: Tables, as_of: date) -> str:
    """Refuse a table of other people, as by another id than the events have; says how many are known."""
    row = tables.query(
        "SELECT COUNT(*) AS users, SUM(CASE WHEN u.user_id IS NULL THEN 0 ELSE 1 END) AS known, "
        "MIN(f.user_id) AS theirs FROM "
        f"(SELECT user_id FROM {{features}} WHERE cutoff = DATE '{as_of}' AND user_id <> '') f LEFT JOIN "
        "(SELECT DISTINCT user_id FROM {user_attributes}) u ON f.user_id = u.user_id"
    ).iloc[0]
    users, known = int(row["users"]), 0 if pd.isna(row["known"]) else int(row["known"])
    if users and not known:
        other = tables.query("SELECT MIN(user_id) AS user_id FROM {user_attributes}")["user_id"].iloc[0]
        raise SourceError(
            f"Of the {users} users of the events, such as {row['theirs']!r}, the table of users has none; it has "
            f"{other!r}. Name the column of the same ids: user_columns=user_id=their_column."
        )
    return f"the table of users has {known} of the {users} users of the events"


def find_leaks(
    config: ExtractConfig, tables: Tables, cutoffs: Cutoffs, attributes: Sequence[Attribute]
) -> list[Finding]:
    """Check attributes on the newest matured cutoff and on the oldest one, where that is two horizons older."""
    newest, oldest = cutoffs.matured[0], cutoffs.matured[-1]
    days = [newest] + [oldest] * ((newest - oldest).days >= 2 * config.question.reach_days)
    seen = []
    for day in days:
        sizes = tables.query(sampling.cohort_sizes_sql(config.question, [day], cutoffs.as_of))
        sql = labels.labelled_cohort_sql(config.question, [day], cutoffs.as_of, attributes)
        users = int(sizes["users"].sum())
        if users > MOST_ROWS:
            sql = sampling.sample_sql(sql, (MOST_ROWS / users,) * 2, sampling.OF_A_USER, config.seed)
        rows = Rows(tables.query(sql).sort_values("user_id", ignore_index=True))
        seen.append(rows)
    kinds, seed = config.question.kinds, config.seed
    first, *others = (Cutoff.of(rows, kinds, seed) for rows in seen)
    beginners = Cutoff.of(seen[0].of(_never_acted(seen[0], kinds)), kinds, seed)
    old = others[0] if others else None
    today = config.run_date or cutoffs.as_of  # by when the table of users was written
    return [check_attribute(one, seen[0], first, beginners, old, today) for one in attributes]


def _never_acted(rows: Rows, kinds: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which users had never done what is asked about."""
    columns = [name for kind in kinds if (name := type_column(kind, "events_all")) in rows.frame]
    return np.asarray(rows.frame[columns].fillna(0.0).to_numpy(float).sum(axis=1) == 0)


def _write_findings(
    config: ExtractConfig, tables: Tables, extraction: Extraction, findings: Sequence[Finding], left_out: set[str]
) -> None:
    as_of = extraction.cutoffs.as_of
    rows = pd.DataFrame([
        {
            "question": config.question.slug, "as_of": as_of, "attribute": one.attribute.name,
            "finding": one.finding, "trusted": one.attribute.name in config.trusted_attributes,
            "used": one.attribute.name not in left_out, "auc": one.auc, "events_auc": one.events_auc,
            "added": one.added, "added_before": one.added_before, "why": one.why,
        }
        for one in findings
    ])  # fmt: skip
    where = f"{question_sql(config.question)} AND as_of = DATE '{as_of}'"
    tables.replace("attribute_checks", rows.reindex(columns=list(ATTRIBUTE_CHECKS)), where)


def tell_attributes(question: Question, tables: Tables, extraction: Extraction) -> list[str]:
    """What a verdict says of attributes without times; nothing where there are none."""
    as_of = extraction.cutoffs.as_of
    checks = read_rows(tables, "attribute_checks", f"{question_sql(question)} AND as_of = DATE '{as_of}'")
    if checks is None:
        return []
    used = checks[checks["used"]]
    lines = []
    if len(used):
        lines.append(f"Attributes without times may know what came later: {', '.join(used['attribute'])}.")
    for row in checks[checks["finding"] == LEAK].to_dict("records"):
        done = "It is used, since trusted_attributes names it." if row["used"] else (
            f"It is left out. trusted_attributes={row['attribute']} would let it in."
        )  # fmt: skip
        lines.append(f"Attribute {row['attribute']} seems to know what happened later. {row['why']} {done}")
    return lines
