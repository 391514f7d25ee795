"""Rows of users in pieces: every row once, every user in one piece, no piece larger than it must be."""

import pyarrow as pa
import pytest

from lib.tables import batches
from lib.tables.batches import whole_users


def source(*users_of_each_batch):
    """Batches whose rows are numbered from 0 on."""
    number = 0
    for users in users_of_each_batch:
        rows = list(range(number, number := number + len(users)))
        yield pa.record_batch({"user_id": pa.array(list(users), pa.string()), "row": pa.array(rows, pa.int64())})


def pieces(*users_of_each_batch, columns=1):
    return [
        ("".join(piece["user_id"].to_pylist()), piece["row"].to_pylist())
        for piece in whole_users(source(*users_of_each_batch), columns)
    ]


def test_what_is_small_is_one_piece_and_nothing_is_none():
    assert pieces("aab", "", "bcc") == [("aabbcc", list(range(6)))]
    assert pieces() == []
    assert pieces("", "") == []


@pytest.mark.parametrize(("most", "users"), [(1, ["aaa", "bb", "c", "dd"]), (2, ["aaabb", "cdd"]), (9, ["aaabbcdd"])])
def test_a_piece_has_so_many_users_that_their_values_can_be_held(monkeypatch, most, users):
    monkeypatch.setattr(batches, "MOST_VALUES", most * 10 + 9)
    found = pieces("aa", "ab", "bcd", "d", columns=10)
    assert [names for names, _ in found] == users
    assert [row for _, rows in found for row in rows] == list(range(8))


def test_a_piece_ends_with_the_user_who_fills_it(monkeypatch):
    (batch,) = source("abcdefgh")
    monkeypatch.setattr(batches, "MOST_BYTES", 3.5 * batch.nbytes / len(batch))  # four rows of these batches, not three
    assert [names for names, _ in pieces("aabbbbbbbbbcdeefgh")] == ["aabbbbbbbbb", "cdee", "fgh"]
    assert [names for names, _ in pieces("aabbb", "bbb", "bbbcd", "eefgh")] == ["aabbbbbbbbb", "cdee", "fgh"]


def test_many_values_of_one_user_still_are_one_piece():
    assert pieces("ab", columns=10**9) == [("a", [0]), ("b", [1])]
