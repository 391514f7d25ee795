"""`backtest`: the scheduled job replayed over the past under four policies, in a home of its own, resumable."""

import argparse
import time
from collections.abc import Mapping
from datetime import date

from threadpoolctl import threadpool_limits

from cli.local.home import Home, lock_home, open_home
from cli.replay import in_memory, outcome, over_delta, report
from cli.replay import request as request_rules
from cli.replay.outcome import Outcome
from cli.replay.request import Request
from cli.replay.source import ingest, locate_events
from cli.replay.store import State, Store, read_activity, read_past
from lib.backtest.replay import EVERY, RUN_BY_RUN, Replayed
from lib.registry.protocol import Registry


def main(arguments: argparse.Namespace) -> int:
    """Do what is left to do, then print and write what all of it came to."""
    home = open_home(arguments.home)
    with lock_home(home):
        request = request_rules.read_request(arguments, home)
        store = Store(home.root)
        if request.source.remark:
            print(request.source.remark, flush=True)
        told = _Progress()
        if not store.activity.exists():
            print("reading the events, once ...", flush=True)
            ingest(request, home, store)
        found = store.outcome()
        if found is None:
            parameters = locate_events(request)
            if request.stores == "memory":
                in_memory.run_all(request, parameters, store, told)
            else:
                over_delta.run_all(request, parameters, home, store, told)
            with threadpool_limits(1):  # many small predictions: threads would only wait for each other
                found = _outcome(request, home, store)
            report.write_all(request, found, home.root)
            store.save_outcome(found)
    print("", *report.format_outcome(request, found), "", *_places(home), sep="\n")
    return 0


def _outcome(request: Request, home: Home, store: Store) -> Outcome:
    states: Mapping[str, State]
    models: Registry
    if request.stores == "memory":
        states = {policy: store.load(policy) for policy in RUN_BY_RUN}
        states[EVERY].tables["features"] = read_past(store).features
        models = states[EVERY].registry
    else:
        states = {policy: over_delta.state(home, store, policy) for policy in RUN_BY_RUN}
        models = over_delta.registry(home, EVERY, request.parameters["experiment"])
    return outcome.outcome(request, states, models, *read_activity(store))


class _Progress:
    """Prints each run as it ends, and how much is left."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self, policy: str, as_of: date, run: Replayed | None, left: int) -> None:
        spent = time.monotonic() - self.began
        print(f"{spent:5.0f} s, {left:3} left  {policy or 'search':6} {as_of}  {_came_to(run)}", flush=True)


def _came_to(run: Replayed | None) -> str:
    if run is None:
        return "made a challenger without a champion"
    if run.stopped:
        return f"ended without scores: {run.stopped}"
    did = f", retrained and {'promoted' if run.promoted else 'rejected'}" if run.retrained else ""
    listed = f"; not published: {run.refused}" if run.refused else ""
    return f"{run.answer.replace('_', ' ')}{did}, version {run.version or 'none'}{listed}"


def _places(home: Home) -> list[str]:
    names = {"page": "backtest.html", "plot": "backtest.svg", "runs": "backtest.csv"}
    return [f"{name:5} {home.root / file}" for name, file in names.items()]
