"""Users who were forgotten, as keyed digests: what a source still holds of theirs is left out before it is counted.

A digest is a pseudonym: whoever has the key can tell whether an id is listed, nobody can read the ids off the list.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from lib import timeline
from lib.errors import ConfigError, SourceError
from lib.tables.contracts import FORGOTTEN
from lib.tables.pickling import pickle_lib_by_value
from lib.tables.protocol import Tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KEPT_DAYS = 400  # an entry ends when the source has not shown its user for so long
CHECK = "key_check"  # property of forgotten: the digest of no id at all, which tells one key from another
_SIZES = range(32, 65)  # letters of a key; more than 64 bytes the digest does not take
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class ForgottenUsers:
    """The list of a schema: rows of the table `forgotten`; nobody, unless they are given."""

    key: str = ""
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(FORGOTTEN)))

    @property
    def digests(self) -> frozenset[str]:
        return frozenset(self.rows["digest"])

    def has_due(self, today: date | None) -> bool:
        """Whether an entry has stood for so long that the whole source is asked whether it may end."""
        return today is not None and any(_is_due(day, today) for day in self.rows["shown_on"])

    def renew(self, shown: Collection[str], today: date, *, whole: bool) -> "ForgottenUsers":
        """The list after a run that met some of its users; entries end where the whole source was asked."""
        met = self.rows["digest"].isin([make_digest(user, self.key) for user in shown])
        due = self.rows["shown_on"].map(lambda day: _is_due(day, today)).astype(bool)
        later = self.rows["shown_on"].map(lambda day: max(day, today))
        rows = self.rows.assign(shown_on=self.rows["shown_on"].mask(met, later))
        return ForgottenUsers(self.key, rows[~due | met] if whole else rows)


def make_entries(users: Collection[str], key: str, today: date) -> pd.DataFrame:
    """New rows of the list, in an order that tells nothing."""
    digests = sorted({make_digest(user, key) for user in users})
    return pd.DataFrame([(digest, today, today) for digest in digests], columns=list(FORGOTTEN))


def make_digest(user: str, key: str) -> str:
    """128 bits in hexadecimal."""
    return blake2b(user.encode(), key=key.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def check_key(key: str) -> None:
    """Refuse what is no key, without showing it.

    Raises
    ------
    ConfigError
        If it is too short to keep anything apart, or longer than a digest takes.
    """
    if len(key.encode()) not in _SIZES:
        raise ConfigError(
            f"The secret that forgotten_key names has {len(key.encode())} bytes, and must have {_SIZES[0]} to "
            f"{_SIZES[-1]}, drawn by chance, as by: openssl rand -hex 32."
        )


def read_forgotten(tables: Tables, schema: str, key: str) -> ForgottenUsers:
    """The list of a schema, empty where nobody was forgotten; `key` is blank where none was given.

    Raises
    ------
    SourceError
        If there is a list and not its key: a load would bring its users back.
    """
    if not tables.exists("forgotten"):
        return ForgottenUsers()
    rows = tables.query("SELECT * FROM {forgotten}")
    if not rows.empty:
        check_key_of_list(schema, key, tables.get_property("forgotten", CHECK))
    return ForgottenUsers(key, rows)


def check_key_of_list(schema: str, key: str, check: str | None) -> None:
    """Refuse another key than the one by which a list was made; `check` is what was noted with it."""
    if not key:
        raise SourceError(
            f"Users were forgotten in schema {schema}, and the key of their list is not there: a load would bring them "
            "back. Give forgotten_key; to a home that was restored or copied without it, the file forgotten.key of "
            "the home that it came from. See Who asks to be forgotten in docs/operations.md."
        )
    check_key(key)
    if check != make_digest("", key):
        raise SourceError(
            f"The key is not the one by which the list of users forgotten in schema {schema} was made: a load would "
            "bring them back. Give that one. See Who asks to be forgotten in docs/operations.md."
        )


def find_shown(events: "DataFrame", since: date | None, listed: ForgottenUsers) -> list[str]:
    """The listed users that the rows from a day on have, as each distinct id is asked for once."""
    if listed.rows.empty:
        return []
    pickle_lib_by_value()
    key, digests = listed.key, listed.digests

    def batches(source: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in source:
            shown = [user for user in batch.column(0).to_pylist() if make_digest(user, key) in digests]
            yield pa.RecordBatch.from_arrays([pa.array(shown, pa.string())], ["user_id"])

    rows = events.where("user_id IS NOT NULL")
    if since:
        rows = rows.where(f"known_time IS NULL OR known_time >= DATE '{since}'")
    ids = rows.select("user_id").distinct().mapInArrow(batches, "user_id string")
    return sorted(row["user_id"] for row in ids.collect())


def leave_out(events: "DataFrame", users: Sequence[str]) -> "DataFrame":
    """The rows of everybody else; ids travel as rows, and stand in no text of a plan."""
    if not users:
        return events
    from pyspark.sql import functions as F

    ids = events.sparkSession.createDataFrame(pa.table({"user_id": pa.array(users, pa.string())}))
    plain = ids.select(F.col("user_id").cast("string"))
    return events.join(F.broadcast(plain), "user_id", "left_anti")


def write_renewed(tables: Tables, before: ForgottenUsers, after: ForgottenUsers) -> None:
    """Keep a list that a run has renewed; most runs change nothing. All rows at once: no digest stands in SQL."""
    if not after.rows.equals(before.rows):
        tables.replace("forgotten", after.rows, "1 = 1")


def _is_due(shown_on: date, today: date) -> bool:
    return timeline.days_behind(shown_on, today) >= KEPT_DAYS
