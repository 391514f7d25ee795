"""Read the YAML files of a bundle and merge them, as the Databricks CLI does but aloud.

What the CLI merges or passes over without a word (a key or a task given twice, an include that matches
nothing) is an error here.
"""

import re
from collections.abc import Iterator, Mapping
from os.path import normpath
from pathlib import Path
from typing import Any

import yaml

from localrun.errors import LocalRunError

# The lists whose entries have a name, by which a target's entry is laid over the bundle's.
NAMED = {
    "tasks": "task_key",
    "parameters": "name",
    "job_clusters": "job_cluster_key",
    "environments": "environment_key",
}
_TOP = {
    "artifacts", "bundle", "experimental", "include", "permissions", "presets", "python", "resources",
    "run_as", "scripts", "sync", "targets", "variables", "workspace",
}  # fmt: skip


class _Loader(yaml.SafeLoader):
    """YAML 1.2 scalars, as the Databricks CLI reads them: `on` and 2024-06-01 are text. No key twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own class attribute

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if key.value in lines:
                text = f"the key {key.value!r} stands here and in line {lines[key.value]}; keep one"
                raise yaml.MarkedYAMLError(problem=text, problem_mark=key.start_mark)
            lines[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"~|null|", "~n\0"),
    ("bool", r"true|false", "tf"),
    ("int", r"-?(?:0|[1-9]\d*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?", "-0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])


def read_yaml(path: Path, shown: str) -> dict[str, Any]:
    """The mapping in one YAML file; an error names the file as `shown`, and the line."""
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise LocalRunError(f"{shown}: line {line}: {error.problem}.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LocalRunError(f"{shown}: cannot be read as YAML: {error}.") from error
    if not isinstance(tree, dict):
        raise LocalRunError(f"{shown}: should be a mapping of keys to values, got {type(tree).__name__}.")
    return tree


def read_included(root: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The merged files, and the file of each job."""
    tree: dict[str, Any] = {}
    places: dict[str, tuple[str, str]] = {}
    main = read_yaml(root / "databricks.yml", "databricks.yml")
    paths = [root / "databricks.yml"]
    for pattern in main.get("include") or []:
        matches = sorted(root.glob(pattern))
        if not matches:
            raise LocalRunError(f"databricks.yml: include {pattern!r} matches no file. Correct or remove it.")
        paths += [path for path in matches if path not in paths]
    for path in paths:
        shown = path.relative_to(root).as_posix()
        part = read_yaml(path, shown)
        if unknown := part.keys() - _TOP:
            raise LocalRunError(f"{shown}: {', '.join(sorted(unknown))} is no part of a bundle. Remove it.")
        for key, job in _jobs_in(part):
            _check_names_once(shown, key, job)
        for kind, key in _keys_in(part):
            if (first := places.setdefault(key, (kind, shown))) != (kind, shown):
                text = f"{kind}.{key} has the key of {first[0]}.{key} in {first[1]}"
                raise LocalRunError(
                    f"{shown}: {text}. A key names one resource, of whatever kind; rename or remove one."
                )
        tree = merge(tree, _anchor_paths(part, path.parent))
    return tree, {key: shown for key, (kind, shown) in places.items() if kind == "jobs"}


def _keys_in(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Kind and key of every resource of a file, without what its targets lay over them."""
    for kind, named in (part.get("resources") or {}).items():
        yield from ((kind, key) for key in named or {})


def _jobs_in(tree: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every job of a file, its targets' overrides included."""
    for layer in (tree, *(tree.get("targets") or {}).values()):
        yield from (((layer or {}).get("resources") or {}).get("jobs") or {}).items()


def _check_names_once(shown: str, job: str, raw: Mapping[str, Any]) -> None:
    """The CLI would merge two entries of one name, or deploy both."""
    for field, key in NAMED.items():
        names = [item.get(key) for item in raw.get(field) or [] if isinstance(item, dict)]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise LocalRunError(f"{shown}: job {job}: {field} has {', '.join(twice)} twice. Keep one.")


def _anchor_paths(node: Any, folder: Path, field: str = "") -> Any:
    """The tree with its relative paths made absolute: each is meant from the file that it stands in."""
    if isinstance(node, dict):
        return {key: _anchor_paths(value, folder, key) for key, value in node.items()}
    if isinstance(node, list):
        return [_anchor_paths(value, folder, field) for value in node]
    if field == "notebook_path" and isinstance(node, str) and not node.startswith(("/", "$")):
        return normpath(folder / node)
    if field == "dependencies" and isinstance(node, str) and node.startswith("-r "):
        return f"-r {normpath(folder / node.removeprefix('-r ').strip())}"
    return node


def merge(base: Any, over: Any, field: str = "") -> Any:
    """`over` laid on `base`: mappings by key, named lists by name, other lists joined, the rest replaced."""
    if base is None or over is None:
        return base if over is None else over
    if isinstance(base, dict) and isinstance(over, dict):
        return {key: merge(base.get(key), over.get(key), key) for key in base | over}
    if isinstance(base, list) and isinstance(over, list):
        if (key := NAMED.get(field)) is None:
            return base + over
        rest = {item.get(key): item for item in over}
        return [merge(item, rest.pop(item.get(key), None)) for item in base] + list(rest.values())
    if isinstance(base, dict | list) or isinstance(over, dict | list):
        raise LocalRunError(f"databricks.yml: {field} is a list or mapping in one place and not in another.")
    return over
