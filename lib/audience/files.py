"""Files that come with a list: written beside their target before any table changes, and put in place afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lib.errors import PublishRefused


@dataclass(frozen=True)
class Draft:
    """A file that is written and not yet in its place: a full disk is found before the list changes."""

    target: str
    path: Path

    @classmethod
    def of(cls, target: str, write: Callable[[IO[bytes]], object]) -> "Draft":
        """Let a file be written beside its place; nothing is left of one that was given up.

        Raises
        ------
        PublishRefused
            If that cannot be done, or `write` says so.
        """
        path = Path(target)
        draft = path.with_name(f".{path.name}.draft")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                write(file)
        except PublishRefused:
            draft.unlink()
            raise
        except OSError as error:
            raise PublishRefused(f"{target} cannot be written: {error}. The published list stays.") from error
        return cls(target, draft)

    def keep(self) -> None:
        """Put the file in its place."""
        self.path.replace(self.target)
