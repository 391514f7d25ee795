"""Does `schedule` fire when Quartz would? Random expressions, over a year with both clock changes, in several zones.

    python -m benchmarks.quartz [--expressions 3000] [--seed 0]

Asks Quartz itself, which Ivy fetches, through the py4j that Spark brings; about three minutes. It fails when we take
what Quartz refuses, or when a time differs. What we refuse and Quartz takes is not documented; how often is told.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from localrun.errors import LocalRunError
from localrun.platform.cron import next_fire, parse_cron
from localrun.spark.java import find_java, spark_jars

VERSION = "2.3.2"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago")
CHANGES = (  # of 2027: some hours before clocks change in these zones
    "2027-03-27T22:00", "2027-10-30T20:00", "2027-03-14T03:00", "2027-11-07T02:00", "2027-04-03T10:00",
    "2027-10-02T10:00", "2027-04-03T20:00", "2027-09-04T20:00",
)  # fmt: skip
_IVY = (
    '<ivy-module version="2.0"><info organisation="propensity" module="quartz"/><dependencies>'
    f'<dependency org="org.quartz-scheduler" name="quartz" rev="{VERSION}" transitive="false"/>'
    "</dependencies></ivy-module>"
)
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def main() -> int:
    """Draw expressions, ask both, and tell; 0 only where nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expressions", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance, counts, differing = Random(asked.seed), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        quartz = _start(Path(folder))
        for _ in range(asked.expressions):
            expression = draw(chance)
            result = _compare(quartz, expression, chance.choice(ZONES))
            counts[result.partition(":")[0]] += 1
            if result.startswith(("taken here only", "differs")):
                differing.append(f"{expression!r} {result}")
            elif result.startswith("refused here only") and counts["refused here only"] <= 10:
                print(f"  {expression!r} is refused here only")
    print(*(f"{count:6} {what}" for what, count in counts.most_common()), *differing, sep="\n")
    return 1 if differing else 0


def draw(chance: Random) -> str:
    """An expression of the documented grammar; one of four is spoilt by a letter."""
    day, weekday = (_month_day(chance), "?") if chance.random() < 0.5 else ("?", _weekday(chance))
    times = [_list(chance, 0, most) for most in (59, 59, 23)]
    parts = [*times, day, _list(chance, 1, 12, _MONTHS), weekday]
    if chance.random() < 0.3:
        parts.append(_list(chance, 2024, 2031))
    text = " ".join(parts)
    if chance.random() < 0.25:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(["", *"0123456789*?,-/LW#A "]) + text[at + chance.randrange(2) :]
    return text.lower() if chance.random() < 0.1 else text


def _list(chance: Random, least: int, most: int, names: list[str] | None = None) -> str:
    return ",".join(_item(chance, least, most, names) for _ in range(chance.choice([1, 1, 1, 2, 3])))


def _item(chance: Random, least: int, most: int, names: list[str] | None) -> str:
    first, last = chance.randint(least, most), chance.randint(least, most)
    if least > 1000:
        first, last = sorted((first, last))
    kind = chance.randrange(7)
    if names and kind < 3:
        a, b = names[first - 1], names[last - 1]
        return a if kind < 2 else f"{a}-{b}"
    step = chance.randint(1, max(1, (most - least) // 2))
    span = f"{first}-{last}"
    return ["*", str(first), str(first), span, f"{first}/{step}", f"*/{step}", f"{span}/{step}"][kind]


def _month_day(chance: Random) -> str:
    special = ["L", "LW", f"L-{chance.randint(1, 30)}", f"L-{chance.randint(1, 27)}W", f"{chance.randint(1, 28)}W"]
    return chance.choice(special) if chance.random() < 0.4 else _list(chance, 1, 31)


def _weekday(chance: Random) -> str:
    day = chance.choice([str(chance.randint(1, 7)), chance.choice(_WEEKDAYS)])
    special = ["L", f"{day}L", f"{day}#{chance.randint(1, 5)}"]
    return chance.choice(special) if chance.random() < 0.4 else _list(chance, 1, 7, _WEEKDAYS)


def _compare(quartz: Any, expression: str, zone: str) -> str:
    try:
        parse_cron(expression)
        ours = True
    except LocalRunError:
        ours = False
    theirs = bool(quartz.org.quartz.CronExpression.isValidExpression(expression))
    if ours != theirs:
        return "taken here only" if ours else "refused here only"
    if not ours:
        return "refused by both"
    parsed = quartz.org.quartz.CronExpression(expression)
    parsed.setTimeZone(quartz.java.util.TimeZone.getTimeZone(zone))
    for start, count in [(datetime(2027, 1, 1, tzinfo=UTC), 12), *((_utc(text), 5) for text in CHANGES)]:
        mine = list(_firings(expression, zone, start, count))
        if mine != (asked := list(_asked(quartz, parsed, start, count))):
            place = next((i for i, pair in enumerate(zip(mine, asked, strict=False)) if pair[0] != pair[1]), -1)
            return f"differs: in {zone} after {start}: {mine[place:][:2]} here, {asked[place:][:2]} there"
    return "the same"


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _firings(expression: str, zone: str, after: datetime, count: int) -> Iterator[str]:
    end = after + timedelta(days=366)
    for _ in range(count):
        moment = next_fire(expression, ZoneInfo(zone), after)
        if moment is None or moment > end:
            return
        after = moment
        yield moment.isoformat()


def _asked(quartz: Any, parsed: Any, after: datetime, count: int) -> Iterator[str]:
    end = after + timedelta(days=366)
    for _ in range(count):
        date = parsed.getNextValidTimeAfter(quartz.java.util.Date(int(after.timestamp() * 1000)))
        if date is None:
            return
        moment = datetime.fromtimestamp(date.getTime() / 1000, UTC)
        if moment > end:
            return
        after = moment
        yield moment.isoformat()


def _start(folder: Path) -> Any:
    """Quartz in a Java of its own, which ends with this process."""
    from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

    jars = spark_jars()
    (folder / "ivy.xml").write_text(_IVY, encoding="utf-8")
    options = ["-ivy", f"{folder}/ivy.xml", "-cache", f"{folder}/cache", "-retrieve", f"{folder}/[artifact].[ext]"]
    options += ["-types", "jar"]
    command = [str(find_java().program), "-jar", str(next(jars.glob("ivy-*.jar"))), *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (py4j,), (slf4j,) = jars.glob("py4j-*.jar"), jars.glob("slf4j-api-*.jar")
    path = f"{py4j}:{folder / 'quartz.jar'}:{slf4j}"
    port = launch_gateway(
        classpath=path, jarpath=str(py4j), java_path=str(find_java().program), die_on_exit=True,
        redirect_stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return JavaGateway(gateway_parameters=GatewayParameters(port=port)).jvm


if __name__ == "__main__":
    sys.exit(main())
