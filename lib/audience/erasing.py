"""Users taken out of files that name some of a list: reports, and lists that were exported."""

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from lib.config.formats import format_names, read_format

_IDS = {read_format(name).user for name in format_names()} - {""}  # what the column of our id is called


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
    import pandas as pd

    csv = path.suffix == ".csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False) if csv else pd.read_parquet(path)
    ids = next((name for name in rows if name in _IDS), None)
    if ids is None:
        if {str(name) for name in rows} <= {"Email", "Phone"}:
            path.unlink()
            return len(rows)
        return 0
    forms = {form for user in users for form in (user, f"'{user}")}  # as a spreadsheet takes it for no formula
    gone = rows[ids].astype(str).isin(list(forms))
    if gone.any():
        _write(path, rows[~gone].to_csv(index=False).encode() if csv else rows[~gone].to_parquet(index=False))
    return int(gone.sum())


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
        _write(path, "".join(f"{line}\n" for line in kept).encode())
    return gone


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(content)
    draft.replace(path)


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
