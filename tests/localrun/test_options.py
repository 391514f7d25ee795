"""What Java and Spark are started with follows from how much there is to read."""

from pathlib import Path

import pytest

from localrun.spark import options, server
from localrun.spark.java import Java
from localrun.spark.options import COMPILE_LATER, COMPILE_ONCE, FEW_TASKS, is_little


@pytest.mark.parametrize(("sizes", "little"), [
    ([], True),
    ([99], True),
    ([60, 40], True),  # as much as may be
    ([60, 41], False),
    ([101], False),
])  # fmt: skip
def test_what_is_little_follows_from_the_sizes_of_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: list[int], little: bool
) -> None:
    monkeypatch.setattr(options, "SMALL_BYTES", 100)
    (tmp_path / "shop" / "table").mkdir(parents=True)
    for number, size in enumerate(sizes):
        (tmp_path / "shop" / "table" / f"{number}.parquet").write_bytes(b"x" * size)

    assert is_little(tmp_path) is little


def test_files_beside_the_tables_count_and_what_cannot_be_seen_may_be_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "SMALL_BYTES", 100)
    tables, events = tmp_path / "warehouse", tmp_path / "events.csv"
    tables.mkdir()
    events.write_bytes(b"x" * 101)

    assert is_little(tables)
    assert not is_little(tables, events)
    assert not is_little(tables, Path("s3://elsewhere/events"))


def test_of_events_that_are_all_read_fewer_are_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "SMALL_BYTES", 100)
    monkeypatch.setattr(options, "FIRST_BYTES", 10)
    tables, events = tmp_path / "warehouse", tmp_path / "events.parquet"
    tables.mkdir()
    events.write_bytes(b"x" * 11)
    assert not is_little(tables, events)
    (tables / "shop" / "daily_activity").mkdir(parents=True)
    assert is_little(tables, events)


@pytest.mark.parametrize("reads", [None, Path("s3://elsewhere/events")])
def test_a_server_over_little_data_compiles_once_and_has_few_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: Path | None
) -> None:
    monkeypatch.setattr(server, "class_path", lambda: "jars")
    monkeypatch.setattr(server, "class_archive", lambda java: tmp_path / "none.jsa")
    started = server.SparkServer(tmp_path, [], tmp_path / "log", reads=reads)
    monkeypatch.setattr(started, "_scratch", tmp_path, raising=False)
    (tmp_path / "warehouse").mkdir()

    command = started._command(Java(Path("java"), "17"))

    few = [f"{name}={value}" for name, value in FEW_TASKS.items()]
    assert [flags[0] in command for flags in (COMPILE_ONCE, COMPILE_LATER)] == [reads is None, reads is not None]
    assert [text in command for text in few] == [reads is None] * len(few)
