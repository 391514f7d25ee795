"""A table of users by hand, as the job keeps it."""

from datetime import date

import pyarrow as pa

from lib.attributes.columns import NOTE, TABLE, Kind, UsersNote

EPOCH = date(1970, 1, 1)


def user_rows(rows, attributes):
    """Rows (user, valid_from, known_day, a value of each attribute; a date as one) as `user_attributes` holds them.

    A user's rows are numbered in the order given, which is to be that of their times.
    """
    numbers, seen = [], {}
    for user, *_ in rows:
        seen[user] = seen.get(user, 0) + 1
        numbers.append(seen[user])
    columns = list(zip(*rows, strict=True)) if rows else [[]] * (3 + len(attributes))
    table = {
        "user_id": pa.array(columns[0], pa.string()), "valid_from": pa.array(columns[1], pa.date32()),
        "known_day": pa.array(columns[2], pa.date32()), "number": pa.array(numbers, pa.int64()),
    }  # fmt: skip
    for attribute, values in zip(attributes, columns[3:], strict=True):
        kind = pa.float64() if attribute.kind in (Kind.DATE, Kind.NUMBER) else pa.string()
        is_date = attribute.kind is Kind.DATE
        plain = [None if one is None else float((one - EPOCH).days) if is_date else one for one in values]
        table[attribute.stored] = pa.array(plain, kind)
    return pa.table(table)


def put_users(tables, rows, attributes, place="app.members"):
    """Keep them, with what is noted of the table that they were read from."""
    tables.replace(TABLE, user_rows(rows, attributes), "1 = 1")
    tables.set_property(TABLE, NOTE, UsersNote(place, tuple(attributes)).to_json())
