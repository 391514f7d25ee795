"""What an earlier version wrote down in clear: passwords in the records, pages and logs of runs are hidden, once."""

from pathlib import Path
from typing import Any

from cli.local import place
from cli.local.source_notes import read_notes, write_note
from lib.config import secrets
from lib.whole_files import write_whole

_DONE = "passwords are hidden"  # a line in the note of where the home lies
_FILES = ("runs/*/run.json", "runs/*/*.html", "runs/*/*.log", "*.log", "notebooks/*.ipynb")


def hide_passwords(root: Path) -> None:
    """Hide them in all files of earlier runs, and take them off the note of what tables were read from."""
    if place.has_note(root, _DONE):
        return
    hidden = [path for pattern in _FILES for path in sorted(root.glob(pattern)) if _hide(path)]
    notes = [folder for folder, note in read_notes(root) if _strip_note(folder, note)]
    if hidden or notes:
        print(
            f"Passwords stood in clear in {len(hidden) + len(notes)} files of this home, as earlier versions wrote "
            "them: they are hidden now. Change them where they open something.",
            flush=True,
        )
    place.add_note(root, _DONE)


def _hide(path: Path) -> bool:
    """Whether a file held one; links are passed over."""
    if path.is_symlink():
        return False
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    masked = secrets.mask(text)
    if masked == text:
        return False
    write_whole(path, masked.encode("utf-8", "surrogateescape"))
    return True


def _strip_note(folder: Path, note: dict[str, Any]) -> bool:
    """Take passwords out of the address of events; the table's commits are texts that are masked too.

    They are masked first: the note is what tells, after a kill, that this is not done.
    """
    stripped = note | {"events": secrets.strip(note.get("events", ""))}
    if stripped["events"] == note.get("events", ""):
        return False
    for commit in sorted((folder / "_delta_log").glob("*.json")):
        _hide(commit)
    write_note(folder, stripped)
    return True
