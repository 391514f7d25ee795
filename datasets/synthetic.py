"""The log of an invented recipe app, and the true probability of everything its users may do.

`recipe_app` holds the rules; here they are played out (`generate`, `write`) and solved
(`true_propensity`), from the same arguments and so for the same users.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from datasets.errors import DatasetError
from datasets.files import write_once
from datasets.recipe_app import TYPES, Floats, Ints, Users, World

EVENTS = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("event_time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("event_type", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # seconds spent, of a view; null for all others
        pa.field("item_id", pa.string()),  # the recipe; null for open and search
    ]
)

START = date(2024, 1, 1)
SEED, USERS, DAYS = 0, 3000, 240  # of a log of which nothing else is said
RECIPES = pa.array([f"r{number:04d}" for number in range(2000)])
BUSIEST = 19 / 24  # the time of day at which most visits begin: seven in the evening
LONGEST = 1 / 24  # no visit is longer than an hour, so one that begins before 23:00 ends on its day
VIEW_SECONDS = 90.0  # mean time spent on a view
DAY = 86_400_000_000  # microseconds


def generate(
    *, seed: int, users: int, days: int, start: date = START, drift_day: int | None = None, activity: float = 1.0
) -> Iterator[pa.Table]:
    """Draw the log of `days` days from `start` on, as tables (schema EVENTS) of some users each.

    `drift_day` counts from the start; `activity` multiplies everybody's intensity of visits. The same
    arguments give the same rows. A user who never visits has no row.
    """
    world = World(seed=seed, users=users, days=days, start=start, drift_day=drift_day, activity=activity)
    return (_play(world, people, rng) for people, rng in world.population())


def write(
    folder: Path,
    *,
    seed: int = SEED,
    users: int = USERS,
    days: int = DAYS,
    drift_day: int | None = None,
    activity: float = 1.0,
) -> Path:
    """Write the log as a Delta table into a subfolder of `folder` named after the arguments; return it.

    A log that is there already is not drawn again.
    """
    log = generate(seed=seed, users=users, days=days, drift_day=drift_day, activity=activity)
    drift = "" if drift_day is None else f"-drift{drift_day}"
    name = f"recipes-{users}x{days}-seed{seed}-activity{activity:g}{drift}"

    def fill(draft: Path) -> None:
        batches = (batch for table in log for batch in table.to_batches())
        write_deltalake(draft, pa.RecordBatchReader.from_batches(EVENTS, batches))

    return write_once(folder / name, fill)


def true_propensity(
    *,
    seed: int = SEED,
    users: int = USERS,
    days: int = DAYS,
    start: date = START,
    drift_day: int | None = None,
    activity: float = 1.0,
    action: str,
    cutoff: date,
    horizon_days: int,
) -> pa.Table:
    """The exact probability that a user performs `action` in [cutoff, cutoff + horizon_days).

    It is conditioned on the whole latent state at midnight of the cutoff: the user's traits, whether
    they have left by then (if so, it is 0), and the drift, one still to come included. Behaviour
    reveals the traits, and a departure by silence, but only in time: a model that knows the past comes
    close to these probabilities and cannot reach them, least for users who were seen little or have
    just fallen silent.

    Parameters
    ----------
    action : str
        Event type, or several, comma-separated, of which any counts.
    cutoff : date
        `start` or later; neither it nor the horizon need lie inside the log.

    Returns
    -------
    pa.Table[user_id string, propensity double]
        One row per user who arrived before the cutoff, visible in the log or not, ordered by id.
    """
    world = World(seed=seed, users=users, days=days, start=start, drift_day=drift_day, activity=activity)
    wanted = _type_indices(action)
    today = (cutoff - start).days
    if today < 0 or horizon_days < 1:
        raise DatasetError(
            f"No propensity over {horizon_days} days from {cutoff} on, in a log that starts on {start}. "
            "Ask for a cutoff on or after that day, and for one day or more."
        )
    horizon = np.arange(today, today + horizon_days)
    parts = []
    for people, _ in world.population():
        there = today < people.leaves
        acts = np.where(there, 1 - no_action(_quiet_probability(world, people, wanted, horizon), people.leaving), 0.0)
        arrived = pa.array(people.arrives < today)
        parts.append(pa.table({"user_id": _ids(people), "propensity": acts}).filter(arrived))
    return pa.concat_tables(parts)


def no_action(quiet: Floats, leaving: Floats) -> Floats:
    """Probability that users who are there on the first of the days do not act on any.

    `quiet` [user, day] is the probability of no action on a day, for a user who is there; `leaving`
    [user] that of leaving for good at its end. Worked out from the last day backwards: a day is quiet,
    and after it either the user leaves or the days that follow are quiet too.
    """
    afterwards = np.ones(len(leaving))
    for day in quiet.T[::-1]:
        afterwards = day * (leaving + (1 - leaving) * afterwards)
    return afterwards


def _quiet_probability(world: World, people: Users, wanted: list[int], days: Ints) -> Floats:
    """[user, day]: no visit, or one in which none of the wanted types occurs."""
    without = np.exp(-people.per_visit[:, :, wanted].sum(axis=2))
    if TYPES.index("open") in wanted:
        without[:] = 0.0  # no visit is without one
    return np.asarray(1 - people.visit_probability(world.demand(days)) * (1 - without[world.regime(days)].T))


def _type_indices(action: str) -> list[int]:
    names = {name.strip() for name in action.split(",")}
    if unknown := sorted(names - set(TYPES)):
        raise DatasetError(
            f"The recipe app has no event type {', '.join(map(repr, unknown))}. Ask for {', '.join(TYPES)}."
        )
    return [TYPES.index(name) for name in sorted(names)]


def _ids(people: Users) -> pa.Array:
    return pa.array([f"u{number:07d}" for number in people.number])


def _play(world: World, people: Users, rng: np.random.Generator) -> pa.Table:
    """Draw all events of some users: visits, what each visit has of each type, then the details."""
    days = np.arange(world.days)
    chance = people.visit_probability(world.demand(days))
    there = (people.arrives[:, None] < days) & (days < people.leaves[:, None])
    visits = rng.random(chance.shape) < chance
    visitor, day = np.nonzero((visits & there) | (days == people.arrives[:, None]))
    counts = rng.poisson(people.per_visit[world.regime(day), visitor])
    counts[:, TYPES.index("open")] += 1

    visit, kind = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), len(TYPES))
    began = rng.triangular(0, BUSIEST, 1 - LONGEST, len(day))
    clock = ((began[visit] + LONGEST * rng.random(len(visit))) * DAY).astype(np.int64)
    epoch_day = (world.start - date(1970, 1, 1)).days
    seconds = rng.exponential(VIEW_SECONDS, len(visit))
    recipe = (len(RECIPES) * rng.random(len(visit)) ** 3).astype(np.int64)  # the cube makes some popular
    return pa.table(
        [
            _ids(people).take(pa.array(visitor[visit])),
            pa.array((epoch_day + day[visit]) * DAY + clock).cast(pa.timestamp("us", tz="UTC")),
            pa.array(TYPES).take(pa.array(kind)),
            pa.array(seconds, mask=kind != TYPES.index("view")),
            RECIPES.take(pa.array(recipe, mask=kind < TYPES.index("view"))),
        ],
        schema=EVENTS,
    )
