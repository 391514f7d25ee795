"""`features`: what every column means that models may read, in which unit, and what it is about."""

import argparse
import shutil
from collections.abc import Iterator
from textwrap import wrap

import pandas as pd
from deltalake import DeltaTable

from cli.errors import CliError
from cli.local.home import Home, open_home

TABLE = "feature_dictionary"


def main(arguments: argparse.Namespace) -> int:
    """List the columns of a home, all or those that a word stands in."""
    home, word = open_home(arguments.home), arguments.word.lower()
    rows = _read(home)
    texts = rows.apply(lambda row: " ".join(row).lower(), axis=1)
    shown = rows[texts.str.contains(word, regex=False)]
    if shown.empty:
        raise CliError(
            f"None of {len(rows)} features is about {arguments.word!r}. There are some about "
            f"{', '.join(dict.fromkeys(rows['about']))}."
        )
    print(*_format(shown), sep="\n")
    print(f"{len(shown)} of {len(rows)} columns of the table features, and of users' attributes beside them.")
    return 0


def _read(home: Home) -> pd.DataFrame:
    """The dictionary, of all schemas of the home."""
    tables = [path for path in sorted(home.warehouse.glob(f"*/{TABLE}")) if (path / "_delta_log").is_dir()]
    if not tables:
        raise CliError(f"There is no dictionary of features in {home.root} yet: a run writes it. Start with: "
                       "./propensity run")  # fmt: skip
    return pd.concat([DeltaTable(path).to_pandas() for path in tables]).drop_duplicates(ignore_index=True)


def _format(rows: pd.DataFrame) -> Iterator[str]:
    """A paragraph for each thing that features are about; long lines go on where meanings begin."""
    width = max(map(len, rows["feature"]))
    across = max(shutil.get_terminal_size((120, 24)).columns, width + 44)
    for about, features in rows.groupby("about", sort=False):
        yield str(about)
        for row in features.itertuples():
            first = f"  {row.feature:{width}}  "
            text = f"{row.meaning} ({row.unit})"
            yield from wrap(text, across, initial_indent=first, subsequent_indent=" " * len(first))
        yield ""
