"""Score one task with the outside models of a folder's `par.py`, in an environment of their own.

    PYTHON -P outside.py TASKS FOLDER                          prints the tasks as JSON
    PYTHON -P outside.py FOLDER LOGS TASK POOL FILE            scores the newest POOL cutoffs, fitted once before them

FOLDER holds `par.py`, LOGS the logs that it is to read, which may be a sample. FILE becomes a `.npz`: user, cutoff (day
number), y, one array for each model, and `seconds`, the CPU seconds of all of them together. It needs what `par.py`
needs and nothing of this project.
"""

import importlib.util
import json
import sys
import time
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


def main(words: list[str]) -> None:
    """List tasks, or score one."""
    if words[0] == "TASKS":
        print(json.dumps(load_par(Path(words[1])).TASKS, default=date.isoformat))
        return
    folder, logs, name, pool, file = words
    par: Any = load_par(Path(folder))
    par.HERE = logs
    began = time.process_time()
    scores = score_task(par, par.TASKS[name], int(pool))
    np.savez_compressed(file, seconds=time.process_time() - began, **scores)


def load_par(folder: Path) -> ModuleType:
    """The module `par.py` of a folder."""
    spec = importlib.util.spec_from_file_location("par", folder / "par.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def score_task(par: Any, task: dict[str, Any], pool: int) -> dict[str, Any]:
    """The probabilities of every outside model at the pooled cutoffs. It measures them; what it measures is kept."""
    log = par.load(task)
    last = par.num(task["last"])
    cutoffs = [last - n * task["step"] for n in range(task["n"])][::-1]
    features = {cutoff: par.features(log, cutoff, task) for cutoff in cutoffs}
    test = cutoffs[-pool:]
    train = [cutoff for cutoff in cutoffs if cutoff + task["h"] <= test[0]]
    measured: list[Any] = []
    score = par.score

    def keep(y: Any, p: Any) -> Any:
        measured.append(p)
        return score(y, p)

    par.score = keep
    found = par.predict_all(log, task, features, train, test)
    models = list(found["metrics"])
    rows = par.pl.concat([features[cutoff] for cutoff in test], how="vertical_relaxed")
    users = par.pl.read_parquet(f"{par.HERE}/{task['data']}.parquet")["user_id"].unique().sort().to_numpy()
    return {
        "user": users[rows["u"].to_numpy() - 1].astype(str), "cutoff": rows["c"].to_numpy(), "y": rows["y"].to_numpy(),
        **dict(zip(models, measured[-len(models) :], strict=True)),  # the last ones measured are the table's rows
    }  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
