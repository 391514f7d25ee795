"""Drawn users with attributes and events, and who is asked about at a cutoff: told row by row, without our `lib`."""

import operator
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

CUTOFF = date(2024, 6, 10)
IDS = ("u", "U", "u ", " u", "it's {x}", "ü", "a\\b", "0", "00")  # each is somebody of their own
EDGES = (-1, 0, 1, 2, 7, 8, 28, 29)  # days before the cutoff
NAMES = ("joined", "country", "age", "Vip")
SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
Holds = Callable[[Mapping[str, Any]], bool | None]  # of a user; None where it is not known


@dataclass(frozen=True)
class Drawn:
    """Users, what they did, and a question; days are counted back from the cutoff."""

    events: tuple[tuple[str, int, str, int, int], ...]  # user, day, type, day by when it was known, number
    users: tuple[tuple[Any, ...], ...]  # user, valid_from, known day, and a value of each attribute
    texts: Mapping[str, str]
    holds: Holds


def ago(days: int) -> date:
    """The day so many days before the cutoff."""
    return CUTOFF - timedelta(days=days)


def draw(seed: int) -> Drawn:
    """A few users of each kind, most of it on the days that matter."""
    rng = random.Random(seed)
    days = [rng.choice((*EDGES, 60)) for _ in range(rng.randrange(4, 16))]
    events = tuple(
        (rng.choice(IDS), day, rng.choice(("view", "buy")), min(day, rng.choice(EDGES)), rng.choice((1, 2)))
        for day in days
    )
    users = []
    for user in IDS:
        rows = [_draw_row(rng) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
        users += [(user, *row) for row in sorted(rows, key=lambda row: (row[0] or date.min, row[1] or date.min))]
    where, holds = _draw_condition(rng, 2) if rng.random() < 0.7 else ("", lambda user: True)
    without = rng.choice(("true", "false")) if where else "false"  # alone it asks of doers, and refuses newcomers
    texts = {
        "action": "buy", "horizon_days": "2", "cohort_where": where, "cohort_days": rng.choice(("1", "7", "28", "all")),
        "newcomers": rng.choice(("joined", "valid_from", "known_at", "")), "without": without,
    }  # fmt: skip
    return Drawn(events, tuple(users), texts, holds)


def _draw_row(rng: random.Random) -> tuple[Any, ...]:
    some = (None, *map(ago, EDGES))
    values = rng.choice((None, "DE", "de", "DE ", "it's")), rng.choice((None, 0.0, 29.5, 30.0, -1.0))
    return rng.choice(some), rng.choice(some), rng.choice(some), *values, rng.choice((None, "true", "false"))


def _draw_condition(rng: random.Random, depth: int) -> tuple[str, Holds]:
    if depth and rng.random() < 0.6:
        one, other = (_draw_condition(rng, depth - 1) for _ in range(2))
        kind = rng.choice(("NOT", "AND", "OR"))
        if kind == "NOT":
            return f"NOT ({one[0]})", lambda user: _opposite(one[1](user))
        return f"({one[0]}) {kind} ({other[0]})", lambda user: _both(kind == "AND", one[1](user), other[1](user))
    sign, days, number = rng.choice(list(SIGNS)), rng.choice((1, 7, 28)), rng.choice((0, 1, 2, 29.5, 30))
    day, country = ago(rng.choice((0, 1, 7))), rng.choice(("DE", "de", "it's"))
    return rng.choice((
        ("country = '" + country.replace("'", "''") + "'", _known("country", lambda one: one == country)),
        ("country <> 'DE'", _known("country", lambda one: one != "DE")),
        ("country IS NULL", lambda user: user["country"] is None),
        (f"age {sign} {number}", _known("age", lambda one: SIGNS[sign](one, number))),
        (f"joined >= date('{day}')", _known("joined", lambda one: one >= day)),
        ("Vip", _known("Vip", lambda one: one == "true")),
        (f"events('view', {days}) {sign} 1", lambda user: SIGNS[sign](_views(user, days), 1)),
        (f"days_since_last('buy') {sign} {days}", _known("last", lambda one: SIGNS[sign](one, days))),
        ("days_since_first() IS NULL", lambda user: not user["events"]),
    ))  # fmt: skip


def _known(name: str, says: Callable[[Any], bool]) -> Holds:
    return lambda user: None if user[name] is None else says(user[name])


def _opposite(one: bool | None) -> bool | None:
    return None if one is None else not one


def _both(is_and: bool, one: bool | None, other: bool | None) -> bool | None:
    """AND, or OR where it is not, of what may not be known."""
    decides = not is_and
    if decides in (one, other):
        return decides
    return None if None in (one, other) else is_and


def _views(user: Mapping[str, Any], days: int) -> int:
    return sum(number for _, day, kind, _, number in user["events"] if kind == "view" and day <= days)


def true_labels(made: Drawn) -> dict[str, int]:
    """Who is asked about, and whether what is asked came true: 1 or 0."""
    labels = {}
    for user in IDS:
        before = [one for one in made.events if one[0] == user and min(one[1], one[3]) >= 1]
        rows = [one for one in made.users if one[0] == user and all(day is None or day < CUTOFF for day in one[1:3])]
        values = rows[-1][3:] if rows else (None,) * len(NAMES)
        last = min((day for _, day, kind, *_ in before if kind == "buy"), default=None)
        known = dict(zip(NAMES, values, strict=True)) | {"events": before, "last": last}
        if _is_active(made, before, rows, known) and made.holds(known):
            done = any(one[0] == user and one[2] == "buy" and one[1] in (0, -1) for one in made.events)
            labels[user] = int(done != (made.texts["without"] == "true"))
    return labels


def _is_active(made: Drawn, before: list[Any], rows: list[Any], known: Mapping[str, Any]) -> bool:
    """Whether a user was active of late, or signed up where newcomers are asked about."""
    most = None if made.texts["cohort_days"] == "all" else int(made.texts["cohort_days"])
    if before:
        since = min(day for _, day, *_ in before)
        return most is None or since <= most
    place = {"valid_from": 1, "known_at": 2}.get(made.texts["newcomers"])
    days = [row[place] for row in rows if row[place]] if place else [known["joined"]]
    signed_up = min((day for day in days if day), default=None) if made.texts["newcomers"] else None
    return signed_up is not None and 1 <= (CUTOFF - signed_up).days <= (most or 10**6)
