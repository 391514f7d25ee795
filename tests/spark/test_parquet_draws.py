"""Drawn Parquet sources: each is what its writer meant, or refused; `benchmarks/draws.py` draws thousands."""

from collections import Counter

from tests.builders.parquet_draws import draw, outcome


def test_no_drawn_source_is_read_otherwise_in_silence(spark, tmp_path):
    draws = [draw(seed) for seed in range(24)]
    outcomes = {one.seed: outcome(spark, one, tmp_path) for one in draws}
    assert [one for one in draws if outcomes[one.seed] == "OTHERWISE"] == []
    sound = Counter(outcomes[one.seed] for one in draws if one.fault == "none")
    assert sound["as meant"] == sound.total() > 10
    assert {outcomes[one.seed] for one in draws if one.fault != "none"} <= {"refused", "told"}
