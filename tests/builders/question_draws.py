"""Drawn logs and questions, and what is true of them: computed event by event, by moments, without a line of `lib`."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")
TYPES = ("view", "buy", "it's {odd}", "refund")
MICROSECOND = timedelta(microseconds=1)
PLACES = ("shop", "app", "it's", None)
USERS = 14
Meets = Callable[["Event"], bool]  # whether an event meets a condition on rows
# what named actions may be: the condition in some spellings, and what it says
DEFINITIONS: Sequence[tuple[Sequence[str], Meets]] = (
    (("value > 1", "1.0 < Value", "NOT (value <= 1)"), lambda one: one.value is not None and one.value > 1),
    (("value > 2.5", "2.5 < `value`", "not value <= 2.5"),
     lambda one: one.value is not None and one.value > Decimal("2.5")),
    (("value BETWEEN 0 AND 10", "value >= 0 and value <= 10.0"),
     lambda one: one.value is not None and 0 <= one.value <= 10),
    (("value IS NULL", "(VALUE IS NULL)"), lambda one: one.value is None),
    (("place = 'app'", "'app' = Place"), lambda one: one.place == "app"),
    (("place IN ('app', 'it''s')", "place = 'it''s' OR (place = 'app')"), lambda one: one.place in ("app", "it's")),
    (("place <> 'app'", "NOT place = 'app'"), lambda one: one.place not in ("app", None)),
    (("NOT (place = 'shop' AND value > 0)", "value <= 0 OR place != 'shop'"),
     lambda one: one.place not in ("shop", None) or (one.value is not None and one.value <= 0)),
    (("count >= 2", "2 <= count"), lambda one: one.count >= 2),
)  # fmt: skip
NAMES = ("big_one", "odd_one")
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
    place: str | None = None

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
    named: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # name -> event type, place of `DEFINITIONS`

    def is_done(self, event: Event, action: str) -> bool:
        """Whether an event counts as an action: one of its type, or a named one."""
        kind, place = self.named.get(action, (action, -1))
        return event.kind == kind and (place < 0 or DEFINITIONS[place][1](event))

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
    other = random.Random(f"named {seed}")
    named, tree = _name(other, texts, tree)
    texts["cohort_where"] = spell(tree) if tree else ""
    made = Drawn(zone, (), cutoffs, as_of, texts, tree, named)
    edges = [day + timedelta(days=n) for day in cutoffs for n in _edges(texts, tree)] + [as_of]
    events = [_draw_event(rng, made, edges) for _ in range(rng.randrange(40, 120))]
    return replace(made, events=tuple(replace(one, place=other.choice(PLACES)) for one in events))


def _name(
    rng: random.Random, texts: dict[str, str], tree: Tree | None
) -> tuple[dict[str, tuple[str, int]], Tree | None]:
    """Let named actions take the place of some event types; those that the question then speaks of are defined."""
    named = {name: (rng.choice(TYPES), rng.randrange(len(DEFINITIONS))) for name in NAMES} if rng.random() < 0.6 else {}
    actions = [kind for kind in TYPES if quoted(kind) in texts["action"]]
    for place, name in enumerate(rng.sample(sorted(named), len(named))[: len(actions)]):
        if rng.random() < 0.7:
            actions[place] = name
    if texts["all_actions"] == "false" and (int(texts["at_least"]) > 1 or texts["at_least_value"]):
        made_of = {named[name][0] for name in actions if name in named}
        actions = [action for action in actions if action not in made_of]  # one event would count twice: it is refused
    texts["action"] = ",".join(map(quoted, actions))
    tree = _rename(rng, tree, list(named)) if tree and named else tree
    texts["actions"] = ", ".join(
        f"{name}={quoted(kind)} WHERE {DEFINITIONS[place][0][0]}" for name, (kind, place) in named.items()
    )
    return named, tree


def _rename(rng: random.Random, tree: Tree, names: Sequence[str]) -> Tree:
    if tree[0] in ("and", "or", "not"):
        return (tree[0], *(_rename(rng, part, names) for part in tree[1:]))
    name, kind, days = tree[1]
    return (tree[0], (name, rng.choice(names) if kind and rng.random() < 0.5 else kind, days), *tree[2:])


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
        did = {action for action in actions for one in recent if made.is_done(one, action)}
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
    groups = [[one for one in seen if made.is_done(one, action)] for action in actions]
    if texts["all_actions"] != "true":  # an event that counts as two of them counts for each
        groups = [[one for group in groups for one in group]]
    did = all(_is_enough(texts, group) for group in groups)
    return int(did != (texts["without"] == "true"))


def _is_enough(texts: Texts, events: Sequence[Event]) -> bool:
    if sum(one.count for one in events) < int(texts["at_least"]):
        return False
    worth = sum((one.value for one in events if one.value is not None), Decimal(0))
    return not texts["at_least_value"] or worth >= Decimal(texts["at_least_value"])


def true_actions(made: Drawn) -> set[str]:
    """The event types of the action, and the named ones."""
    return {kind for kind in (*TYPES, *NAMES) if quoted(kind) in made.texts["action"]}


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
    events = [one for one in before if (not kind or made.is_done(one, kind)) and (begin is None or one.moment >= begin)]
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
    for spellings, _ in DEFINITIONS:
        other["actions"] = other["actions"].replace(f"WHERE {spellings[0]}", f"where  {rng.choice(spellings)}")
    return other


def meaning(texts: Texts) -> tuple[Any, ...]:
    """What tells one question from another, but for what its condition on users says."""
    actions = tuple(sorted(kind for kind in (*TYPES, *NAMES) if quoted(kind) in texts["action"]))
    spoken_of = [name for name in NAMES if quoted(name) in texts["action"] + texts["cohort_where"]]
    definitions = [part for name in spoken_of for part in texts["actions"].split(", ") if part.startswith(f"{name}=")]
    plain = ("horizon_days", "starts_in_days", "cohort_days", "without", "at_least")
    needs_all = texts["all_actions"] == "true" and len(actions) > 1
    value = Decimal(texts["at_least_value"] or 0)
    return (actions, needs_all, value, *(texts[name] for name in plain), bool(texts["cohort_where"]), *definitions)


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
                mine, theirs = (replace(made, named=drawn.named) for drawn in (one, other))
                if holds(mine, one.tree, cutoff, own) is not holds(theirs, other.tree, cutoff, own):
                    return False
    return True
