"""What a kill or a loss of power leaves of a table, told from what belongs to somebody."""

import pytest

from localrun.spark.session import _drop_empty_commit, _is_leftover

PARTS = ["part-00000-6b0f-c000.snappy.parquet", ".part-00000-6b0f-c000.snappy.parquet.crc", "day=1/part-1.parquet"]


def lay(folder, *names, text="x"):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_parts_without_a_log_are_what_a_killed_first_write_left(tmp_path):
    lay(tmp_path / "table", *PARTS)
    assert _is_leftover(tmp_path / "table")


@pytest.mark.parametrize("other", ["events.parquet", "notes.txt", "day=1/data.parquet"])
def test_with_anybody_s_file_among_them_they_stay(tmp_path, other):
    lay(tmp_path / "table", *PARTS, other)
    assert not _is_leftover(tmp_path / "table")


def test_an_empty_folder_is_nobody_s_leftover(tmp_path):
    (tmp_path / "table").mkdir()
    assert not _is_leftover(tmp_path / "table")


def names(log):
    return sorted(path.name for path in log.iterdir())


def test_a_newest_commit_of_no_length_is_dropped_and_no_other(tmp_path):
    commits = [f"{n:020}.json" for n in range(3)]
    lay(tmp_path, commits[0], commits[1], f".{commits[2]}.crc")
    lay(tmp_path, commits[2], text="")
    _drop_empty_commit(tmp_path)
    assert names(tmp_path) == commits[:2]
    lay(tmp_path, commits[0], text="")  # an old one: whoever reads the table will be told
    _drop_empty_commit(tmp_path)
    assert names(tmp_path) == commits[:2]


def test_the_only_commit_stays_whatever_it_is(tmp_path):
    lay(tmp_path, f"{0:020}.json", text="")
    _drop_empty_commit(tmp_path)
    assert names(tmp_path) == [f"{0:020}.json"]
