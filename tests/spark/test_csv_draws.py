"""Sixty drawn CSV files: each is what its writer meant, or refused; `benchmarks/csv_draws.py` draws thousands."""

from collections import Counter

from tests.builders.csv_draws import draw, outcome


def test_no_drawn_file_is_read_otherwise_in_silence(spark, tmp_path):
    draws = [draw(seed) for seed in range(60)]
    outcomes = {one.seed: outcome(spark, one, tmp_path) for one in draws}
    assert [one for one in draws if outcomes[one.seed] == "OTHERWISE"] == []
    sound = Counter(outcomes[one.seed] for one in draws if one.fault == "none")
    assert sound["as meant"] >= 0.9 * sound.total()  # the rest: a blank header, or as many of one sign as of another
