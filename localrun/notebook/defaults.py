"""Other defaults in a notebook's widgets: the copy that a person opens begins where a run has ended."""

import ast
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

_DECLARES = ("text", "dropdown", "combobox", "multiselect")


def fill_defaults(notebook: "NotebookNode", values: Mapping[str, str]) -> list[str]:
    """Write values into the widgets that a notebook declares with texts; the names of those that were written.

    A value that a dropdown does not offer is left out: the notebook would refuse to declare it.
    """
    filled: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "dbutils.widgets" in cell.source:
            cell.source = _fill(cell.source, values, filled)
    return filled


def _fill(source: str, values: Mapping[str, str], filled: list[str]) -> str:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a cell of another language, or with a magic
        return source
    lines = source.encode().split(b"\n")  # in bytes, as the tree counts columns
    for name, default in sorted(
        _defaults(tree, values), key=lambda found: (found[1].lineno, found[1].col_offset), reverse=True
    ):
        line = lines[default.lineno - 1]
        literal = json.dumps(values[name], ensure_ascii=False).encode()
        lines[default.lineno - 1] = line[: default.col_offset] + literal + line[default.end_col_offset :]
        filled.append(name)
    return b"\n".join(lines).decode()


def _defaults(tree: ast.AST, values: Mapping[str, str]) -> Iterator[tuple[str, ast.Constant]]:
    """The widgets that have another value, each with the literal of its default."""
    declaring = [f"dbutils.widgets.{kind}" for kind in _DECLARES]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in declaring:
            continue
        match node.args:
            case [ast.Constant(str(name)), ast.Constant(str(before)) as default, *others] if name in values:
                offered = others[0] if others and isinstance(others[0], ast.List) else None
                choices = (
                    [choice.value for choice in offered.elts if isinstance(choice, ast.Constant)] if offered else []
                )
                if values[name] != before and (not choices or values[name] in choices):
                    yield name, default
