"""One row per user with what each question of a run says of them: the table `profiles`, for a CRM."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations

from lib.config.question import Question
from lib.config.stages import PublishConfig
from lib.tables.protocol import Tables
from lib.tables.sql import text_literal, texts_sql


def write_profiles(configs: Mapping[str, PublishConfig], tables: Tables) -> int:
    """Replace the table by the lists in use of some questions, by their names; how many users it has.

    Each question has its columns: propensity, decile, whether the user is held out, and what contacting may be worth,
    `value_of_action` times the propensity, null without that value. Who is not on a list has nulls there.
    """
    slugs = texts_sql(config.question.slug for config in configs.values())
    columns = ", ".join(column for name, config in configs.items() for column in _columns(name, config))
    where = f"question IN ({slugs}) GROUP BY user_id"
    lists = f"SELECT user_id, MAX(cutoff) AS as_of, {columns} FROM {{audience}} WHERE {where}"
    each = ", ".join(_contradictions({name: config.question for name, config in configs.items()}))
    why = f"NULLIF(CONCAT_WS('; ', {each}), '')" if each else "CAST(NULL AS STRING)"
    names = ", ".join(f"{name}_{what}" for name in configs for what in WHAT)
    rows = f"SELECT user_id, as_of, {why} AS contradiction, {names} FROM ({lists}) lists"
    tables.remake("profiles", tables.rows(rows))
    return int(tables.query("SELECT COUNT(*) AS n FROM {profiles}")["n"].iloc[0])


WHAT = ("propensity", "decile", "held_out", "expected_value")


def _columns(name: str, config: PublishConfig) -> Iterator[str]:
    of_question = f"question = {text_literal(config.question.slug)}"
    value = config.contacts.value_of_action
    worth = "NULL" if value is None else f"propensity * {value!r}"
    shown = dict(zip(WHAT, ("propensity", "decile", "held_out", f"CAST({worth} AS DOUBLE)"), strict=True))
    for what, sql in shown.items():
        whole = "BOOL_OR" if what == "held_out" else "MAX"
        yield f"{whole}(CASE WHEN {of_question} THEN {sql} END) AS {name}_{what}"


def _contradictions(questions: Mapping[str, Question]) -> Iterator[str]:
    """SQL that says so for each pair of horizons of one action, where what the other implies is more probable.

    What is done in few days is done in more; what is not done in many is not done in fewer.
    """
    for (short, one), (long, other) in permutations(questions.items(), 2):
        same = replace(one, horizon_days=other.horizon_days, cohort_days=other.cohort_days) == other
        if same and one.horizon_days < other.horizon_days:
            less, more = (long, short) if one.without else (short, long)
            said = text_literal(f"{less} is above {more}")
            yield f"CASE WHEN {less}_propensity > {more}_propensity THEN {said} END"
