"""Users taken out of files that name some of a list: reports, and lists that were exported."""

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from lib.audience.files import remove_drafts
from lib.config.formats import IDENTIFIERS, format_names, read_format
from lib.whole_files import write_whole

if TYPE_CHECKING:
    import pandas as pd


def whole_words(users: Sequence[str]) -> re.Pattern[str]:
    """Ids as they stand in texts, and not within longer ones."""
    forms = sorted(
        {form for user in users for form in (user, escape(user), json.dumps(user)[1:-1])}, key=len, reverse=True
    )
    return re.compile(rf"(?<![\w.@+-])(?:{'|'.join(map(re.escape, forms))})(?![\w@+-]|\.\w)")


def remove_if_named(path: Path, words: re.Pattern[str]) -> bool:
    """Remove a page that names one of them; whether it did."""
    held = bool(words.search(path.read_text(encoding="utf-8", errors="replace")))
    if held:
        path.unlink()
    return held


def rewrite_list(path: Path, users: Sequence[str]) -> int:
    """Take users out of a file; how many rows they had. One that tells nobody's id goes whole: any row may be theirs.

    Files that others made there, with other columns, stay.
    """
    if path.suffix == ".jsonl":
        return _rewrite_requests(path, users)
    rows = read_rows(path)
    formats = [read_format(name) for name in format_names()]
    ids = next((name for name in rows if name in {one.user for one in formats if one.user}), None)
    if ids is None:
        nameless = [{getattr(one, name) for name in IDENTIFIERS} for one in formats if not one.user]
        if not any({str(name) for name in rows} <= columns for columns in nameless):
            return 0
        path.unlink()
        return len(rows)
    forms = {form for user in users for form in (user, f"'{user}")}  # as a spreadsheet takes it for no formula
    gone = rows[ids].astype(str).isin(list(forms))
    if gone.any():
        write_rows(path, rows[~gone])
    return int(gone.sum())


def read_rows(path: Path) -> "pd.DataFrame":
    """All of a file of CSV or Parquet; of CSV the texts as they stand."""
    import pandas as pd

    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.suffix == ".csv" else pd.read_parquet(path)


def write_rows(path: Path, rows: "pd.DataFrame") -> None:
    """Put rows in the place of a file's own, whole or not at all."""
    write_whole(path, rows.to_csv(index=False).encode() if path.suffix == ".csv" else rows.to_parquet(index=False))


def _rewrite_requests(path: Path, users: Sequence[str]) -> int:
    kept, gone = [], 0
    for line in path.read_text(encoding="utf-8").splitlines():
        request = json.loads(line)
        profiles = request["data"]["attributes"]["profiles"]
        others = [one for one in profiles["data"] if one["attributes"].get("external_id") not in users]
        gone += len(profiles["data"]) - len(others)
        profiles["data"] = others
        kept += [json.dumps(request)] if others else []
    if gone:
        write_whole(path, "".join(f"{line}\n" for line in kept).encode())
    return gone


def erase_in_files(reports: str, exports: Sequence[str], users: Sequence[str]) -> Iterator[str]:
    """Take users out of the reports below a folder and of exported lists; what was done, in lines without an id."""
    if not users:
        return
    words = whole_words(users)
    if reports:
        pages = sorted(Path(reports).glob("*/*.html"))
        yield f"{sum(remove_if_named(path, words) for path in pages)} of {len(pages)} reports"
    for path in filter(Path.is_file, map(Path, exports)):
        yield f"{path}: {rewrite_list(path, users)} rows"
    if drafts := remove_drafts(map(Path, exports), Path(reports) if reports else None):
        yield f"{drafts} files of lists and reports that were never finished"
