"""Files that come with a list: written beside their target before any table changes, and put in place afterwards."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Self

from lib.errors import PublishRefused

DRAFT = ".{name}.draft"  # how a file is called beside its place


class Drafts:
    """Files that are written and not yet in their places: a full disk is found before the list changes.

    As a context: nothing is left of those that were not put in place, however it ends.
    """

    def __init__(self) -> None:
        self._paths: dict[str, Path] = {}  # by target

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for path in self._paths.values():
            path.unlink(missing_ok=True)

    def add(self, target: str, write: Callable[[IO[bytes]], object]) -> None:
        """Let a file be written beside its place.

        Raises
        ------
        PublishRefused
            If that cannot be done, or `write` says so.
        """
        draft = draft_path(Path(target))
        try:
            draft.parent.mkdir(parents=True, exist_ok=True)
            self._paths[target] = draft
            with draft.open("wb") as file:
                write(file)
        except OSError as error:
            raise PublishRefused(f"{target} cannot be written: {error}. The published list stays.") from error

    def keep(self) -> list[str]:
        """Put the files in their places; which these are."""
        for target, path in self._paths.items():
            path.replace(target)
        return list(self._paths)


def remove_drafts(targets: Iterable[Path], reports: Path | None) -> int:
    """Remove what calls that were cut off left beside some files, and beside the reports below a folder; how many."""
    beside = reports.glob(f"*/{DRAFT.format(name='*')}") if reports else ()
    drafts = [path for path in (*map(draft_path, targets), *beside) if path.is_file()]
    for path in drafts:
        path.unlink()
    return len(drafts)


def draft_path(target: Path) -> Path:
    """Where a file is written before it has its place."""
    return target.with_name(DRAFT.format(name=target.name))
