"""What the replays came to: a row per policy and run, and a row per policy."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from cli.replay.request import Request
from cli.replay.store import Outcome, State
from datasets import synthetic
from lib.backtest import hindsight, ratios, replay
from lib.backtest.replay import EVERY, ORACLE, RUN_BY_RUN, Replayed, WhoUsersAre
from lib.config.question import Question
from lib.evaluation.measured import Measured
from lib.registry.protocol import Registry

TRUTH = "truth"  # no policy: the invented app's own probabilities, which no model can beat but by chance
_PROMISED, _REALISED = ("log_loss", "auc"), ("log_loss", "auc", "ratio", "expected", "observed")


def judge(
    request: Request, states: Mapping[str, State], every: Registry, activity: pa.Table, until: date, who: WhoUsersAre
) -> Outcome:
    """Judge every list by what happened until `until`, beside the oracle."""
    seed = int(request.parameters["seed"])
    matured = [day for day in request.days if request.question.window(day).end <= until]
    afterwards = {policy: replay.tables_in_hindsight(state.tables, activity, who) for policy, state in states.items()}
    scored = {
        policy: hindsight.read_scored(tables, request.question, matured, until) for policy, tables in afterwards.items()
    }
    runs = {policy: list(state.runs) for policy, state in states.items()}
    runs[ORACLE], scored[ORACLE] = hindsight.choose_in_hindsight(
        runs[EVERY], afterwards[EVERY], every, request.question, scored[EVERY]
    )
    common = set(matured).intersection(*(set(rows["cutoff"]) for rows in scored.values()))
    left_out = {day: f"its horizon goes beyond {until}" for day in request.days if day not in matured}
    left_out |= {day: "not every policy had scores" for day in matured if day not in common}
    if request.noted["--source"] == "synthetic" and is_known(request.question) and "identities" not in who.tables:
        scored[TRUTH] = _truth(request, scored[EVERY])
    rows = [
        _row(run, scored[policy][scored[policy]["cutoff"] == run.as_of], run.as_of in common, seed)
        for policy, done in runs.items()
        for run in done
    ]
    counted = {policy: frame[frame["cutoff"].isin(common)] for policy, frame in scored.items()}
    table = pd.DataFrame(rows)
    return Outcome(table, _policies(table, counted, runs, seed), left_out)


def is_known(question: Question) -> bool:
    """Whether the invented app can tell the true probability of what is asked."""
    return question.is_plain and not question.starts_in_days and not question.named and not question.newcomers


def _truth(request: Request, scored: pd.DataFrame) -> pd.DataFrame:
    frames = [scored.head(0)]
    for cutoff in sorted(set(scored["cutoff"])):
        rows = scored[scored["cutoff"] == cutoff]
        propensities = synthetic.true_propensity(
            **request.world, action=request.question.action, cutoff=cutoff,
            horizon_days=request.question.horizon_days,
        )  # fmt: skip
        by_user = propensities.to_pandas().set_index("user_id")["propensity"]
        by_user = 1.0 - by_user if request.question.without else by_user
        frames.append(rows.assign(propensity=by_user.reindex(rows["user_id"]).to_numpy()))
    return pd.concat(frames, ignore_index=True)


def _row(run: Replayed, scored: pd.DataFrame, counted: bool, seed: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "policy": run.policy, "as_of": run.as_of, "answer": run.answer, "retrained": run.retrained,
        "promoted": run.promoted, "version": run.version, "counted": counted,
    }  # fmt: skip
    realised = ratios.list_quality(scored, seed) if len(scored) else {}
    row |= _ends("promised_", run.promised, _PROMISED) | _ends("", realised, _REALISED)
    return row | {"seconds": run.seconds, "stopped": run.stopped, "refused": run.refused, "reasons": run.reasons}


def _ends(prefix: str, metrics: Mapping[str, Measured], names: tuple[str, ...]) -> dict[str, float | None]:
    columns: dict[str, float | None] = {}
    for name in names:
        measured = metrics.get(name)
        for end, value in (("", "value"), ("_low", "low"), ("_high", "high")):
            columns[f"{prefix}{name}{end}"] = getattr(measured, value) if measured else None
    return columns


def _policies(
    runs: pd.DataFrame, scored: Mapping[str, pd.DataFrame], replayed: Mapping[str, list[Replayed]], seed: int
) -> pd.DataFrame:
    some = all(len(frame) for frame in scored.values())
    ratio = ratios.log_loss_ratios(scored, EVERY, seed) if some else {}
    expected = _expected_log_losses(scored) if some and TRUTH in scored else {}
    rows: list[dict[str, Any]] = []
    for policy in (*RUN_BY_RUN, ORACLE):
        of_policy = runs[runs["policy"] == policy]
        counted, used = of_policy[of_policy["counted"]], replayed[policy]
        retrains, seconds = int(of_policy["retrained"].sum()), float(of_policy["seconds"].sum())
        if policy == ORACLE:  # it needed only the pairs that it used, and what making them took
            needed = {run.version for run in used}
            pairs = [run for run in replayed[EVERY] if run.version in needed]
            retrains, seconds = len(pairs), sum(run.seconds for run in pairs)
        rows.append({
            "policy": policy, "runs": len(counted), "log_loss": counted["log_loss"].mean(),
            **_ends("", {"ratio": ratio[policy]} if ratio else {}, ("ratio",)), "retrains": retrains,
            "promotions": int(of_policy["promoted"].sum()), "seconds": seconds, "auc": counted["auc"].mean(),
            "promised": counted["promised_log_loss"].mean(),
            "realised_less_promised": (counted["log_loss"] - counted["promised_log_loss"]).mean(),
            "expected": expected.get(policy),
        })  # fmt: skip
    if expected:
        rows.append({
            "policy": TRUTH, "runs": rows[0]["runs"], "log_loss": ratios.mean_log_loss(scored[TRUTH]),
            **_ends("", {"ratio": ratio[TRUTH]}, ("ratio",)), "expected": expected[TRUTH],
        })  # fmt: skip
    return pd.DataFrame(rows)


def _expected_log_losses(scored: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Each one's expected log loss under the true probabilities, of which no chance is left."""
    keys = ["cutoff", "user_id"]
    ordered = {policy: frame.sort_values(keys) for policy, frame in scored.items()}
    truth = ordered[TRUTH]["propensity"].to_numpy(float)
    return {policy: ratios.mean_log_loss(frame, truth) for policy, frame in ordered.items()}
