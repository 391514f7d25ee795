"""Put another registered version in use by hand: written down first, then the alias moves."""

from dataclasses import dataclass
from datetime import date

from lib.config.bases import ModelConfig
from lib.errors import ModelError
from lib.registry import versions
from lib.stages.champion import load_of_today
from lib.stages.context import Context
from lib.stages.records import is_low_evidence, read_decisions, write_decision

SKILL = "skill_over_base_rate"  # its interval reaches below 0: low evidence


@dataclass(frozen=True)
class Moved:
    """What a move by hand did."""

    version: str
    summary: str


def promote(context: Context[ModelConfig], version: str) -> Moved:
    """Put one version in use, whatever its evidence.

    Raises
    ------
    ModelError
        If the version is in use already, or its pair is not whole or of another definition of features.
    """
    config = context.config
    champion = context.registry.champion(config.question)
    if champion == version:
        raise ModelError(f"Version {version} is in use already for {config.question}. Promote another one.")
    return _move(context, "promoted", version, f"by hand, in the place of version {champion or 'none'}")


def rollback(context: Context[ModelConfig]) -> Moved:
    """Put the version in use again that was in use before the champion.

    Raises
    ------
    ModelError
        If no version is in use, none was before, or the pair of that one is not whole.
    """
    config, registry = context.config, context.registry
    champion = registry.champion(config.question)
    if champion is None:
        raise ModelError(f"No model is in use for {config.question}. Run retrain, or promote a version.")
    were = {version.prediction_version for version in registry.versions(config.question) if version.was_in_use}
    version = versions.version_before(read_decisions(context.tables, config.question), champion, were)
    if version is None:
        raise ModelError(
            f"Version {champion} is the first that was in use for {config.question}: there is none to go back to. "
            "Promote a version by its number."
        )
    return _move(context, "rolled_back", version, f"by hand, from version {champion}")


def _move(context: Context[ModelConfig], kind: str, version: str, how: str) -> Moved:
    config, tables, registry = context.config, context.tables, context.registry
    pair = load_of_today(registry, config.question, version)
    listed = {one.prediction_version: one for one in registry.versions(config.question)}[version]
    decisions = read_decisions(tables, config.question)
    # Where the first pair of a question was not promoted, no decision was made yet.
    as_of = decisions["as_of"].iloc[-1] if len(decisions) else date.fromisoformat(listed.as_of)
    low = is_low_evidence(tables, config.question, version) or listed.intervals.get(SKILL, (0.0, 0.0))[0] < 0
    write_decision(
        config, tables, as_of, kind, pair, "", f"{kind.replace('_', ' ').capitalize()} {how}.", low_evidence=low
    )
    registry.promote(config.question, version, as_of)
    return Moved(version, f"Version {version} is in use for {config.question}: {kind.replace('_', ' ')} {how}.")
