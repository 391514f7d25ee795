"""Notebooks of a home that a person has opened and run: what they show may name users."""

import json
import re
from pathlib import Path
from typing import Any

from lib.whole_files import write_whole


def leave_out(root: Path, words: re.Pattern[str]) -> int:
    """Take what names one of some users out of all notebooks below a home; how many those were.

    An output goes whole, of a cell's text the lines: the rest is somebody's own work. What Jupyter keeps beside them
    as checkpoints is of them.
    """
    return sum(_leave_out(path, words) for path in sorted((root / "notebooks").rglob("*.ipynb")) if path.is_file())


def _leave_out(path: Path, words: re.Pattern[str]) -> bool:
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    for cell in notebook.get("cells", []):
        cell["source"] = [line for line in _lines(cell["source"]) if not words.search(line)]
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if not words.search(_shown(output))]
    after = json.dumps(notebook, indent=1, ensure_ascii=False)
    changed = json.loads(after) != json.loads(text) and bool(words.search(_shown(json.loads(text))))
    if changed:
        write_whole(path, after.encode())
    return changed


def _lines(source: str | list[str]) -> list[str]:
    return (source if isinstance(source, str) else "".join(source)).splitlines(keepends=True)


def _shown(content: Any) -> str:
    """All texts of a part of a notebook, as they are and not as JSON spells them."""
    if isinstance(content, dict):
        return "\n".join(map(_shown, content.values()))
    return "\n".join(map(_shown, content)) if isinstance(content, list) else str(content)
