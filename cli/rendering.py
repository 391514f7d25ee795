"""The catalogue of parameters, written out into marked blocks of the notebooks, the jobs' YAML and the docs.

A block lies between a line with `parameters begin: NAME` and one with `parameters end`, whatever comment these are. All
else in a file is written by hand.
"""

import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cli.errors import CliError
from lib.config.catalogue import STAGES, group_parameters, notebook_parameters
from lib.config.parameters import Group, Parameter
from lib.config.thresholds import Thresholds
from localrun.bundle.files import read_yaml

_ABBREVIATIONS = ("AP", "AUC", "ECE")
# What each threshold judges: the metric, and what it is.
METRICS = {
    "min_skill_over_base_rate": ("skill_over_base_rate", "share of the base rate's log loss that the scores save"),
    "min_skill_over_naive": ("skill_over_naive", "the same, against the rate by recency and frequency"),
    "max_auc_drop": ("auc_kept", "AUC now minus AUC when registered"),
    "max_ap_drop": (
        "ap_kept",
        "the same of `normalised_ap`: average precision, 0 at the base rate, 1 for a perfect order",
    ),
    "max_calibration_error": ("calibration", "absolute log ratio of expected to observed actions"),
    "max_ece": ("ece", "mean distance of scores and observed rates in at most ten bins, less what noise adds"),
    "max_drifted_share": ("drifted_share", "share of the features whose PSI is above 0.25, less its noise"),
    "max_unseen_share": (
        "unseen_share",
        "share of the last 28 days' events whose type the pair reads otherwise than it learnt",
    ),
    "max_age_days": ("age_days", "days since the newest label that the pair learnt from was complete"),
}


class Block(NamedTuple):
    """One marked block: its file, its name, and the lines that belong there."""

    file: str
    name: str
    lines: Callable[[], Iterator[str]]


def rendered_files(root: Path) -> dict[Path, str]:
    """The text that each file with blocks should have.

    Raises
    ------
    CliError
        If a file, or the marks of a block, are not there.
    """
    texts: dict[Path, str] = {}
    for block in _blocks(root):
        path = root / block.file
        texts[path] = _replace(block, texts[path] if path in texts else _read(path))
    return texts


def stale_files(root: Path) -> dict[Path, str]:
    """The files that do not say what the catalogue says, with the text that they should have."""
    return {path: text for path, text in rendered_files(root).items() if text != _read(path)}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}. Restore it.") from error


def _blocks(root: Path) -> list[Block]:
    return [
        *(Block(f"notebooks/{name}.py", "widgets", partial(_widget_lines, name)) for name in (*STAGES, "workbench")),
        Block("jobs/propensity.yml", "job", _job_lines),
        Block("README.md", "table", partial(_table_lines, root)),
        Block("docs/operations.md", "metrics", _metric_lines),
    ]


def _replace(block: Block, text: str) -> str:
    """The text with what lies between the block's marks replaced, indented as the first mark is."""
    begin = rf"^([ ]*)\S.*\bparameters begin: {re.escape(block.name)}\b.*\n"
    marks = re.compile(rf"({begin})(?:.*\n)*?([ ]*\S.*\bparameters end\b)", re.MULTILINE)
    if not (found := marks.search(text)):
        raise CliError(
            f"{block.file} has no lines with 'parameters begin: {block.name}' and 'parameters end'. Restore them."
        )
    body = "".join(f"{found[2]}{line}".rstrip() + "\n" for line in block.lines())
    return text[: found.end(1)] + body + text[found.start(3) :]


def label(parameter: Parameter) -> str:
    """The words over a widget, with what leaving it blank comes to."""
    words = [word.upper() if word.upper() in _ABBREVIATIONS else word for word in parameter.name.split("_")]
    text = " ".join(words)
    shown = "" if parameter.group is Group.JOB else parameter.shown
    return text[0].upper() + text[1:] + (f": {shown}" if shown else "")


def _widget_lines(notebook: str) -> Iterator[str]:
    group = None
    for each in notebook_parameters(notebook):
        if each.group is not group:
            yield from ([""] if group else [])
            group = each.group
            yield f"# --- {group}"
        yield f"# {each.meaning}"
        if each.kind.choices:
            choices = ", ".join(f'"{word}"' for word in ("", *each.kind.choices))
            yield f'dbutils.widgets.dropdown("{each.name}", "{each.widget}", [{choices}], "{label(each)}")'
        else:
            yield f'dbutils.widgets.text("{each.name}", "{each.widget}", "{label(each)}")'


def _job_lines() -> Iterator[str]:
    for group in (Group.JOB, *(one for one in Group if one is not Group.JOB)):
        given = [each for each in group_parameters(group) if group is not Group.JOB or each.job]
        yield f"# {group}"
        yield from map(_job_line, given)


def _job_line(each: Parameter) -> str:
    comment = f" # blank: {each.shown}" if each.shown and each.group is not Group.JOB else ""
    return f'- {{name: {each.name}, default: "{each.job}"}}{comment}'


def _table_lines(root: Path) -> Iterator[str]:
    variables = read_yaml(root / "databricks.yml", "databricks.yml").get("variables") or {}
    for group in Group:
        if group is Group.JOB:
            continue
        yield from ("", f"**{group}**", "", "| parameter | default | takes | meaning |", "|---|---|---|---|")
        for each in group_parameters(group):
            cells = (f"`{each.name}`", _default_cell(each, variables), each.kind.values, each.meaning)
            yield "| " + " | ".join(cells) + " |"
    yield ""


def _default_cell(each: Parameter, variables: dict[str, dict[str, object]]) -> str:
    """What not giving it comes to: the bundle's own word comes first, where it is one."""
    variable = re.fullmatch(r"\$\{var\.(\w+)\}", each.job)
    own = str((variables.get(variable[1]) or {}).get("default") or "") if variable else ""
    return f"`{own}`" if own and "${" not in own else each.shown or (f"`{each.widget}`" if each.widget else "")


def _metric_lines() -> Iterator[str]:
    from lib.evaluation.verdict import metric_limits

    limits = {limit.metric: limit for limit in metric_limits(Thresholds.from_widgets(lambda _: ""))}
    yield from ("", "| metric | is | holds while | parameter |", "|---|---|---|---|")
    for name, (metric, meaning) in METRICS.items():
        limit = limits[metric]
        factor = f", a factor of {math.exp(limit.limit):.2f}" if metric == "calibration" else ""
        yield f"| `{metric}` | {meaning} | {limit.wanted} {limit.limit:g}{factor} | `{name}` |"
    yield ""
