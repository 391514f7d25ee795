"""Small tables, read ahead: while a stage goes through its questions, DuckDB answers what is asked of them alone.

Delta puts a table's log together anew for each query that follows a write: a second, however few rows there are.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from lib.tables.contracts import CONTRACTS
from lib.tables.schemas import arrow_schema, to_arrow
from lib.tables.views import LISTS

if TYPE_CHECKING:
    from lib.tables.memory import MemoryTables

RECORDS = frozenset({"decisions", "publications", "model_checks", "outcomes"})
MOST = 50_000  # rows of one of them: where there are more, the engine answers as ever
_OF_A_LIST = ["question", "run_id", "cutoff"]
_LISTS = "lists_ahead"  # what the copy of the lists in use is called; of `audience` no row is brought


class Ahead:
    """Copies of small tables that change as the tables do, for as long as one process alone writes there."""

    def __init__(self, read: Callable[[str], pa.Table]) -> None:
        """`read` asks the engine."""
        self._read = read
        self._copies: MemoryTables | None = None  # of none while the engine answers all
        self._has_lists = False
        self._too_large: set[str] = set()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Answer from copies for as long as this lasts; they are made where they are asked for first."""
        from lib.tables.memory import MemoryTables  # DuckDB is loaded where it is needed

        self._copies, self._has_lists, self._too_large = MemoryTables(), False, set()
        try:
            yield
        finally:
            self._copies = None

    def has(self, name: str) -> bool:
        """Whether there is a copy of a table, which then is there too."""
        return self._copies is not None and name in self._copies.stored

    def only_adds(self, name: str, rows: Any, where: str) -> bool:
        """Whether a copy shows that rows replace none and are themselves such rows; False where it cannot be told."""
        copies = self._copies
        if copies is None or not self.has(name) or not isinstance(rows, pa.Table | pd.DataFrame):
            return False
        copies.lend("written", to_arrow(name, rows) if isinstance(rows, pd.DataFrame) else rows)
        odd = f"SELECT 1 AS one FROM written WHERE NOT COALESCE({where}, FALSE)"
        return not len(copies.arrow(f"SELECT 1 AS one FROM {{{name}}} WHERE {where} UNION ALL {odd} LIMIT 1"))

    def answer(self, sql: str) -> pa.Table | None:
        """The rows of a query that names such tables and no others; None where the engine has to be asked."""
        names = set(re.findall(r"\{(\w+)\}", sql))
        copies = self._copies
        if copies is None or not names or not all(self._bring(copies, name) for name in names):
            return None
        return copies.arrow(sql.replace(LISTS, _LISTS))

    def replace(self, name: str, rows: Any, where: str) -> None:
        """The engine has replaced rows."""
        if self._copies is None:
            return
        if name == "audience":
            self._replace_lists(self._copies, rows, where)
        elif self.has(name) and isinstance(rows, pa.Table | pd.DataFrame):
            self._copies.replace(name, rows, where)
        else:
            self._copies.stored.pop(name, None)

    def _replace_lists(self, copies: "MemoryTables", rows: Any, where: str) -> None:
        """Which lists are in use once these rows replaced others."""
        if not (self._has_lists and isinstance(rows, pa.Table)):
            self._has_lists = False
            return
        copies.lend("written", rows.select(_OF_A_LIST))
        columns = ", ".join(_OF_A_LIST)
        kept = f"SELECT {columns} FROM {_LISTS} WHERE NOT ({where})"
        copies.lend(_LISTS, copies.arrow(f"{kept} UNION SELECT {columns} FROM written"))

    def drop(self, name: str) -> None:
        """The engine has changed a table otherwise: it is read anew."""
        self.replace(name, None, "")

    def _bring(self, copies: "MemoryTables", name: str) -> bool:
        """Have a copy, unless that cannot be."""
        if f"{{{name}}}" == LISTS:
            if not self._has_lists:
                copies.lend(_LISTS, self._read(f"SELECT * FROM {LISTS}"))
                self._has_lists = True
            return True
        if name not in RECORDS or name in self._too_large:
            return False
        if not self.has(name):
            rows = self._read(f"SELECT * FROM {{{name}}} LIMIT {MOST + 1}")
            if len(rows) > MOST:
                self._too_large.add(name)
                return False
            copies.stored[name] = rows.select(list(CONTRACTS[name])).cast(arrow_schema(CONTRACTS[name]))
        return True
