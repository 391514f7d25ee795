"""Drawn logs and questions, and what is true of them: computed event by event, by moments, without a line of `lib`."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")
TYPES = ("view", "buy", "it's {odd}", "refund")
MICROSECOND = timedelta(microseconds=1)
USERS = 14
Texts = Mapping[str, str]  # a question as its parameters
Fact = tuple[str, str, int]  # name, event type or blank, days or 0
Tree = tuple[Any, ...]


@dataclass(frozen=True)
class Event:
    """One event as a source holds it; moments are UTC."""

    user: str
    moment: datetime
    kind: str
    known: datetime | None
    count: int
    value: Decimal | None

    @property
    def known_from(self) -> datetime:
        """When it was there to be seen."""
        return max(self.moment, self.known or self.moment)


@dataclass(frozen=True)
class Drawn:
    """A log, a question as its parameters, and the condition on users as a tree."""

    zone: str
    events: tuple[Event, ...]
    cutoffs: tuple[date, ...]
    as_of: date
    texts: dict[str, str]
    tree: Tree | None

    def midnight(self, day: date) -> datetime:
        """The moment at which a day of the log begins."""
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)

    def local_day(self, moment: datetime) -> date:
        """The day that the log's clock shows."""
        return moment.astimezone(ZoneInfo(self.zone)).date()


def draw(seed: int) -> Drawn:
    """A log of some users around a few cutoffs, most of it at and beside the midnights that matter, and a question."""
    rng = random.Random(seed)
    zone = rng.choice(ZONES)
    cutoff = date(2024, 3, 25) + timedelta(days=rng.randrange(240))
    cutoffs = (cutoff, cutoff - timedelta(days=rng.choice((1, 7, 30))))
    texts = {
        "action": ",".join(quoted(kind) for kind in rng.sample(TYPES, rng.choice((1, 1, 2, 3)))),
        "horizon_days": str(rng.choice((1, 3, 7, 28))),
        "starts_in_days": str(rng.choice((0, 0, 1, 7))),
        "cohort_days": rng.choice(("1", "7", "28", "90", "400", "all")),
        "without": rng.choice(("false", "false", "true")),
        "all_actions": rng.choice(("false", "true")),
        "at_least": str(rng.choice((1, 1, 2, 3))),
        "at_least_value": rng.choice(("", "", "0.3", "1", "2.5", "10.000001")),
    }
    tree = draw_condition(rng, 2) if rng.random() < 0.6 else None
    reach = int(texts["starts_in_days"]) + int(texts["horizon_days"])
    as_of = cutoff + timedelta(days=reach + rng.choice((0, 0, 3)))
    made = Drawn(zone, (), cutoffs, as_of, texts | {"cohort_where": spell(tree) if tree else ""}, tree)
    edges = [day + timedelta(days=n) for day in cutoffs for n in _edges(texts, tree)] + [as_of]
    return replace(made, events=tuple(_draw_event(rng, made, edges) for _ in range(rng.randrange(40, 120))))


def _edges(texts: Texts, tree: Tree | None) -> list[int]:
    """The days, counted from a cutoff, on which something begins or ends to count."""
    later, horizon = int(texts["starts_in_days"]), int(texts["horizon_days"])
    windows = [part[2] for part in _facts(tree) if part[2]] if tree else []
    days = [] if texts["cohort_days"] == "all" else [int(texts["cohort_days"])]
    return [0, later, later + horizon, *(-n for n in (*windows, *days, 28))]


def _draw_event(rng: random.Random, made: Drawn, edges: Sequence[date]) -> Event:
    if rng.random() < 0.6:
        moment = made.midnight(rng.choice(edges)) + rng.choice((-1, 0, 1)) * rng.choice(
            (MICROSECOND, timedelta(hours=5))
        )
    else:
        moment = made.midnight(rng.choice(edges)) + timedelta(minutes=rng.randrange(-60 * 24 * 60, 20 * 24 * 60))
    known = None
    if rng.random() < 0.3:
        known = made.midnight(rng.choice([*edges, made.as_of])) + rng.choice((-1, 0)) * MICROSECOND
    value = None if rng.random() < 0.2 else Decimal(rng.choice((-25, -3, 1, 2, 3, 10, 25, 1000, 100000))) / 10
    return Event(f"u{rng.randrange(USERS)}", moment, rng.choice(TYPES), known, rng.choice((1, 1, 1, 2, 3)), value)


def draw_condition(rng: random.Random, depth: int) -> Tree:
    """A tree of ("and" | "or", one, other), ("not", one), ("between", fact, low, high), (sign, fact, limit)."""
    if depth and rng.random() < 0.5:
        kind = rng.choice(("and", "or", "not"))
        parts = [draw_condition(rng, depth - 1) for _ in range(1 if kind == "not" else 2)]
        return (kind, *parts)
    name = rng.choice(("events", "active_days", "value", "days_since_first", "days_since_last"))
    kind = rng.choice((*TYPES, ""))
    days = 0 if name.startswith("days_since") else rng.choice((0, 1, 7, 28))
    fact = (name, kind, days)
    if rng.random() < 0.2:
        low = rng.randrange(5)
        return ("between", fact, low, low + rng.randrange(30))
    return (rng.choice(("=", "<>", "<", "<=", ">", ">=")), fact, rng.choice((0, 1, 2, 7, 28)))


def _facts(tree: Tree) -> list[Fact]:
    if tree[0] in ("and", "or", "not"):
        return [fact for part in tree[1:] for fact in _facts(part)]
    return [tree[1]]


def quoted(text: str) -> str:
    """A text as parameters and conditions write it."""
    return "'" + text.replace("'", "''") + "'"


def spell(tree: Tree) -> str:
    """The condition as it is written."""
    if tree[0] in ("and", "or"):
        return f"({spell(tree[1])}) {tree[0].upper()} ({spell(tree[2])})"
    if tree[0] == "not":
        return f"NOT ({spell(tree[1])})"
    name, kind, days = tree[1]
    args = ([quoted(kind)] if kind else []) + ([str(days)] if days else [])
    fact = f"{name}({', '.join(args)})"
    return f"{fact} BETWEEN {tree[2]} AND {tree[3]}" if tree[0] == "between" else f"{fact} {tree[0]} {tree[2]}"


def true_cohort(made: Drawn, cutoff: date) -> set[str]:
    """Who is asked about at a cutoff."""
    now = made.midnight(cutoff)
    before = [one for one in made.events if one.moment < now and one.known_from < now]
    return {
        user for user in {one.user for one in before} if _is_asked(made, cutoff, [e for e in before if e.user == user])
    }


def _is_asked(made: Drawn, cutoff: date, before: Sequence[Event]) -> bool:
    texts, actions = made.texts, true_actions(made)
    since = None if texts["cohort_days"] == "all" else made.midnight(cutoff - timedelta(days=int(texts["cohort_days"])))
    recent = [one for one in before if since is None or one.moment >= since]
    if made.tree is None and texts["without"] == "true":
        did = {one.kind for one in recent}
        if not (actions <= did if texts["all_actions"] == "true" else actions & did):
            return False
    if not recent:
        return False
    return made.tree is None or holds(made, made.tree, cutoff, before) is True


def true_label(made: Drawn, cutoff: date, user: str) -> int:
    """1 where what is asked came true, of what is known by as_of."""
    texts = made.texts
    start = cutoff + timedelta(days=int(texts["starts_in_days"]))
    begin, end = made.midnight(start), made.midnight(start + timedelta(days=int(texts["horizon_days"])))
    seen = [
        one for one in made.events
        if one.user == user and begin <= one.moment < end and one.known_from < made.midnight(made.as_of)
    ]  # fmt: skip
    actions = true_actions(made)
    groups = [[one for one in seen if one.kind in actions]]
    if texts["all_actions"] == "true":
        groups = [[one for one in seen if one.kind == action] for action in actions]
    did = all(_is_enough(texts, group) for group in groups)
    return int(did != (texts["without"] == "true"))


def _is_enough(texts: Texts, events: Sequence[Event]) -> bool:
    if sum(one.count for one in events) < int(texts["at_least"]):
        return False
    worth = sum((one.value for one in events if one.value is not None), Decimal(0))
    return not texts["at_least_value"] or worth >= Decimal(texts["at_least_value"])


def true_actions(made: Drawn) -> set[str]:
    """The event types of the action."""
    return {kind for kind in TYPES if quoted(kind) in made.texts["action"]}


def holds(made: Drawn, tree: Tree, cutoff: date, before: Sequence[Event]) -> bool | None:
    """True, False, or None where it cannot be told."""
    if tree[0] == "not":
        inner = holds(made, tree[1], cutoff, before)
        return None if inner is None else not inner
    if tree[0] in ("and", "or"):
        parts = {holds(made, part, cutoff, before) for part in tree[1:]}
        deciding = tree[0] == "or"
        return deciding if deciding in parts else None if None in parts else not deciding
    number = _number(made, tree[1], cutoff, before)
    if number is None:
        return None
    if tree[0] == "between":
        return bool(tree[2] <= number <= tree[3])
    compared: dict[str, bool] = {
        "=": number == tree[2], "<>": number != tree[2], "<": number < tree[2], "<=": number <= tree[2],
        ">": number > tree[2], ">=": number >= tree[2],
    }  # fmt: skip
    return compared[tree[0]]


def _number(made: Drawn, fact: Fact, cutoff: date, before: Sequence[Event]) -> int | Decimal | None:
    name, kind, days = fact
    begin = made.midnight(cutoff - timedelta(days=days)) if days else None
    events = [one for one in before if (not kind or one.kind == kind) and (begin is None or one.moment >= begin)]
    if name == "events":
        return sum(one.count for one in events)
    if name == "active_days":
        return len({made.local_day(one.moment) for one in events})
    if name == "value":
        return sum((one.value for one in events if one.value is not None), Decimal(0))
    if not events:
        return None
    moment = min(one.moment for one in events) if name == "days_since_first" else max(one.moment for one in events)
    return (cutoff - made.local_day(moment)).days


def rewrite(texts: Texts, rng: random.Random) -> dict[str, str]:
    """The same question, written otherwise."""
    other = dict(texts)
    other["action"] = ", ".join(rng.sample(parts := texts["action"].split(","), len(parts)))
    other["all_actions"] = (
        rng.choice((texts["all_actions"], "true", "false")) if len(parts) == 1 else texts["all_actions"]
    )
    if len(value := texts["at_least_value"]) in (1, 3):
        other["at_least_value"] = value + rng.choice(("", "0" if "." in value else ".0"))
    where = texts["cohort_where"]
    for one, more in ((" AND ", "  and "), (" >= ", ">="), ("events(", "EVENTS ("), (", ", ",")):
        if rng.random() < 0.5:
            where = where.replace(one, more)
    other["cohort_where"] = f"({where})" if where and rng.random() < 0.5 else where
    return other


def meaning(texts: Texts) -> tuple[Any, ...]:
    """What tells one question from another, but for what its condition says."""
    actions = tuple(sorted(kind for kind in TYPES if quoted(kind) in texts["action"]))
    plain = ("horizon_days", "starts_in_days", "cohort_days", "without", "at_least")
    needs_all = texts["all_actions"] == "true" and len(actions) > 1
    value = Decimal(texts["at_least_value"] or 0)
    return (actions, needs_all, value, *(texts[name] for name in plain), bool(texts["cohort_where"]))


def says_the_same(one: Drawn, other: Drawn, seeds: Iterable[int]) -> bool:
    """Whether the conditions of two draws say the same of all users of some drawn logs."""
    if one.tree is None or other.tree is None:
        return one.tree is other.tree
    for made in map(draw, seeds):
        for cutoff in made.cutoffs:
            now = made.midnight(cutoff)
            before = [event for event in made.events if event.moment < now and event.known_from < now]
            for user in {event.user for event in before}:
                own = [event for event in before if event.user == user]
                if holds(made, one.tree, cutoff, own) is not holds(made, other.tree, cutoff, own):
                    return False
    return True
