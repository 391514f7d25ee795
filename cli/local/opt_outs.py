"""Lists of users to leave out, for users who are forgotten: an opt-out stays, as a digest of its id."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lib.audience.erasing import read_rows, write_rows
from lib.audience.suppression import digest_user
from lib.config.event_kinds import split_names
from lib.config.kinds import is_none
from localrun.run.record import past_runs


def named_lists(runs: Path) -> Iterator[Path]:
    """The files that runs left users out by, as far as they are still there."""
    asked = [one for _, run in past_runs(runs) for one in run.each_question().values()]
    texts = {parameters.get("suppress", "") for parameters in asked}
    places = {place for text in texts if not is_none(text) for place in split_names(text)}
    yield from (path for path in map(Path, sorted(places)) if path.is_file())


def keep_digests(path: Path, users: Sequence[str]) -> int:
    """Write digests in the place of some users' ids, which leave them out just as well; how many there were.

    Other rows stay as they are; of a table nothing is changed, it is its owner's.
    """
    rows = read_rows(path)
    if "user_id" not in rows:
        return 0
    ids = rows["user_id"].astype(str)
    gone = ids.isin(list(users))
    if gone.any():
        write_rows(path, rows.assign(user_id=ids.where(~gone, ids.map(digest_user))))
    return int(gone.sum())
