"""`python cli/follow.py OLD NEW`: let the scripts of an environment that was moved lead to where it lies now.

Python itself runs wherever its environment lies. Standard library only, and no module of ours.
"""

import os
import sys
from pathlib import Path

_PLACES = ("bin/*", "share/jupyter/kernels/*/kernel.json", "pyvenv.cfg")


def main(old: str, new: str) -> None:
    """Rewrite the old place in every text that names it; links and programs stay."""
    for pattern in _PLACES:
        for path in sorted(Path(new).glob(pattern)):
            if path.is_file() and not path.is_symlink():
                _rewrite(path, old, new)


def _rewrite(path: Path, old: str, new: str) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    if old not in text:
        return
    first, _, rest = text.replace(old, new).partition("\n")
    if first.startswith(f"#!{new}/"):  # a system reads no blank in that line, nor more than some 127 letters
        program = first.removeprefix("#!")
        first = f"#!/bin/sh\n'''exec' \"{program}\" \"$0\" \"$@\"\n' '''"
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(f"{first}\n{rest}", encoding="utf-8")
    draft.chmod(path.stat().st_mode)
    os.replace(draft, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
