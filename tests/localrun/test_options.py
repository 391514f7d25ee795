"""What Java is started with: how it compiles follows from how much there is to read."""

from pathlib import Path

import pytest

from localrun.spark import options
from localrun.spark.options import COMPILE_LATER, COMPILE_ONCE, compile_flags


@pytest.mark.parametrize(("sizes", "flags"), [
    ([], COMPILE_ONCE),
    ([99], COMPILE_ONCE),
    ([60, 40], COMPILE_ONCE),  # as much as may be
    ([60, 41], COMPILE_LATER),
    ([101], COMPILE_LATER),
])  # fmt: skip
def test_little_data_is_compiled_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: list[int], flags: tuple[str, ...]
) -> None:
    monkeypatch.setattr(options, "SMALL_BYTES", 100)
    (tmp_path / "shop" / "table").mkdir(parents=True)
    for number, size in enumerate(sizes):
        (tmp_path / "shop" / "table" / f"{number}.parquet").write_bytes(b"x" * size)

    assert compile_flags(tmp_path) == flags


def test_files_beside_the_tables_count_and_what_cannot_be_seen_may_be_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "SMALL_BYTES", 100)
    tables, events = tmp_path / "warehouse", tmp_path / "events.csv"
    tables.mkdir()
    events.write_bytes(b"x" * 101)

    assert compile_flags(tables) == COMPILE_ONCE
    assert compile_flags(tables, events) == COMPILE_LATER
    assert compile_flags(tables, Path("s3://elsewhere/events")) == COMPILE_LATER
