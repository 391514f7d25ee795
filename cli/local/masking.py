"""What an earlier version wrote down in clear: passwords in the records, pages and logs of runs are hidden, once."""

import json
import os
from contextlib import suppress
from pathlib import Path

from cli.local import place
from lib.config import secrets
from lib.features.source_note import SOURCE

_DONE = "passwords are hidden"  # a line in the note of where the home lies
_FILES = ("runs/*/run.json", "runs/*/*.html", "runs/*/*.log", "*.log", "notebooks/*.ipynb")


def hide_passwords(root: Path) -> None:
    """Hide them in all files of earlier runs, and take them off the note of what tables were read from."""
    if place.has_note(root, _DONE):
        return
    hidden = [path for pattern in _FILES for path in sorted(root.glob(pattern)) if _hide(path)]
    notes = [folder for folder in (root / "warehouse").glob("*/daily_activity") if _strip_note(folder)]
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
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(masked, encoding="utf-8", errors="surrogateescape")
    draft.chmod(path.stat().st_mode)
    os.replace(draft, path)
    return True


def _strip_note(folder: Path) -> bool:
    """Take passwords out of the address of events; the table's earlier commits are texts that are masked too."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    name, found = f"propensity.{SOURCE}", False
    with suppress(DeltaError):
        table = DeltaTable(folder)
        note = json.loads(table.metadata().configuration.get(name, "{}"))
        stripped = note | {"events": secrets.strip(note.get("events", ""))}
        if found := stripped.get("events") != note.get("events", ""):
            table.alter.set_table_properties({name: json.dumps(stripped)}, raise_if_not_exists=False)
        for commit in sorted((folder / "_delta_log").glob("*.json")) if found else ():
            _hide(commit)
    return found
