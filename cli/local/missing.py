"""Who of a home is not in its events any more: each schema by the parameters of its last run."""

from dataclasses import replace
from datetime import UTC, datetime

from cli.errors import CliError
from cli.local.home import Home
from cli.local.rerun import extraction_runs
from cli.local.spark import start_spark
from lib.config.catalogue import defaults
from lib.config.stages import ExtractConfig
from lib.features.missing import find_missing
from lib.tables.delta import DeltaTables

_LOG = "missing.log"
_NOW = {"as_of": "", "accept_shrunk": "", "forgotten_key": ""}  # what is asked of the events as they are today


def list_missing(home: Home) -> list[str]:
    """Sorted ids; says of each schema how many they are.

    Raises
    ------
    CliError
        If no run has read events here, or an id cannot be written down as one line.
    SourceError
        If the events are not to be trusted for this: see `find_missing`.
    """
    configs = _configs(home)
    if not configs:
        raise CliError(f"No run in {home.root} has read events yet, so nobody is missing. Run the job first.")
    users: set[str] = set()
    with start_spark(home, [name.rpartition(".")[2] for name in configs], _LOG) as spark:
        for name, config in configs.items():
            missing = find_missing(config, DeltaTables(spark, name))
            more = f"; {missing.joined} more ids are not, of users who are there by another one" * bool(missing.joined)
            print(f"{name}: {len(missing.users)} of {missing.known} users are not in {config.events!r} any more{more}")
            users |= set(missing.users)
    if broken := [user for user in users if user.splitlines() != [user]]:
        raise CliError(f"{len(broken)} ids hold line breaks, such as {broken[0]!r}: name them as arguments.")
    return sorted(users)


def _configs(home: Home) -> dict[str, ExtractConfig]:
    """The configuration of the last run that read events, for each schema."""
    configs: dict[str, ExtractConfig] = {}
    today = {"run_date": datetime.now(UTC).date().isoformat()}
    for run in extraction_runs(home):
        schema = run.parameters["schema"]
        if schema not in configs:
            config = ExtractConfig.from_widgets((defaults() | run.parameters | _NOW | today).__getitem__)
            configs[schema] = replace(config, forgotten_key=home.forgotten_key())
    return configs
