"""How far the inputs have moved since a pair learnt: how its features are spread, and which event types it reads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from lib.attributes.columns import is_attribute
from lib.evaluation.measured import Measured
from lib.features.vocabulary import OTHER, type_prefix
from lib.models.estimators import is_lifetime

BINS = 10
DRIFTED = 0.25  # the customary limit of a population stability index above which a shift is called large
NOISE = 0.05  # on either side, as with the intervals over users
RECENT_DAYS = 28  # whose events are asked for types that are read otherwise now
COUNTED = pa.schema({"users": pa.int64(), "counts": pa.list_(pa.int64()), "own_types": pa.list_(pa.string())})
SHOWN = ("feature", "psi", "low", "high", "drifted")


def reference_spread(X: pd.DataFrame, cutoff: date) -> dict[str, Any]:
    """Keep how the features of the newest cutoff learnt from were spread: small, and anything that JSON holds.

    Parameters
    ----------
    X : DataFrame[feature float32]
        One row per user of the cutoff's cohort.

    Returns
    -------
    {"cutoff": ISO day, "rows": n, "types": [names], "columns": {feature: {"edges": [...], "shares": [...]}}}
        Edges are observed values; a bin ends with its edge, and the last one holds what lies above. `types` are the
        event types with columns of their own.
    """
    names = [name for name in X if not _is_aging(str(name), X)]
    values = X[names].to_numpy(np.float64)
    cuts = np.quantile(values, np.arange(1, BINS) / BINS, axis=0, method="inverted_cdf")
    columns = {}
    for place, name in enumerate(names):
        edges = np.unique(cuts[:, place])
        counts = _counts(values[:, place], edges)
        columns[name] = {"edges": edges.tolist(), "shares": np.round(counts / len(X), 6).tolist()}
    return {"cutoff": cutoff.isoformat(), "rows": len(X), "types": sorted(_own_types(X)), "columns": columns}


@dataclass(frozen=True)
class Counted:
    """What is counted of today's features, to be held against a reference."""

    users: int
    counts: Mapping[str, npt.NDArray[np.float64]]  # of each feature of the reference, users by its bins
    own_types: frozenset[str]  # event types with columns of their own


def count_features(then: Mapping[str, Any], X: pd.DataFrame) -> pa.Table:
    """Count some rows of features by the bins of a reference: one row, `COUNTED`.

    Parameters
    ----------
    X : DataFrame[feature float32]
        A column that the reference has and these lack counts as 0, and so does what is null.
    """
    values = X.reindex(columns=list(then["columns"])).astype(np.float64).fillna(0.0)
    counts = [
        _counts(values[name].to_numpy(), np.array(spread["edges"])).astype(np.int64)
        for name, spread in then["columns"].items()
    ]
    flat = np.concatenate([np.zeros(0, np.int64), *counts])
    return pa.table({"users": [len(X)], "counts": [flat], "own_types": [sorted(_own_types(X))]}, schema=COUNTED)


def sum_counts(then: Mapping[str, Any], counted: pa.Table) -> Counted:
    """Put together what was counted of several parts."""
    sizes = [len(spread["edges"]) + 1 for spread in then["columns"].values()]
    total = np.sum([np.zeros(sum(sizes)), *counted["counts"].to_pylist()], axis=0)
    parts = np.split(total, np.cumsum(sizes)[:-1]) if sizes else []
    own_types = frozenset(kind for kinds in counted["own_types"].to_pylist() for kind in kinds)
    return Counted(sum(counted["users"].to_pylist()), dict(zip(then["columns"], parts, strict=True)), own_types)


def compare_features(then: Mapping[str, Any], now: Counted) -> pd.DataFrame:
    """Compare today's features with the reference by the population stability index, largest first.

    PSI is the sum over bins of `(now - then) * ln(now / then)`. Without any drift it is not 0 but about
    `(1/n + 1/m)` times a chi-square number with one degree less than there are bins (Yurdakul, "Statistical
    Properties of Population Stability Index", 2018): that noise is taken off, so that few users drift no more
    often than many.

    Returns
    -------
    DataFrame[feature, psi, low, high, drifted]
        `psi` less its mean noise, with a 90 % interval, none below 0; `drifted` where psi is above `DRIFTED`.
    """
    from scipy.special import chdtri

    rows = []
    scale = 1 / then["rows"] + 1 / max(now.users, 1)
    for name, spread in then["columns"].items():
        counts = now.counts[name]
        psi = _psi(np.array(spread["shares"]) * then["rows"], counts)
        free = len(counts) - 1
        noise = scale * free, scale * chdtri(free, NOISE), scale * chdtri(free, 1 - NOISE)
        rows.append((name, *(max(0.0, psi - part) for part in noise)))
    compared = pd.DataFrame(rows, columns=list(SHOWN[:-1]))
    return compared.assign(drifted=compared["psi"] > DRIFTED).sort_values("psi", ascending=False, ignore_index=True)


def drifted_share(compared: pd.DataFrame) -> Measured:
    """The share of features whose PSI is above `DRIFTED`, and what it is at either end of their intervals."""
    shares = [float((compared[name] > DRIFTED).mean()) if len(compared) else 0.0 for name in ("psi", "low", "high")]
    return Measured(*shares)


def unseen_share(then: Mapping[str, Any], now: Counted, recent: pd.DataFrame) -> Measured:
    """The share of recent events whose type is read otherwise than a pair learnt it.

    That is one unknown then, one with columns of its own then and pooled now, or the reverse. Counted, so its
    interval is a point; 0 where nothing happened.

    Parameters
    ----------
    recent : DataFrame[event_type, since date, events int]
        How many events of each type the last `RECENT_DAYS` hold, and the day by which the type was known.
    """
    own_types, learnt = now.own_types, date.fromisoformat(then["cutoff"])
    unseen = [
        since >= learnt or (type_prefix(kind) in own_types) != (type_prefix(kind) in then["types"])
        for kind, since in zip(recent["event_type"], recent["since"], strict=True)
    ]
    total = float(recent["events"].sum())
    share = float(recent["events"][unseen].sum()) / total if total else 0.0
    return Measured(share, share, share)


def _counts(values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1).astype(float)


def _psi(then: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    """PSI of two rows of counts; half a user more in each bin keeps an empty one finite."""
    p, q = ((counts + 0.5) / (counts + 0.5).sum() for counts in (then, now))
    return float((q - p) @ np.log(q / p))


def _own_types(X: pd.DataFrame) -> set[str]:
    """The event types with columns of their own: these are covered by the log, if only for a day."""
    ending = "__covered_90"
    names = [name.removesuffix(ending) for name in map(str, X) if name.endswith(ending)]
    return {name for name in names if name != OTHER and len(X) and X[name + ending].max() > 0}


def _is_aging(column: str, X: pd.DataFrame) -> bool:
    """Whether a feature moves with the log's age alone: lifetime features, and windows that the log did not fill."""
    if is_attribute(column):
        return is_lifetime(column)
    kind, _, name = column.rpartition("__")
    if is_lifetime(column) or name.startswith("covered_") or name == "expected":
        return True
    window = re.search(r"_(\d+)$", name)
    if window is None:
        return False
    days = 90 if name.startswith("faded_") else window[1]  # what fades is nearly gone by then
    covers = [f"covered_{days}", f"{kind}__covered_{days}"]
    return any(X[cover].min() < 1 for cover in covers if cover in X)
