"""`audience`: the lists of a home, one for each question, and the way back to the one before."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd

from cli.arguments import given_parameters
from cli.errors import CliError
from cli.local import questions
from cli.local.home import Home, lock_home, new_run_id, open_home
from cli.local.paths import whole_paths
from lib.audience.effects import has_estimates, with_effects
from lib.audience.ranking import format_list
from lib.config.bases import ModelConfig
from lib.config.catalogue import defaults
from lib.config.exports import Export
from lib.config.stages import PublishConfig
from lib.config.thresholds import Contacts

_NEWEST = 10  # publications that are told
_OF_A_FILE = {each.name for kind in (Export, Contacts) for each in kind.parameters()} | {"suppress", "contacted"}


def main(arguments: argparse.Namespace) -> int:
    """Show the lists, write one to a file, or roll one back. The last two take the home's lock; a file needs Spark."""
    home = open_home(arguments.home)
    configs = questions.known_questions(home)
    if arguments.action is None:
        wanted = arguments.question
        for config in configs if wanted is None else [questions.choose_question(configs, wanted)]:
            print(*_format_list(home, config, arguments.head), "", sep="\n")
        return 0
    if arguments.action == "export":
        return _export(home, questions.choose_question(configs, arguments.question), arguments)
    from cli.local.file_tables import FileTables
    from cli.local.landing import write_pages
    from lib.stages import publications

    config = replace(questions.choose_question(configs, arguments.question), run_id=new_run_id(datetime.now(UTC)))
    with lock_home(home):
        tables = FileTables(home.warehouse, questions.schema(config))
        print(publications.rollback(config, tables).summary)
        write_pages(home)
    return 0


def _export(home: Home, config: ModelConfig, arguments: argparse.Namespace) -> int:
    from lib.stages import exporting

    given = whole_paths(given_parameters(arguments.param) | {"export": str(arguments.file)})
    ours = {
        "schema": config.schema, "models": config.models, "experiment": config.experiment,
        **config.question.texts(), "run_id": new_run_id(datetime.now(UTC)),
    }  # fmt: skip
    if unknown := sorted(set(given) - _OF_A_FILE):
        raise CliError(f"--param {unknown[0]} says nothing of a file. There are {', '.join(sorted(_OF_A_FILE))}.")
    texts = defaults() | ours | given
    asked = PublishConfig.from_widgets(texts.__getitem__)
    with lock_home(home), questions.tables(home, replace(config, run_id=asked.run_id), "audience.log") as tables:
        print(*exporting.export_list(asked, tables, arguments.cutoff), sep="\n")
    return 0


def _format_list(home: Home, config: ModelConfig, head: int) -> Iterator[str]:
    yield f"{config.question.slug}: {config.question}"
    audience = questions.rows(home, config, "audience")
    if audience.empty:
        yield "  no list has been published yet"
        return
    first, held = audience.iloc[0], audience["held_out"].eq(True)
    yield (
        f"  the list of {first['cutoff']}, scored by version {first['prediction_version']}: {len(audience):,} users, "
        f"{audience['propensity'].sum():,.0f} of them expected to "
        f"{config.question.words.act}, {held.sum():,} held out"
    )
    free = with_effects(audience[~held].sort_values("rank"), None, None, None)  # whom somebody may contact
    if has_estimates(free):
        yield "  those first whom a contact is estimated to move most, as order=uplift asked:"
    yield from format_list(free.head(head))
    yield "  lists so far, newest first:"
    publications = questions.rows(home, config, "publications").sort_values("number", ascending=False).head(_NEWEST)
    for row in publications.to_dict("records"):
        who = f"by run {row['run_id']}" if row["run_id"] else "by hand"
        change = "" if pd.isna(row["previous_cutoff"]) else f", {row['entered']:.0f} entered, {row['left']:.0f} left"
        yield (
            f"    {row['cutoff']}  {row['kind'].replace('_', ' ')} {who}: {row['users']} users{change}, mean "
            f"propensity {row['mean_propensity']:.4f}"
        )
