"""Who besides its owner can read a home: said once of a home that was made before homes were shut, or opened since."""

import grp
import shlex
import stat
from pathlib import Path

from cli.local import place

_TOLD = "told who can read this home"  # a line in the note of where it lies


def who_can_read(root: Path) -> str:
    """One sentence that says who; blank where the owner alone can."""
    state = root.stat()
    if state.st_mode & stat.S_IROTH or state.st_mode & stat.S_IXOTH:
        return f"Everybody on this machine can read {root}: models, lists and reports, with ids of users."
    if not state.st_mode & (stat.S_IRGRP | stat.S_IXGRP):
        return ""
    try:
        group = grp.getgrgid(state.st_gid).gr_name
    except KeyError:
        group = str(state.st_gid)
    return f"The group {group} can read {root}: models, lists and reports, with ids of users."


def tell_once(root: Path) -> None:
    """Say who can read a home that is open, and how to shut it; what its owner decides stays."""
    remark = who_can_read(root)
    if remark and not place.has_note(root, _TOLD):
        print(f"{remark} To shut it: chmod 700 {shlex.quote(str(root))}", flush=True)
        place.add_note(root, _TOLD)
