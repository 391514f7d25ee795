"""Read databricks.yml and the job files it includes, as the Databricks CLI would deploy them.

One target's overrides are laid over the merged files, and `${...}` is filled in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localrun.bundle.files import merge, read_included, read_yaml
from localrun.bundle.settings import job_settings
from localrun.errors import LocalRunError
from localrun.sdk import JobSettings

_VARIABLE_KEYS = {"default", "description", "type", "lookup"}
_REFERENCE = re.compile(r"\$\{([^{}]*)\}")
_VARIABLE_USED = re.compile(r"\$\{var\.([\w-]+)")
# Kinds of resources beside jobs that are passed over: on one machine the home holds tables, files and searches, and
# nobody draws a dashboard or serves a model.
_PASSED_OVER = {
    "schemas", "volumes", "experiments", "dashboards", "alerts", "quality_monitors", "model_serving_endpoints",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job: its key and number in the bundle, the file that first names it, and its settings.

    The number stands for the id that a workspace gives it: `${resources.jobs.KEY.id}`.
    """

    key: str
    id: int
    file: str
    settings: JobSettings


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle as one target would deploy it; `tree` is all of it that is not jobs, references filled in."""

    root: Path
    target: str
    jobs: Mapping[str, Job]
    tree: Mapping[str, Any]
    unused: Sequence[str]  # declared variables that nothing refers to, in any target

    def job(self, key: str) -> Job:
        if key in self.jobs:
            return self.jobs[key]
        raise LocalRunError(f"{key!r} is no job of this bundle; it has {', '.join(self.jobs) or 'none'}.")


def load_bundle(root: Path, target: str | None = None, variables: Mapping[str, str] | None = None) -> Bundle:
    """Read the bundle below `root` as `target` (default: the one marked so) deploys it.

    `variables` beat every value that the files give. Paths in the settings are absolute.

    Raises
    ------
    LocalRunError
        With one line per problem, each starting with the file it is in.
    """
    tree, files = read_included(root.resolve())
    unused = (tree.get("variables") or {}).keys() - set(_VARIABLE_USED.findall(str(tree)))
    name = _target(tree, target)
    overrides = (tree.get("targets") or {}).get(name) or {}
    tree = merge(tree, _with_variables(overrides, tree))
    resources = dict(tree.get("resources") or {})
    raw_jobs = resources.pop("jobs", None) or {}
    ids = {key: {"id": number} for number, key in enumerate(raw_jobs, 1)}
    numbered = merge(tree, {"resources": {"jobs": ids}}) if ids else tree
    resolver = _Resolver(numbered, name, root.resolve(), variables or {})
    problems = [
        f"databricks.yml: resources of the kind {kind} are not known on one machine. Remove them."
        for kind in sorted(resources.keys() - _PASSED_OVER)
    ]
    jobs: dict[str, Job] = {}
    for key, raw in raw_jobs.items():
        findings: list[str] = []
        try:
            settings = job_settings(resolver.resolve(raw), findings)
        except LocalRunError as error:
            findings, settings = [str(error)], None
        problems += [f"{files[key]}: job {key}: {text}" for text in findings]
        if settings is not None:
            jobs[key] = Job(key=key, id=ids[key]["id"], file=files[key], settings=settings)
    if problems:
        raise LocalRunError("\n".join(problems))
    rest = {key: value for key, value in tree.items() if key not in ("targets", "variables")}
    rest = resolver.resolve(rest | {"resources": resources})
    return Bundle(root=root.resolve(), target=name, jobs=jobs, tree=rest, unused=sorted(unused))


def target_names(root: Path) -> list[str]:
    """The targets of the bundle, in the order of the file."""
    return list(read_yaml(root / "databricks.yml", "databricks.yml").get("targets") or {"default": None})


def _target(tree: Mapping[str, Any], target: str | None) -> str:
    targets = tree.get("targets") or {"default": None}
    if target is not None and target not in targets:
        raise LocalRunError(f"databricks.yml: there is no target {target!r}, only {', '.join(targets)}.")
    marked = [name for name, body in targets.items() if (body or {}).get("default")]
    if target is None and len(marked) != 1 and len(targets) != 1:
        raise LocalRunError(f"databricks.yml: mark one of {', '.join(targets)} with default: true.")
    return target or (marked or list(targets))[0]


def _with_variables(overrides: Mapping[str, Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """A target may give a variable's value bare; as a mapping it merges like the rest."""
    variables = overrides.get("variables") or {}
    if unknown := variables.keys() - (tree.get("variables") or {}).keys():
        raise LocalRunError(f"databricks.yml: a target sets {', '.join(sorted(unknown))}, which is not declared.")
    full = {
        name: value if isinstance(value, dict) and value.keys() <= _VARIABLE_KEYS else {"default": value}
        for name, value in variables.items()
    }
    return {**overrides, "variables": full}


class _Resolver:
    """Fills in `${...}`: variables, and whatever else the merged files say."""

    def __init__(self, tree: dict[str, Any], target: str, root: Path, given: Mapping[str, str]) -> None:
        declared: dict[str, Any] = tree.get("variables") or {}
        if unknown := given.keys() - declared.keys():
            raise LocalRunError(f"databricks.yml: there is no variable {', '.join(sorted(unknown))}.")
        # On one machine the bundle is "deployed" where it lies, by nobody in particular.
        here = {"file_path": str(root), "current_user": {"userName": "me", "short_name": "me"}}
        # A variable without a default has to be given to every deployment; none is made here, its name stands for it.
        values = {name: (body or {}).get("default", f"<{name}>") for name, body in declared.items()} | dict(given)
        self._facts = merge(tree, {"bundle": {"target": target}, "workspace": here}) | {"var": values}

    def resolve(self, node: Any, outer: tuple[str, ...] = ()) -> Any:
        """`node` with every reference replaced; one that stands alone keeps its value's type."""
        if isinstance(node, dict):
            return {key: self.resolve(value, outer) for key, value in node.items()}
        if isinstance(node, list):
            return [self.resolve(value, outer) for value in node]
        if not isinstance(node, str) or "${" not in node:
            return node
        if alone := _REFERENCE.fullmatch(node):
            return self._lookup(alone[1], outer)
        text = _REFERENCE.sub(lambda match: self._text(match[1], outer), node)
        return text if text == node else self.resolve(text, outer)  # ${a.${b}} has become ${a.value of b}

    def _text(self, path: str, outer: tuple[str, ...]) -> str:
        value = self._lookup(path, outer)
        if isinstance(value, dict | list):
            raise LocalRunError(f"${{{path}}} is a list or mapping and cannot stand inside text.")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _lookup(self, path: str, outer: tuple[str, ...]) -> Any:
        if path in outer:
            raise LocalRunError(f"${{{path}}} refers to itself by way of {' -> '.join((*outer, path))}.")
        node: Any = self._facts
        for part in path.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        if node is None:
            raise LocalRunError(
                f"${{{path}}} has no value. Names are ${{var.NAME}} of a declared variable with a default, "
                "${bundle.name}, ${bundle.target}, ${workspace.file_path}, or a key that the files set."
            )
        return self.resolve(node, (*outer, path))
