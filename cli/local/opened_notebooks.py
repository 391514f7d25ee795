"""Notebooks of a home that a person has opened and run: what they show may name users."""

import json
import re
from pathlib import Path
from typing import Any

from lib.whole_files import write_whole

_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|[^u])")


def leave_out(root: Path, words: re.Pattern[str]) -> int:
    """Take what names one of some users out of all notebooks below a home; how many those were.

    What cannot be read as a notebook of today is removed where it names one.
    An output goes whole, of a cell's text the lines: the rest is somebody's own work. What Jupyter keeps beside them
    as checkpoints is of them.
    """
    return sum(_leave_out(path, words) for path in sorted((root / "notebooks").rglob("*.ipynb")) if path.is_file())


def _leave_out(path: Path, words: re.Pattern[str]) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    notebook = _read_notebook(text)
    if notebook is None:  # damaged, or of another format: no cell can be told from another, so that it goes whole
        is_named = bool(words.search(_ESCAPED.sub(_unescape, text)))
        if is_named:
            path.unlink()
        return is_named
    for cell in notebook.get("cells", []):
        cell["source"] = [line for line in _lines(cell["source"]) if not words.search(line)]
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if not words.search(_shown(output))]
    after = json.dumps(notebook, indent=1, ensure_ascii=False)
    changed = json.loads(after) != json.loads(text) and bool(words.search(_shown(json.loads(text))))
    if changed:
        write_whole(path, after.encode())
    return changed


def _read_notebook(text: str) -> dict[str, Any] | None:
    """A notebook whose cells can be told apart; else None."""
    try:
        notebook = json.loads(text)
    except ValueError:
        return None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    is_known = isinstance(cells, list) and all(map(_is_cell, cells))
    return notebook if is_known else None


def _is_cell(cell: Any) -> bool:
    return (
        isinstance(cell, dict)
        and isinstance(cell.get("source"), str | list)
        and isinstance(cell.get("outputs", []), list)
    )


def _unescape(escaped: re.Match[str]) -> str:
    """What JSON spells by a backslash, as far as an id may begin or end there."""
    letter = escaped[1]
    return chr(int(letter[1:], 16)) if len(letter) > 1 else {"n": "\n", "t": "\t", "r": "\r"}.get(letter, letter)


def _lines(source: str | list[str]) -> list[str]:
    return (source if isinstance(source, str) else "".join(source)).splitlines(keepends=True)


def _shown(content: Any) -> str:
    """All texts of a part of a notebook, as they are and not as JSON spells them."""
    if isinstance(content, dict):
        return "\n".join(map(_shown, content.values()))
    return "\n".join(map(_shown, content)) if isinstance(content, list) else str(content)
