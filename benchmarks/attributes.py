"""What attributes of users are worth where the truth is known, and whether one that knows the future is found.

    python -m benchmarks.attributes worth [--worlds 5]      about 20 s a world on one core
    python -m benchmarks.attributes leaks [--worlds 100]    about 3 s a world

Members of an invented club (`datasets.members`): a country that doubles the rate, a plan that changes, a channel and a
year of birth that mean nothing. All by `lib`, in memory.

`worth`: the same job with and without the table of users; the log loss of its lists by what then happened, of members
seen for less than 45 days and of the others, and how many expected and observed actions lie apart by country and plan.

`leaks`: of each world the sound attributes without their times, and six planted ones that know the future, each checked
by itself: which of these are found, which sound ones are taken for such.
"""

import argparse
from collections import Counter
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from datasets import members
from datasets.members import Members
from lib.attributes.columns import NOTE, TABLE, Attribute, Kind, UsersNote
from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig, PredictConfig, RetrainConfig
from lib.evaluation.leaks import LEAK
from lib.evaluation.metrics import log_losses, measure_share
from lib.features import extraction
from lib.registry.memory import MemoryRegistry
from lib.stages import predict, retrain, train
from lib.stages.attributes import choose_attributes, find_leaks
from lib.stages.context import Context
from lib.tables.contracts import DAILY_ACTIVITY
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema

DAYS, HORIZON, NEW = 260, 14, 45
NOW = members.START + timedelta(days=DAYS - HORIZON)  # the label of the lists is known: the log goes on
KINDS = {"country": Kind.TEXT, "plan": Kind.TEXT, "channel": Kind.TEXT, "born": Kind.NUMBER, "joined": Kind.DATE}
GIVEN = defaults() | {
    "schema": "club", "events": "club.events", "models": "club.propensity", "experiment": "club", "run_id": "one",
    "action": "buy", "horizon_days": str(HORIZON), "cohort_days": "90", "max_cutoffs": "8", "n_trials": "1",
    "users": "club.members", "as_of": str(NOW), "reasons": "0",
}  # fmt: skip


def put_club(club: Members) -> MemoryTables:
    """Tables that hold the activity of a club."""
    tables, events = MemoryTables(), club.events()
    rows = events.assign(known_day=events["day"], value=np.nan, items=None)
    tables.stored["daily_activity"] = pa.Table.from_pandas(
        rows[list(DAILY_ACTIVITY)], schema=arrow_schema(DAILY_ACTIVITY), preserve_index=False
    )
    return tables


def put_users(tables: MemoryTables, users: pd.DataFrame, kinds: dict[str, Kind]) -> None:
    """A table of users in its place, as the job reads one."""
    is_timed = "valid_from" in users
    attributes = tuple(Attribute(name, kind, is_timed) for name, kind in kinds.items())
    rows = users.sort_values(["user_id", *(["valid_from"] if is_timed else [])])
    columns = {
        "user_id": pa.array(rows["user_id"], pa.string()),
        "valid_from": pa.array(rows["valid_from"] if is_timed else [None] * len(rows), pa.date32()),
        "known_day": pa.nulls(len(rows), pa.date32()),
        "number": pa.array(rows.groupby("user_id").cumcount() + 1, pa.int64()),
    }
    for one in attributes:
        values = list(rows[one.name])
        if one.kind is Kind.DATE:
            values = [None if pd.isna(day) else float((day - date(1970, 1, 1)).days) for day in values]
        kind = pa.float64() if one.kind in (Kind.DATE, Kind.NUMBER) else pa.string()
        columns[one.stored] = pa.array(values, kind, from_pandas=True)
    tables.replace(TABLE, pa.table(columns), "1 = 1")
    tables.set_property(TABLE, NOTE, UsersNote("club.members", attributes).to_json())


def be_silent(*_: object) -> None:
    """Say nothing."""


def make_list(club: Members, *, with_users: bool, seed: int) -> pd.DataFrame:
    """The list of a first run: user_id, propensity, label, seen (days since the first event)."""
    tables = put_club(club)
    put_users(tables, club.users(), KINDS)
    given = GIVEN | ({} if with_users else {"users": ""}) | {"seed": str(seed)}
    config = ExtractConfig.from_widgets(given.__getitem__)
    finish = partial(choose_attributes, config, tables, say=be_silent)
    extraction.build_missing(config, tables, NOW, finish=finish)
    learning = RetrainConfig.from_widgets(given.__getitem__)
    registry = MemoryRegistry()
    train.run(Context(learning, tables, registry, be_silent))
    retrain.run(Context(learning, tables, registry, be_silent))
    predict.run(Context(PredictConfig.from_widgets(given.__getitem__), tables, registry, be_silent))
    rows = tables.query(
        f"SELECT p.user_id, p.propensity, f.tenure AS seen FROM {{predictions}} p JOIN {{features}} f "
        f"ON p.user_id = f.user_id AND p.cutoff = f.cutoff WHERE p.cutoff = DATE '{NOW}' ORDER BY p.user_id"
    )
    bought = club.buys[:, DAYS - HORIZON :].sum(axis=1) > 0
    return rows.assign(label=rows["user_id"].map(dict(zip(club.ids, bought.astype(int), strict=True))))


def show_worth(first: int, worlds: int) -> None:
    """Log losses without and with attributes, and levels by segment."""
    print("world  seen      users  without  with     less    ", flush=True)
    inside = Counter[bool]()
    pooled: dict[str, list[np.ndarray]] = {}
    for seed in range(first, first + worlds):
        club = members.draw(seed=seed, members=8_000, days=DAYS)
        without, told = (make_list(club, with_users=flag, seed=seed) for flag in (False, True))
        for what, mask in (("< 45 days", told["seen"] < NEW), (">= 45", told["seen"] >= NEW)):
            losses = [
                log_losses(one["label"].to_numpy(), one["propensity"].to_numpy())[mask] for one in (without, told)
            ]
            one, other = (loss.mean() for loss in losses)
            pooled.setdefault(what, []).append(np.array([losses[0].sum(), losses[1].sum(), mask.sum()]))
            print(f"{seed:<6} {what:<9} {mask.sum():<6} {one:.4f}   {other:.4f}   {1 - other / one:7.2%}", flush=True)
        plan = np.where(club.plus_from < DAYS - HORIZON, "plus", "free")
        for values in (club.country, plan):
            segment = told["user_id"].map(dict(zip(club.ids, values, strict=True)))
            for _, rows in told.groupby(segment):
                if len(rows) >= 100:
                    share = measure_share(int(rows["label"].sum()), len(rows))
                    inside[share.low <= rows["propensity"].mean() <= share.high] += 1
    for what, sums in pooled.items():
        one, other, n = np.sum(sums, axis=0)
        print(f"all    {what:<9} {n:<6.0f} {one / n:.4f}   {other / n:.4f}   {1 - other / one:7.2%}")
    print(f"levels of segments inside the 90 % interval of what happened: {inside[True]} of {inside.total()}")


def plant(club: Members, rng: np.random.Generator) -> dict[str, tuple[Kind, list[Any]]]:
    """Attributes as a table of today may hold them that were written when somebody bought, by what they are called."""
    until = DAYS - HORIZON
    buys = club.buys[:, :until] > 0
    ever, n = buys.any(axis=1), len(buys)
    last = np.where(ever, until - 1 - buys[:, ::-1].argmax(axis=1), -1)
    recent = last >= until - 28
    noise = rng.random(n)
    upgraded = rng.random(n) < 1 - 0.5 ** buys[:, -90:].sum(axis=1)  # half of those who buy are talked into it
    return {
        "last_order": (Kind.DATE, [members.START + timedelta(days=int(day)) if day >= 0 else None for day in last]),
        "is_customer": (Kind.FLAG, ["true" if one else "false" for one in np.where(noise < 0.05, noise < 0.025, ever)]),
        "address": (Kind.TEXT, [f"street {k % 50}" if one else None for k, one in enumerate(ever & (noise < 0.9))]),
        "status": (Kind.TEXT, list(np.where(np.where(noise < 0.1, noise < 0.05, recent), "active", "dormant"))),
        "upgraded": (Kind.FLAG, ["true" if one else "false" for one in upgraded]),
        "orders": (Kind.NUMBER, list(club.buys[:, :until].sum(axis=1).astype(float))),
    }


def show_leaks(first: int, worlds: int, size: int) -> None:
    """How many planted leaks are found, by kind, and how many sound attributes are taken for one."""
    found, false_alarms, worlds_alarmed = Counter[str](), Counter[str](), 0
    for seed in range(first, first + worlds):
        club = members.draw(seed=1_000 + seed, members=size, days=DAYS)
        tables = put_club(club)
        users = club.users()
        today = users.drop_duplicates("user_id", keep="last").drop(columns="valid_from")
        rng = np.random.default_rng(seed)
        planted = plant(club, rng)
        rows = today.sort_values("user_id")
        for name, (_, values) in planted.items():
            rows[name] = values
        kinds = KINDS | {name: kind for name, (kind, _) in planted.items()}
        put_users(tables, rows, kinds)
        few = {"seed": str(seed), "cadence_days": "28", "max_cutoffs": "3"}  # the newest and the oldest are looked at
        config = ExtractConfig.from_widgets((GIVEN | few).__getitem__)
        done, _, _ = extraction.build_missing(config, tables, NOW)
        findings = find_leaks(config, tables, done.cutoffs, [Attribute(name, kind) for name, kind in kinds.items()])
        leaks = {one.attribute.name for one in findings if one.finding == LEAK}
        found.update(leaks & set(planted))
        false_alarms.update(leaks & set(KINDS))
        worlds_alarmed += bool(leaks & set(KINDS))
    print(f"planted, found in so many of {worlds} worlds: " + ", ".join(f"{k} {found[k]}" for k in planted))
    print(f"worlds with a sound attribute taken for a leak: {worlds_alarmed}; by attribute: {dict(false_alarms)}")


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("worth", "leaks"))
    parser.add_argument("--worlds", type=int)
    parser.add_argument("--members", type=int, default=4_000, help="of a world in which leaks are planted")
    parser.add_argument("--first", type=int, default=0, help="the number of the first world")
    given = parser.parse_args()
    if given.what == "worth":
        show_worth(given.first, given.worlds or 5)
    else:
        show_leaks(given.first, given.worlds or 100, given.members)


if __name__ == "__main__":
    main()
