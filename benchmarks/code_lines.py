"""Count lines of code: what is neither blank, nor comment, nor docstring.

    python -m benchmarks.code_lines [FOLDER ...]    default: lib cli localrun

A statement over several lines counts as many lines as it takes.
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source: str) -> int:
    """How many lines of one module hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            lines -= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return len(lines)


def main(folders: list[str]) -> None:
    """Print the count of each folder, and of all."""
    counts = {
        folder: sum(code_lines(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).rglob("*.py")))
        for folder in folders
    }
    for folder, count in counts.items():
        print(f"{count:6} {folder}")
    print(f"{sum(counts.values()):6} all")


if __name__ == "__main__":
    main(sys.argv[1:] or ["lib", "cli", "localrun"])
