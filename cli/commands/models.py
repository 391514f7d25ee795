"""`models`: every version of a home's models, what differs between two, and which is to be in use."""

import argparse
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from textwrap import wrap

from cli.arguments import build_parser
from cli.errors import CliError
from cli.local import questions, rerun
from cli.local.home import Home, lock_home, new_run_id, open_home
from cli.local.registered import registered_versions
from lib.config.bases import ModelConfig
from lib.config.kinds import model_uri, optional
from lib.registry import versions as versions_rules
from lib.registry.versions import Version
from lib.stages.context import Context

_CELL = 40  # longer texts do not stand in a table
_METRICS = {"log loss": "log_loss", "AUC": "auc"}
_HEADS = ("in use", "made, UTC", "learnt through", "judged on", *_METRICS)


def main(arguments: argparse.Namespace) -> int:
    """List, or do what was asked. Only what changes something takes the home's lock, and only that starts Spark."""
    home = open_home(arguments.home)
    configs = questions.known_questions(home)
    if arguments.action is None:
        wanted = arguments.question
        for config in configs if wanted is None else [questions.choose_question(configs, wanted)]:
            print(*_list_versions(home, config), sep="\n")
        return 0
    config = questions.choose_question(configs, arguments.question)
    if arguments.action == "diff":
        print(*_format_differences(config, *arguments.versions), sep="\n")
        return 0
    if arguments.action == "challenge":
        # a slip of the pen is told before anything starts
        uri = optional(model_uri(), "").read("challenger", arguments.uri.strip())
        return _run([*rerun.whole_job_options(home, config), "--param", f"challenger={uri}"])
    publish = (
        rerun.list_only_options(home, config) if arguments.publish else []
    )  # what cannot be done is said before the move
    with lock_home(home):
        _move(home, config, arguments)
    if publish:
        return _run(publish)
    print("The published list stays as it is. To score and publish it anew with the version in use:")
    try:
        print(f"  ./propensity {shlex.join(['run', *rerun.list_only_options(home, config)])}")
    except CliError as error:
        print(f"  {error}")
    return 0


def _list_versions(home: Home, config: ModelConfig) -> Iterator[str]:
    versions = registered_versions(home, config)
    decisions = questions.rows(home, config, "decisions")
    were = {version.prediction_version for version in versions if version.was_in_use}
    periods = versions_rules.periods_in_use(decisions, were)
    yield f"{config.question.slug}: {config.question}"
    yield from _align([("version", *_HEADS), *(_row(version, periods) for version in versions)])
    for version in versions:
        yield from _format_reasons(version, [one for one in periods if one.version == version.prediction_version])
    yield ""


def _row(version: Version, periods: list[versions_rules.Period]) -> tuple[str, ...]:
    """One version of the table; a preprocessing version that no prediction version names is an orphan."""
    if not version.prediction_version:
        return (
            f"({version.preprocessing_version})",
            "an orphan, never used",
            version.created,
            *[""] * (len(_HEADS) - 2),
        )
    spans = [one for one in periods if one.version == version.prediction_version]
    in_use = ", ".join(f"{one.since} to {one.until or 'now'}" for one in spans) or version.decision
    measured = versions_rules.format_metrics(version.metrics, version.intervals)
    metrics = (measured.get(name, "-") for name in _METRICS.values())
    return version.prediction_version, in_use, version.created, version.trained_through, version.holdout, *metrics


def _format_reasons(version: Version, periods: list[versions_rules.Period]) -> Iterator[str]:
    """How a version was made, and why it came into use, or did not."""
    if not version.prediction_version:
        return
    pair = "" if version.preprocessing_version == version.prediction_version else (
        f" (preprocessing version {version.preprocessing_version})"
    )  # fmt: skip
    yield f"  version {version.prediction_version}{pair}, as of {version.as_of}"
    yield from _wrap(versions_rules.format_params(version.params))
    if version.why not in [period.why for period in periods]:
        yield from _wrap(f"{version.decision}: {version.why}")
    for period in periods:
        yield from _wrap(f"{period.kind}, in use from {period.since} until {period.until or 'now'}: {period.why}")


def _wrap(text: str) -> list[str]:
    return wrap(text, 116, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)


def _align(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as a table, each column as wide as its longest text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip()


def _format_differences(config: ModelConfig, one: str, other: str) -> Iterator[str]:
    from lib.registry.mlflow_registry import MlflowRegistry

    registry = MlflowRegistry(config.models, config.experiment)
    versions = {version.prediction_version: version for version in registry.versions(config.question)}
    if missing := [version for version in (one, other) if version not in versions]:
        raise CliError(f"There is no version {missing[0]} for {config.question.slug}. There is {', '.join(versions)}.")
    columns = {version: registry.columns(config.question, version) for version in (one, other)}
    differences = versions_rules.compare_versions(versions[one], versions[other], columns)
    long = [row for row in differences if max(map(len, row)) > _CELL]
    yield from _align([("", f"version {one}", f"version {other}", "difference"),
                       *(row for row in differences if row not in long)])  # fmt: skip
    for name, *texts, _ in long:
        for version, text in zip((one, other), texts, strict=True):
            yield from wrap(f"{name}, version {version}: {text}", 120, subsequent_indent="  ", break_on_hyphens=False)
    if versions[one].holdout != versions[other].holdout:
        yield "They were measured on different holdouts: a difference may be one of days, and not of models."


def _move(home: Home, config: ModelConfig, arguments: argparse.Namespace) -> None:
    from cli.local.landing import write_pages
    from lib.registry.mlflow_registry import MlflowRegistry
    from lib.stages import by_hand

    config = replace(config, run_id=new_run_id(datetime.now(UTC)))
    registry = MlflowRegistry(config.models, config.experiment)
    with questions.tables(home, config, "models.log") as tables:
        if arguments.action == "promote":
            moved = by_hand.promote(Context(config, tables, registry), arguments.version)
        else:
            moved = by_hand.rollback(Context(config, tables, registry))
    print(moved.summary, flush=True)
    write_pages(home)


def _run(options: list[str]) -> int:
    from cli.commands.run import main as run

    return run(build_parser().parse_args(["run", *options]))
