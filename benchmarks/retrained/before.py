"""Train a first run with the build at e755a24, and note what `retrain` cost and what its pair then scored.

    PYTHONPATH=BEFORE PYTHON -P before.py LOG TASK FOLDER OUTSIDE

TASK is JSON: action, horizon_days, cohort_days, and cutoffs as ISO days, the day of the run first. FOLDER gets what
`benchmarks.automl.ours` writes there too: `ours.parquet` and `ours.json`. OUTSIDE is the file that counts CPU seconds.
What is imported from `lib` is of BEFORE, which has other rooms than this build.
"""

import importlib
import importlib.util
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd


def main(log: str, task: str, folder: str, outside: str) -> None:
    """Train, score and write."""
    asked = json.loads(task)
    cutoffs = [date.fromisoformat(day) for day in asked.pop("cutoffs")]
    names = ("config", "contracts", "extraction", "labels", "memory_registry", "memory_tables", "pipeline", "errors")
    lib: dict[str, Any] = {name: importlib.import_module(f"lib.{name}") for name in names}
    widgets = importlib.import_module("benchmarks.journey").widgets(**asked)
    extract, config = (lib["config"].__dict__[name].from_widgets(widgets.__getitem__) for name in
                       ("ExtractConfig", "RetrainConfig"))  # fmt: skip
    tables, registry = lib["memory_tables"].MemoryTables(), lib["memory_registry"].MemoryRegistry()
    tables.replace("daily_activity", daily_activity(log, lib["contracts"]), "1 = 1")
    lib["extraction"].build(extract, tables, cutoffs[0])
    lib["pipeline"].train(config, tables, registry, print_nothing)
    clock = load_clock(Path(outside))
    began, version = clock(), "1"
    try:
        version = lib["pipeline"].retrain(config, tables, registry, print_nothing).pair.prediction_version
    except lib["errors"].NotPromoted:  # what it would score with is compared all the same
        pass
    seconds = clock() - began
    pair, frames = registry.load(config.question, version), []
    for cutoff in cutoffs:
        lib["extraction"].build(extract, tables, cutoff)
        cohort = tables.query(lib["labels"].labelled_cohort(config.question, [cutoff], date.max))
        columns = {"user": cohort["user_id"], "cutoff": cutoff, "y": cohort["label"], "p": pair.score(cohort)}
        frames.append(pd.DataFrame(columns))
    pd.concat(frames, ignore_index=True).to_parquet(Path(folder, "ours.parquet"), index=False)
    Path(folder, "ours.json").write_text(json.dumps({"seconds": seconds}), encoding="utf-8")


def daily_activity(log: str, contracts: Any) -> Any:
    """Events summed up as that build's `daily_activity` holds them."""
    rows = duckdb.connect().sql(
        "SELECT user_id, event_time::DATE AS day, event_type, event_time::DATE AS known_day, count(*) AS count, "
        f"sum(value) AS value, list_sort(list_distinct(list(item_id))) AS items FROM '{log}' GROUP BY ALL ORDER BY ALL"
    )
    return rows.to_arrow_table().cast(contracts.arrow_schema(contracts.DAILY_ACTIVITY))


def load_clock(file: Path) -> Any:
    """`group_seconds` of this build."""
    spec = importlib.util.spec_from_file_location("outside", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.group_seconds


def print_nothing(_: str) -> None:
    """Say nothing of what a stage does."""


if __name__ == "__main__":
    main(*sys.argv[1:])
