"""What code calls things: a name says what it holds, not that it was found or told."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIB = sorted(ROOT.glob("lib/**/*.py"))
HIDING = {"found", "told"}


def names(parsed):
    """Every name that a module gives or uses: variables, parameters, attributes, keywords, functions and classes."""
    for node in ast.walk(parsed):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.alias(asname=name):
                yield name


@pytest.mark.parametrize("path", LIB, ids=lambda path: ".".join(path.relative_to(ROOT).with_suffix("").parts))
def test_no_name_hides_what_it_holds(path):
    assert HIDING.isdisjoint(names(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("line", [
    "found = 1", "for told in (): pass", "def f(found): ...", "f(told=1)", "one.found", "def told(): ...",
    "[found for found in ()]", "import found as told",
])  # fmt: skip
def test_the_check_notices(line):
    assert not HIDING.isdisjoint(names(ast.parse(line)))
