"""`undo RUN`: what the loads of a run, and of all later ones, have done to a home goes."""

import argparse
import json
from dataclasses import replace
from datetime import UTC, datetime

from cli.errors import CliError
from cli.local import questions
from cli.local.home import lock_home, new_run_id, open_home


def main(arguments: argparse.Namespace) -> int:
    """Undo them, without Spark, and say what the next run does."""
    home = open_home(arguments.home)
    record = home.runs / arguments.run / "run.json"
    if not record.is_file():
        raise CliError(f"No record of a run {arguments.run} is in {home.runs}. Their folders are named by their ids.")
    run = json.loads(record.read_text(encoding="utf-8"))
    configs = [
        replace(config, run_id=new_run_id(datetime.now(UTC)))
        for config in questions.known_questions(home)
        if config.schema == run["parameters"]["schema"]
    ]
    if not configs:
        raise CliError(
            f"There are no models of the schema {run['parameters']['schema']}, where run {run['run_id']} was."
        )
    from cli.local.file_tables import FileTables
    from cli.local.landing import write_pages
    from lib.registry.mlflow_registry import MlflowRegistry
    from lib.stages.context import Context
    from lib.stages.undo import undo
    from lib.stages.undone import Since

    with lock_home(home):
        tables = FileTables(home.warehouse, questions.schema(configs[0]))
        contexts = [
            Context(config, tables, MlflowRegistry(config.models, config.experiment), print) for config in configs
        ]
        later = tuple(
            sorted(name for path in home.runs.glob("*/run.json") if (name := path.parent.name) > run["run_id"])
        )
        since = Since(run["run_id"], datetime.fromisoformat(run["started"]), later)
        for line in undo(contexts, tables, since):
            print(line, flush=True)
        write_pages(home)
    print("Mend the load before the next run: it reads again what the source has of these days.")
    return 0
