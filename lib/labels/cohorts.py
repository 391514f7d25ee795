"""Who is asked about at a cutoff: users chosen from what they did before it, and from nothing later."""

from collections.abc import Mapping, Sequence
from datetime import date

from lib.attributes.columns import Attribute
from lib.attributes.joining import KINDS, attributes_sql, values_sql, with_attributes_sql
from lib.config.question import Question
from lib.expressions.facts import Fact
from lib.labels.activity import activity_sql, with_named_features_sql
from lib.tables.sql import days_sql, decimal_sql, text_literal
from lib.tables.views import counts_at_sql
from lib.timeline import NEVER_DAYS, Window

TIMES = {"valid_from": "valid_from", "known_at": "known_day"}  # of a table of users, and the columns that keep them


def cohort_sql(question: Question, cutoffs: Sequence[date], attributes: Sequence[Attribute] = ()) -> str:
    """SQL for the users eligible at the cutoffs, chosen from their past only.

    All columns of `features`, then those of the actions that the question names, then those of the users' attributes,
    as they were at the cutoff.
    """
    return with_attributes_sql(_chosen_sql(question, cutoffs, named=True), attributes, cutoffs)


def _chosen_sql(question: Question, cutoffs: Sequence[date], *, named: bool) -> str:
    """SQL for the features of who is asked about; `named` says whether those of named actions are wanted too."""
    rows = _rows_sql(question, cutoffs, named=named)
    condition = condition_sql(question)
    if condition is None:
        return rows
    facts, where = condition
    known = f"({facts_sql(question, facts, cutoffs)}) w" if facts else ""
    if facts and question.newcomers:
        everybody = _rows_sql(question, cutoffs, named=False)
        known = f"({_with_nothing_sql(everybody, question, facts, cutoffs)}) w"
    attributes = question.cohort_where.attributes if question.cohort_where else {}
    values = f"({_values_sql(attributes, cutoffs)}) v" if attributes else ""
    joins = [
        f"{kind} JOIN {source} ON r.user_id = {source[-1]}.user_id AND r.cutoff = {source[-1]}.cutoff"
        for kind, source in (("", known), ("LEFT", values))
        if source
    ]
    return f"SELECT r.* FROM ({rows}) r {' '.join(joins)} WHERE {where}"


def _rows_sql(question: Question, cutoffs: Sequence[date], *, named: bool) -> str:
    """SQL for the features of who may be asked about: of those with events their own, of the others those of nobody."""
    at = f"cutoff IN ({days_sql(cutoffs)})"
    seen = f"SELECT * FROM {{features}} WHERE {at} AND user_id <> '' AND {active_sql(question)}"
    nobody = f"SELECT * FROM {{features}} WHERE {at} AND user_id = ''"
    if named:
        seen, nobody = (with_named_features_sql(rows, question, cutoffs) for rows in (seen, nobody))
    if not question.newcomers:
        return seen
    return (
        f"{seen} UNION ALL SELECT n.user_id, b.* {{but}} (user_id) FROM ({nobody}) b "
        f"JOIN ({newcomers_sql(question, cutoffs)}) n ON b.cutoff = n.cutoff"
    )


def newcomers_sql(question: Question, cutoffs: Sequence[date]) -> str:
    """SQL for users whom the table of users has, and who have no event yet: one row per user and cutoff.

    They signed up before the cutoff and, where the question says so, within its `cohort_days`; an id that is known to
    be somebody else's is nobody. Columns: user_id, cutoff.
    """
    most = "" if question.cohort_days is None else f" AND n.ago <= {question.cohort_days}"
    return (
        f"SELECT n.user_id, n.cutoff FROM ({_sign_ups_sql(question.newcomers, cutoffs)}) n "
        f"ANTI JOIN (SELECT user_id, cutoff FROM {{features}} WHERE cutoff IN ({days_sql(cutoffs)})) f "
        "ON n.user_id = f.user_id AND n.cutoff = f.cutoff "
        "ANTI JOIN {joined_ids} j ON n.user_id = j.user_id AND j.person <> j.user_id AND j.joined_after < n.cutoff "
        f"WHERE n.ago >= 1{most}"
    )


def _sign_ups_sql(column: str, cutoffs: Sequence[date]) -> str:
    """SQL for how many days before a cutoff users signed up, as it was known then. Columns: user_id, cutoff, ago."""
    if column not in TIMES:
        joined = Attribute(column, KINDS["date"], is_timed=True)
        known = attributes_sql([joined], cutoffs)
        return f"SELECT user_id, cutoff, UNIX_DATE(cutoff) - {joined.stored} AS ago FROM ({known}) a"
    return (
        f"SELECT u.user_id, s.cutoff, MAX(UNIX_DATE(s.cutoff) - UNIX_DATE(u.{TIMES[column]})) AS ago "
        f"FROM {{user_attributes}} u JOIN ({_spans_sql(cutoffs, ())}) s ON (u.valid_from IS NULL OR "
        "u.valid_from < s.cutoff) AND (u.known_day IS NULL OR u.known_day < s.cutoff) GROUP BY u.user_id, s.cutoff"
    )


def _with_nothing_sql(rows: str, question: Question, facts: Sequence[Fact], cutoffs: Sequence[date]) -> str:
    """SQL for the same facts of all rows: who has no event has 0 of everything, and no day on which it was."""
    columns = "".join(
        f", {f'g.fact_{place}' if fact.name.startswith('days_since') else f'COALESCE(g.fact_{place}, 0)'} "
        f"AS fact_{place}"
        for place, fact in enumerate(facts)
    )
    return (
        f"SELECT k.user_id, k.cutoff{columns} FROM ({rows}) k LEFT JOIN ({facts_sql(question, facts, cutoffs)}) g "
        "ON k.user_id = g.user_id AND k.cutoff = g.cutoff"
    )


def _values_sql(named: Mapping[str, str], cutoffs: Sequence[date]) -> str:
    """SQL for the attributes that a condition reads, as `attribute_n`; whether they are timed, their rows say."""
    attributes = [Attribute(name, KINDS[kind], is_timed=True) for name, kind in named.items()]
    columns = "".join(f", {one.stored} AS attribute_{place}" for place, one in enumerate(attributes))
    return f"SELECT user_id, cutoff{columns} FROM ({values_sql(attributes, cutoffs)}) a"


def sizes_sql(question: Question, cutoffs: Sequence[date]) -> str:
    """SQL for how many users were ever seen and how many are asked about, newest cutoff first.

    Columns: cutoff, users, cohort.
    """
    days = days_sql(cutoffs)
    seen = f"SELECT *, 1 AS seen FROM {{features}} WHERE cutoff IN ({days}) AND user_id <> ''"
    if condition_sql(question) is None and not question.newcomers:  # one look at the features will do
        asked, source = f"SUM(CASE WHEN {active_sql(question)} THEN 1 ELSE 0 END)", f"({seen}) f"
    else:
        asked = "COUNT(c.there)"
        there = f"SELECT user_id, cutoff, 1 AS there FROM ({_chosen_sql(question, cutoffs, named=False)}) w"
        source = f"({seen}) f FULL OUTER JOIN ({there}) c USING (user_id, cutoff)"
    return f"SELECT cutoff, COUNT(seen) AS users, {asked} AS cohort FROM {source} GROUP BY cutoff ORDER BY cutoff DESC"


def active_sql(question: Question) -> str:
    """SQL condition for the rows of `features` whose users were active of late. A user never seen has no row."""
    days = question.cohort_days
    if days is None:
        return "1 = 1"
    return f"{'recency' if days < NEVER_DAYS else 'silence'} <= {days}"  # a recency says no more than a year or more


def condition_sql(question: Question) -> tuple[Sequence[Fact], str] | None:
    """What else is asked of a user: the facts, and SQL over their columns `fact_n`; None where nothing is."""
    if question.cohort_where is not None:
        return question.cohort_where.facts, question.cohort_where.sql
    if not question.facts_before:
        return None
    either = " AND " if question.needs_all else " OR "
    done = either.join(f"fact_{place} > 0" for place in range(len(question.facts_before)))
    return question.facts_before, f"({done})"


def facts_sql(question: Question, facts: Sequence[Fact], cutoffs: Sequence[date]) -> str:
    """SQL for facts of every user who was ever seen before a cutoff: user_id, cutoff, and `fact_n` for each.

    An event counts where its day, the day on which it became known and the one since when it is its user's all lie
    before the cutoff.
    """
    windows = sorted({fact.days for fact in facts if fact.days})
    columns = ", ".join(f"{_fact_sql(question, fact)} AS fact_{place}" for place, fact in enumerate(facts))
    return (
        f"SELECT a.user_id, s.cutoff{', ' if columns else ''}{columns} FROM {activity_sql(question)} a "
        f"JOIN ({_spans_sql(cutoffs, windows)}) s ON a.day < s.cutoff AND a.known_day < s.cutoff "
        f"AND {counts_at_sql('a', 's.cutoff')} GROUP BY a.user_id, s.cutoff"
    )


def _spans_sql(cutoffs: Sequence[date], windows: Sequence[int]) -> str:
    """The cutoffs, and for each the day on which each window begins."""
    rows = [
        ", ".join([
            f"SELECT DATE '{cutoff}' AS cutoff",
            *(f"DATE '{Window.lookback(cutoff, days).start}' AS since_{days}" for days in windows),
        ])
        for cutoff in cutoffs
    ]  # fmt: skip
    return " UNION ALL ".join(rows)


def _fact_sql(question: Question, fact: Fact) -> str:
    # All events are those of the log: what is named besides counts nowhere twice.
    conditions = [f"a.event_type <> {text_literal(one.kind)}" for one in question.named]
    if fact.event_type:
        conditions = [f"a.event_type = {text_literal(question.kind_of(fact.event_type))}"]
    conditions += [f"a.day >= s.since_{fact.days}"] if fact.days else []
    inside = " AND ".join(conditions) or "1 = 1"
    if fact.name == "events":
        return f"SUM(CASE WHEN {inside} THEN a.count ELSE 0 END)"
    if fact.name == "active_days":
        return f"COUNT(DISTINCT CASE WHEN {inside} THEN a.day END)"
    if fact.name == "value":
        return f"SUM(CASE WHEN {inside} THEN {decimal_sql('a.value')} ELSE 0 END)"
    first_or_last = "MIN" if fact.name == "days_since_first" else "MAX"
    day = f"{first_or_last}(CASE WHEN {inside} THEN a.day END)"
    return f"UNIX_DATE(s.cutoff) - UNIX_DATE({day})"
