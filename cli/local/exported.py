"""Lists that were written to files, for users who are forgotten: in whatever format a channel took them."""

from pathlib import Path

from deltalake import DeltaTable

from cli.local.home import Home
from lib.audience import files
from lib.config.kinds import is_none
from lib.stages.exporting import control_file
from localrun.run.record import past_runs


def exported_files(home: Home) -> list[Path]:
    """The files that runs and calls by hand wrote lists to, and those beside them, as far as they are still there."""
    return [file for file in _named_files(home) if file.is_file()]


def remove_drafts(home: Home) -> int:
    """Remove what calls that were cut off left beside such files, and beside reports; how many those were."""
    return files.remove_drafts(_named_files(home), home.root / "reports")


def _named_files(home: Home) -> list[Path]:
    asked = [one for _, run in past_runs(home.runs) for one in run.each_question().values()]
    named = {parameters.get("export", "") for parameters in asked}
    for log in home.warehouse.glob("*/contacts/_delta_log"):
        chosen = DeltaTable(log.parent).to_pandas(columns=["source"], filters=[("kind", "=", "chosen")])
        named |= set(chosen["source"])
    return sorted(file for name in named if not is_none(name) for file in (Path(name), Path(control_file(name))))
