"""What a kill or a loss of power leaves of a table, told from what belongs to somebody."""

from types import SimpleNamespace

import pytest

from localrun.spark.session import _drop_empty_commit, _is_leftover, _register_table

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


def test_a_checksum_of_a_checkpoint_s_pointer_is_gone_before_spark_looks_at_the_table(tmp_path):
    log = tmp_path / "decisions" / "_delta_log"
    log.mkdir(parents=True)
    lay(log, f"{0:020}.json", "_last_checkpoint", "._last_checkpoint.crc", f".{0:020}.json.crc")
    seen = []
    _register_table(SimpleNamespace(sql=lambda text: seen.append((text, names(log)))), "propensity", log.parent)
    [(text, there)] = seen
    assert text == f"CREATE TABLE IF NOT EXISTS `propensity`.`decisions` USING DELTA LOCATION '{log.parent}'"
    assert there == [f".{0:020}.json.crc", f"{0:020}.json", "_last_checkpoint"]
