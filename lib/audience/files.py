"""Files that come with a list: written beside their target before any table changes, and put in place afterwards."""

from dataclasses import dataclass
from pathlib import Path

from lib.errors import PublishRefused


@dataclass(frozen=True)
class Draft:
    """A file that is written and not yet in its place: a full disk is found before the list changes."""

    target: str
    path: Path

    @classmethod
    def of(cls, target: str, content: bytes) -> "Draft":
        """Write a file's content beside its place.

        Raises
        ------
        PublishRefused
            If that cannot be done.
        """
        path = Path(target)
        draft = path.with_name(f".{path.name}.draft")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
        except OSError as error:
            raise PublishRefused(f"{target} cannot be written: {error}. The published list stays.") from error
        return cls(target, draft)

    def keep(self) -> None:
        """Put the file in its place."""
        self.path.replace(self.target)
