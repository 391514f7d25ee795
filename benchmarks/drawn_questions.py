"""Draw logs and questions and hold labels, cohorts and names against what is true event by event: a long run.

    .venv/bin/python -m benchmarks.drawn_questions --draws 500 --names 10000 --read

The suite holds the first forty draws. Prints how many of what kind were drawn; ends with 1 at the first that differs.
With `--read` their logs are read by Spark besides, those of a time zone as one, and what is kept of their named actions
is held against the raw events.
"""

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lib.config.catalogue import defaults
from lib.config.question import Question
from lib.tables.delta import DeltaTables
from localrun.spark.server import SparkServer
from localrun.spark.session import session
from tests.builders import question_draws as draws
from tests.builders.named_draws import check_reading, draws_of
from tests.builders.question_checks import check_draw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--names", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first draw")
    parser.add_argument("--read", action="store_true", help="read the logs, and hold named actions against them")
    arguments = parser.parse_args()
    check_labels(arguments.seed, arguments.draws)
    check_names(arguments.seed, arguments.names)
    if arguments.read:
        check_named(range(arguments.seed, arguments.seed + arguments.draws))


def check_labels(first: int, number: int) -> None:
    """Hold the labels and cohorts of some draws against the truth."""
    rows, acted, kinds = 0, 0, Counter[str]()
    for seed in range(first, first + number):
        more = check_draw(seed)
        rows, acted = rows + more[0], acted + more[1]
        texts = draws.draw(seed).texts
        kinds.update(name for name, text in texts.items() if text not in ("", "0", "1", "false"))
    print(f"{number} draws, {rows} labelled rows, {acted} of label 1: all as they are true")
    print(", ".join(f"{name} {n}" for name, n in sorted(kinds.items())))


def check_names(first: int, number: int) -> None:
    """Hold the names of drawn questions against each other: written otherwise the same, of others another one."""
    rng, seen = random.Random(first), dict[str, draws.Drawn]()
    for _ in range(number):
        made = draws.draw(rng.randrange(10**12))
        name = name_of(made.texts)
        assert name == name_of(draws.rewrite(made.texts, rng)), made.texts
        other = seen.setdefault(name, made)
        assert draws.meaning(other.texts) == draws.meaning(made.texts), (other.texts, made.texts)
        assert draws.says_the_same(other, made, range(20)), (other.texts, made.texts)
    print(f"{number} drawn questions, each written twice: {len(seen)} names, each of one question")


def check_named(seeds: Sequence[int]) -> None:
    """Read the logs of some draws, and hold what is kept of their named actions against what is true."""
    with tempfile.TemporaryDirectory() as home:
        schemas = [f"zone_{number}" for number in range(len(draws.ZONES))]
        with SparkServer(Path(home), schemas, Path(home) / "spark.log") as server:
            server.wait_ready()
            with session(server.url) as spark:
                for zone, schema in zip(draws.ZONES, schemas, strict=True):
                    made = draws_of(zone, seeds)
                    rows = check_reading(spark, DeltaTables(spark, f"spark_catalog.{schema}"), made)
                    print(f"{zone}: {len(made)} logs, {rows} rows of named actions: all as they are true", flush=True)


def name_of(texts: dict[str, str]) -> str:
    """The name of a question."""
    return Question.from_widgets((defaults() | texts).__getitem__).slug


if __name__ == "__main__":
    main()
