"""Replays in memory: single runs as tasks of a few processes, in an order that keeps all of them busy."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

from cli.replay.challengers import ChallengerMaker
from cli.replay.processes import count_processes, start_processes
from cli.replay.progress import Progress, be_silent
from cli.replay.request import Request
from cli.replay.store import Store, read_activity, read_past, read_who, write_past
from lib.backtest import replay
from lib.backtest.replay import EVERY, GATE, NEVER, RUN_BY_RUN, Replayed, SharedTables
from lib.config.stages import RetrainConfig
from lib.errors import PropensityError
from lib.registry.memory import MemoryRegistry
from lib.stages import retrain
from lib.stages.context import Context


@dataclass(frozen=True)
class Task:
    """One run of a policy; or, without one, the challenger of a day that needs no champion."""

    policy: str
    as_of: date


def run_all(request: Request, parameters: dict[str, str], store: Store, progress: Progress) -> None:
    """Do all that is not done yet."""
    backlog = _Backlog.of(request, store)
    if not store.past.exists():
        activity, _ = read_activity(store)
        write_past(store, SharedTables.extract(activity, request.days, parameters, be_silent, read_who(store)))
    running: dict[Future[Replayed | None], Task] = {}
    with start_processes() as pool:
        while running or backlog:
            for task in backlog.next_tasks(busy=set(running.values()))[: count_processes() - len(running)]:
                running[pool.submit(perform, store, parameters, task)] = task
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                task, run = running.pop(future), future.result()
                backlog.remove(task)
                progress.report(task.policy, task.as_of, run, len(backlog))


def perform(store: Store, parameters: dict[str, str], task: Task) -> Replayed | None:
    """Do one task, in whatever process; a run's result, which is kept by then."""
    past, make = read_past(store), ChallengerMaker(store, time.perf_counter)
    began = time.perf_counter()
    if not task.policy:
        config = RetrainConfig.from_widgets(replay.widget_values(parameters, EVERY, task.as_of))
        with suppress(PropensityError):  # the run that needs this challenger will say so
            retrain.run(Context(config, past.tables(task.as_of, {}), MemoryRegistry(), be_silent), make)
        return None
    state = store.load(task.policy)
    tables = past.tables(task.as_of, state.tables)
    run = replay.replay(task.policy, task.as_of, parameters, tables, state.registry, be_silent, make)
    run = replace(run, seconds=time.perf_counter() - began + make.seconds)
    state.runs.append(run)
    state.tables = replay.policy_tables(tables)
    store.write(store.state(task.policy), state)
    return run


class _Backlog:
    """What is still to be done, and what of it can be begun."""

    def __init__(self, challengers: list[date], runs: dict[str, list[date]], first: date) -> None:
        self.challengers, self.runs, self.first = challengers, runs, first

    @classmethod
    def of(cls, request: Request, store: Store) -> "_Backlog":
        runs = {policy: list(request.days[len(store.load(policy).runs) :]) for policy in RUN_BY_RUN}
        stored = {day for day in request.days if store.challenger(day).exists()}
        wanted = {*runs[EVERY], *(day for days in runs.values() for day in days if day == request.days[0])}
        return cls([day for day in request.days if day in wanted - stored], runs, request.days[0])

    def __len__(self) -> int:
        return len(self.challengers) + sum(map(len, self.runs.values()))

    def next_tasks(self, busy: set[Task]) -> list[Task]:
        """Tasks to begin, the most pressing first: the gate's runs follow each other, all else fills the gaps."""
        tasks = []
        for policy in (GATE, NEVER, EVERY):
            days = self.runs[policy][:1]
            if any(task.policy == policy for task in busy):
                continue
            tasks += [Task(policy, day) for day in days if not self._has_to_wait(policy, day)]
        return tasks + [task for day in self.challengers if (task := Task("", day)) not in busy]

    def remove(self, task: Task) -> None:
        days = self.runs[task.policy] if task.policy else self.challengers
        days.remove(task.as_of)

    def _has_to_wait(self, policy: str, day: date) -> bool:
        """Whether a run surely asks for the challenger of its day, which is still to be made."""
        return day in self.challengers and (policy == EVERY or day == self.first)
