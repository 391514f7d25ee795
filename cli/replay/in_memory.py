"""Replays in memory: single runs as tasks of a few processes, in an order that keeps all of them busy."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing.process import parent_process

from cli.replay.request import Request
from cli.replay.store import Remembered, Store, read_activity, read_past, write_past
from lib.backtest import replay
from lib.backtest.replay import EVERY, GATE, NEVER, RUN_BY_RUN, Replayed, SharedTables
from lib.config.stages import RetrainConfig
from lib.errors import PropensityError
from lib.registry.memory import MemoryRegistry
from lib.stages import retrain
from lib.stages.context import Context

_PROCESSES = 4  # more would wait for the gate, whose runs follow each other
Told = Callable[[str, date, Replayed | None, int], None]  # policy, as_of, what came of it, how many tasks are left


@dataclass(frozen=True)
class Task:
    """One run of a policy; or, without one, the challenger of a day that needs no champion."""

    policy: str
    as_of: date


def run_all(request: Request, parameters: dict[str, str], store: Store, told: Told) -> None:
    """Do all that is not done yet; `told` hears of each task as it ends."""
    if not store.past.exists():
        activity, _ = read_activity(store)
        write_past(store, SharedTables.of(activity, request.days, parameters, _silent))
    left = _Left.of(request, store)
    running: dict[Future[Replayed | None], Task] = {}
    with _pool() as pool:
        while running or left:
            for task in left.ready(busy=set(running.values()))[: _workers() - len(running)]:
                running[pool.submit(perform, store, parameters, task)] = task
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                task, came = running.pop(future), future.result()
                left.done(task)
                told(task.policy, task.as_of, came, len(left))


def perform(store: Store, parameters: dict[str, str], task: Task) -> Replayed | None:
    """Do one task, in whatever process; a run's result, which is kept by then."""
    past, make = read_past(store), Remembered(store, time.perf_counter)
    began = time.perf_counter()
    if not task.policy:
        config = RetrainConfig.from_widgets(replay.widget_values(parameters, EVERY, task.as_of))
        with suppress(PropensityError):  # the run that needs this challenger will say so
            retrain.run(Context(config, past.tables(task.as_of, {}), MemoryRegistry(), _silent), make)
        return None
    state = store.load(task.policy)
    tables = past.tables(task.as_of, state.tables)
    run = replay.replay(task.policy, task.as_of, parameters, tables, state.registry, _silent, make)
    run = replace(run, seconds=time.perf_counter() - began + make.seconds)
    state.runs.append(run)
    state.tables = replay.own_tables(tables)
    store.save(task.policy, state)
    return run


class _Left:
    """What is still to be done, and what of it can be begun."""

    def __init__(self, challengers: list[date], runs: dict[str, list[date]], first: date) -> None:
        self.challengers, self.runs, self.first = challengers, runs, first

    @classmethod
    def of(cls, request: Request, store: Store) -> "_Left":
        runs = {policy: list(request.days[len(store.load(policy).runs) :]) for policy in RUN_BY_RUN}
        made = {day for day in request.days if store.made(day).exists()}
        wanted = {*runs[EVERY], *(day for days in runs.values() for day in days if day == request.days[0])}
        return cls([day for day in request.days if day in wanted - made], runs, request.days[0])

    def __len__(self) -> int:
        return len(self.challengers) + sum(map(len, self.runs.values()))

    def ready(self, busy: set[Task]) -> list[Task]:
        """Tasks to begin, the most pressing first: the gate's runs follow each other, all else fills the gaps."""
        found = []
        for policy in (GATE, NEVER, EVERY):
            days = self.runs[policy][:1]
            if any(task.policy == policy for task in busy):
                continue
            found += [Task(policy, day) for day in days if not (day in self.challengers and self._needs(policy, day))]
        return found + [task for day in self.challengers if (task := Task("", day)) not in busy]

    def done(self, task: Task) -> None:
        days = self.runs[task.policy] if task.policy else self.challengers
        days.remove(task.as_of)

    def _needs(self, policy: str, day: date) -> bool:
        """Whether a run surely asks for the challenger of its day."""
        return policy == EVERY or day == self.first


def _workers() -> int:
    return min(os.cpu_count() or 1, _PROCESSES)


@contextmanager
def _pool() -> Iterator[ProcessPoolExecutor]:
    """Processes with one thread each, which end with this one, whichever way it ends."""
    threads = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    os.environ.update(dict.fromkeys(threads, "1"))  # read when numpy is loaded: a fresh process inherits it
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(_workers(), mp_context=context, initializer=_end_with_parent)
    try:
        yield pool
        pool.shutdown()
    except BaseException:
        for process in multiprocessing.active_children():  # what they were at, the next call does again
            process.kill()
        pool.shutdown(cancel_futures=True)
        raise
    finally:
        for name, text in threads.items():
            os.environ.pop(name) if text is None else os.environ.update({name: text})


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None

    def end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def _silent(_: str) -> None:
    """A replay of a hundred runs tells of each in one line, not of its trials."""
