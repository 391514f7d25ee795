"""Draw logs and joins of ids, and hold features, cohorts and labels against what is true join by join: a long run.

    .venv/bin/python -m benchmarks.drawn_joins --draws 500

The suite holds the first forty draws. Prints how many of what kind were drawn; ends with 1 at the first that differs.
"""

import argparse
from collections import Counter, defaultdict

from tests.builders.identity_checks import check_draw
from tests.builders.identity_draws import Persons, draw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0, help="the first draw")
    arguments = parser.parse_args()
    rows, acted, kinds, zones = 0, 0, Counter[str](), Counter[str]()
    for seed in range(arguments.seed, arguments.seed + arguments.draws):
        more = check_draw(seed)
        rows, acted = rows + more[0], acted + more[1]
        persons = draw(seed)
        kinds.update(_count(persons))
        zones[persons.made.zone] += 1
    print(f"{arguments.draws} draws, {rows} labelled rows, {acted} of label 1: all as they are true")
    print(", ".join(f"{name} {n}" for name, n in sorted(kinds.items())))
    print(", ".join(f"{name} {n}" for name, n in sorted(zones.items())))


def _count(persons: Persons) -> Counter[str]:
    """What kinds of joins a draw has."""
    users = defaultdict[str, set[str]](set)
    for one in persons.joins:
        users[one.id].add(one.user)
    late = [one for one in persons.joins if one.known_at >= persons.made.midnight(min(persons.made.cutoffs))]
    return Counter({
        "joins": len(persons.joins), "ids": len(users), "ids that move": sum(len(each - {one}) > 1 for one, each in
                                                                           users.items()),
        "ids in chains": sum(bool(each & users.keys() - {one}) for one, each in users.items()),
        "joins at or after a cutoff": len(late),
    })  # fmt: skip


if __name__ == "__main__":
    main()
