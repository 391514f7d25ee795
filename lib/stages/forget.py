"""Take users out of all tables of a schema, wherever it is: what the notebook `forget` calls.

Each table is done by itself, deleted from, rewritten where deletion vectors hide rows, and rid of the files of its
earlier versions; which ones are done is noted with them, so that a call that failed is simply repeated.
"""

from dataclasses import dataclass
from hashlib import blake2b

import pandas as pd

from lib.audience.erasing import erase_in_files
from lib.config.forget import ForgetConfig
from lib.errors import ConfigError
from lib.features.forgotten import (
    CHECK,
    ForgottenUsers,
    check_key,
    find_shown,
    make_digest,
    make_entries,
    read_forgotten,
)
from lib.identities.together import find_together
from lib.progress import Say
from lib.sources.opening import open_source
from lib.stages.earlier_lists import carry_over
from lib.stages.exporting import control_file
from lib.tables.contracts import CONTRACTS
from lib.tables.delta import DeltaTables
from lib.tables.ids import IDS, LAST, MAY_NAME

DONE = "forgotten"  # property of a table with ids: by which list it was done last
LEFT = (
    "What the platform keeps by itself: logs of tables for 30 days, which named the least and the greatest id of a "
    "file until now; outputs of notebooks' runs for 60 days; dropped tables, copies of the storage.",
    "Erase the requests and the source yourself, and call this again after a run that was under way, or a table that "
    "was restored.",
)


@dataclass(frozen=True)
class Forgotten:
    """What was done: a receipt without an id."""

    receipt: str


def run(config: ForgetConfig, tables: DeltaTables, say: Say = print) -> Forgotten:
    """List who is asked for, so that no load brings them back, and take all listed users out of every table and file.

    Raises
    ------
    ConfigError
        If what was given is no key, or the table of requests has no column user_id.
    SourceError
        If the table of requests is not there, or the key is not that of the list.
    """
    check_key(config.forgotten_key)
    asked = _read_requests(config, tables)
    users = find_together(tables, asked)
    listed = _add_to_list(config, tables, users)
    joined = f", with {len(users) - len(asked)} more ids of theirs" if len(users) > len(asked) else ""
    say(f"{len(asked)} users are asked for{joined}, {len(listed.rows)} are listed")
    lines = [f"{config.run_date}: {len(asked)} users are asked for in {config.requests}{joined}."]
    carry_over(tables)  # else lists of earlier versions would go with the files that hold them
    for name in [one for one in IDS if one != LAST]:
        lines += _clean(tables, name, listed, say)
    for name, where in MAY_NAME.items():
        if tables.exists(name):
            tables.delete(name, where)
            tables.erase(name, list(CONTRACTS[name])[:1], [])
            lines.append(f"{name}: what was told of errors, and all earlier versions")
    exports = [config.export, control_file(config.export)] if config.export else []
    lines += erase_in_files(config.reports, exports, users)
    lines += _clean(tables, LAST, listed, say)
    return Forgotten("\n".join([*lines, *LEFT]))


def _read_requests(config: ForgetConfig, tables: DeltaTables) -> list[str]:
    frames = [part.frame for part in open_source(tables.spark, config.requests)]
    if without := [frame for frame in frames if "user_id" not in frame.columns]:
        raise ConfigError(
            f"requests names {config.requests!r} without a column user_id: {', '.join(without[0].columns)}."
        )
    rows = [
        row for frame in frames for row in frame.selectExpr("CAST(user_id AS STRING) AS user_id").distinct().collect()
    ]
    return sorted({row["user_id"] for row in rows if row["user_id"] is not None})


def _add_to_list(config: ForgetConfig, tables: DeltaTables, users: list[str]) -> ForgottenUsers:
    """The list with these users, before anything is taken out: a kill in between brings nobody back."""
    key, today = config.forgotten_key, config.run_date
    listed = read_forgotten(tables, config.schema, key)
    rows = make_entries(users, key, today)
    rows = rows[~rows["digest"].isin(listed.digests)]
    if not tables.exists("forgotten"):
        tables.append("forgotten", rows.head(0))
    if listed.rows.empty:
        tables.set_property("forgotten", CHECK, make_digest("", key))
    if len(rows):
        tables.append("forgotten", rows)
    return ForgottenUsers(key, pd.concat([listed.rows, rows], ignore_index=True) if len(listed.rows) else rows)


def _clean(tables: DeltaTables, name: str, listed: ForgottenUsers, say: Say) -> list[str]:
    """Take all listed users out of a table and what it keeps of before, unless that is done already."""
    if not tables.exists(name):
        return []
    columns = IDS[name]
    ids = " UNION ALL ".join(f"SELECT {column} AS user_id FROM {{{name}}}" for column in columns)
    users = find_shown(tables.frame(ids), None, listed)
    state = blake2b(",".join(sorted(listed.digests)).encode(), digest_size=16).hexdigest()
    done = "done before"
    if users or tables.get_property(name, DONE) != state:
        done = f"{tables.erase(name, columns, users)} rows, and all earlier versions"
        tables.set_property(name, DONE, state)
    say(f"{name}: {done}")
    return [f"{name}: {done}"]
