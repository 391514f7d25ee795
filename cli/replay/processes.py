"""The processes of a backtest in memory: one thread each, and none outlives the one that started it."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import parent_process

_MOST = 4  # more would wait for the gate, whose runs follow each other


def count_processes() -> int:
    return min(os.cpu_count() or 1, _MOST)


@contextmanager
def start_processes() -> Iterator[ProcessPoolExecutor]:
    """Processes with one thread each, which end with this one, whichever way it ends."""
    threads = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    os.environ.update(dict.fromkeys(threads, "1"))  # read when numpy is loaded: a fresh process inherits it
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count_processes(), mp_context=context, initializer=_end_with_parent)
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
