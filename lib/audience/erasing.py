"""Users taken out of files that name some of a list: reports, and lists that were exported."""

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path


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
    """Take users out of a list that was exported, and say how many; files that others made there stay."""
    import pandas as pd

    csv = path.suffix == ".csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False) if csv else pd.read_parquet(path)
    if "user_id" not in rows:
        return 0
    gone = rows["user_id"].astype(str).isin(list(users))
    if gone.any():
        draft = path.with_name(f".{path.name}.part")
        rows[~gone].to_csv(draft, index=False) if csv else rows[~gone].to_parquet(draft, index=False)
        draft.replace(path)
    return int(gone.sum())


def erase_in_files(reports: str, export: str, users: Sequence[str]) -> Iterator[str]:
    """Take users out of the reports below a folder and of one exported list; what was done, in lines without an id."""
    if not users:
        return
    words = whole_words(users)
    if reports:
        pages = sorted(Path(reports).glob("*/*.html"))
        yield f"{sum(remove_if_named(path, words) for path in pages)} of {len(pages)} reports"
    if export and Path(export).is_file():
        yield f"{export}: {rewrite_list(Path(export), users)} rows"
