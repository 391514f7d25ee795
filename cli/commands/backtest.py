"""`backtest`: the scheduled job replayed over the past under four policies, in a home of its own, resumable."""

import argparse
from collections.abc import Mapping

from threadpoolctl import threadpool_limits

from cli.local.home import Home, lock_home, open_home
from cli.replay import in_memory, outcome, over_delta, report
from cli.replay import request as request_rules
from cli.replay.progress import Progress
from cli.replay.request import Request
from cli.replay.source import ingest, locate_events
from cli.replay.store import Outcome, State, Store, read_activity, read_past, read_who
from lib.backtest.replay import EVERY, RUN_BY_RUN
from lib.registry.protocol import Registry


def main(arguments: argparse.Namespace) -> int:
    """Do what is left to do, then print and write what all of it came to."""
    home = open_home(arguments.home)
    with lock_home(home):
        request = request_rules.read_request(arguments, home)
        store = Store(home.root)
        if request.source.remark:
            print(request.source.remark, flush=True)
        progress = Progress()
        if not store.activity.exists():
            print("reading the events, once ...", flush=True)
            ingest(request, home, store)
        if store.outcome.exists():
            result: Outcome = store.read(store.outcome)
        else:
            parameters = locate_events(request)
            if request.stores == "memory":
                in_memory.run_all(request, parameters, store, progress)
            else:
                over_delta.run_all(request, parameters, home, store, progress)
            with threadpool_limits(1):  # many small predictions: threads would only wait for each other
                result = _judge(request, home, store)
            report.write_all(request, result, home.root)
            store.write(store.outcome, result)
    print("", *report.format_outcome(request, result), "", *_places(home), sep="\n")
    return 0


def _judge(request: Request, home: Home, store: Store) -> Outcome:
    states: Mapping[str, State]
    models: Registry
    if request.stores == "memory":
        states = {policy: store.load(policy) for policy in RUN_BY_RUN}
        past = read_past(store)
        states[EVERY].tables |= {"features": past.features, **past.growing}
        models = states[EVERY].registry
    else:
        states = {policy: over_delta.read_state(home, store, policy) for policy in RUN_BY_RUN}
        models = over_delta.open_registry(home, EVERY, request.parameters["experiment"])
    return outcome.judge(request, states, models, *read_activity(store), read_who(store))


def _places(home: Home) -> list[str]:
    names = {"page": "backtest.html", "plot": "backtest.svg", "runs": "backtest.csv"}
    return [f"{name:5} {home.root / file}" for name, file in names.items()]
