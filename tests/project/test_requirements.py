"""What is installed where: on Databricks what lib and notebooks import, on one machine and in CI the rest as well."""

import ast
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
UPLOADED = [*sorted(ROOT.glob("lib/**/*.py")), *sorted(ROOT.glob("notebooks/*.py"))]


def pins(name):
    """{package: version} of one file of requirements; lines that name another file are left out."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    asked = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in asked}


def imported(path):
    """Every module that a file imports, also inside functions and for types only, with its dots."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{name.name}" for name in node.names))


def test_databricks_installs_only_what_lib_and_notebooks_import():
    owners = packages_distributions()
    modules = {name.partition(".")[0] for path in UPLOADED for name in imported(path)}
    used = {canonicalize_name(owner) for module in modules for owner in owners.get(module, ())}
    assert len(pins("requirements.txt")) > 5
    assert set(pins("requirements.txt")) - used == set()


@pytest.mark.parametrize("path", UPLOADED, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_nothing_that_is_uploaded_imports_the_sdk(path):
    assert [name for name in imported(path) if f"{name}.".startswith("databricks.")] == []


def test_one_machine_and_ci_install_the_sdk():
    assert "databricks-sdk" in pins("requirements-local.txt")
    assert not {"databricks-sdk", "protobuf"} & set(pins("requirements.txt"))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-local.txt"])
def test_the_constraints_hold_the_versions_that_are_asked_for(name):
    constrained = pins("constraints.txt")
    assert {package: constrained.get(package) for package in pins(name)} == pins(name)
    assert "-c constraints.txt" in (ROOT / "requirements-local.txt").read_text(encoding="utf-8").splitlines()


def test_no_package_is_asked_for_in_both_files():
    assert not set(pins("requirements.txt")) & set(pins("requirements-local.txt"))
