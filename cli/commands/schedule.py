"""`schedule`: run the job by its own Quartz cron and time zone, until stopped."""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cli.commands.run import SKIPPED
from cli.errors import CliError
from cli.local.home import open_home
from cli.local.landing import NEXT_RUN, write_pages
from cli.local.plan import plan_run
from cli.local.sources import check_given
from cli.options import PROJECT
from lib.whole_files import write_whole
from localrun.platform.cron import next_fire
from localrun.sdk import CronSchedule

_MARGIN = timedelta(seconds=5)  # a run that waits in vain ends before the next is due
_NAP_SECONDS = 30.0  # short enough that a clock which was set, or a machine that slept, is noticed


def main(arguments: argparse.Namespace) -> int:
    """Wait, run, wait again; a run that fails is reported and the next one comes all the same.

    Each run is a process of its own, `run` with the same options, so that nothing of one reaches the next. It
    ignores `pause_status`, which is for deployed jobs: whoever calls this wants the job to run.
    """
    home = open_home(arguments.home)
    check_given(arguments, home)
    job = plan_run(arguments, home).job  # what each run would refuse is told now
    schedule = job.settings.schedule
    if schedule is None:
        raise CliError(f"job {job.key} in {job.file} has no schedule. Add one there.")
    zone = ZoneInfo(schedule.timezone_id)
    while (due := next_fire(schedule.quartz_cron_expression, zone, datetime.now(UTC))) is not None:
        print(f"next run: {_say(due, schedule)}", flush=True)
        write_whole(home.root / NEXT_RUN, f"{due.isoformat()}\n".encode())
        write_pages(home)
        while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
            time.sleep(min(left, _NAP_SECONDS))
        code = _run(["run", *arguments.rest, *_patience(schedule.quartz_cron_expression, zone, due)])
        if code == SKIPPED:
            print(f"skipped: {_say(due, schedule)}, since another run held the home all the time", flush=True)
        else:
            print(f"run ended with exit code {code}" + ("" if code == 0 else ": it failed"), flush=True)
        for missed in _fired_between(schedule.quartz_cron_expression, zone, due, datetime.now(UTC)):
            print(f"skipped: {_say(missed, schedule)}, since the run before was under way", flush=True)
    print(f"the schedule {schedule.quartz_cron_expression!r} has no further time")
    return 0


def _say(moment: datetime, schedule: CronSchedule) -> str:
    return f"{moment.astimezone(ZoneInfo(schedule.timezone_id)):%a %Y-%m-%d %H:%M:%S} {schedule.timezone_id}"


def _patience(expression: str, zone: ZoneInfo, due: datetime) -> list[str]:
    """How long a run waits for another one that holds the home: until shortly before the next is due."""
    following = next_fire(expression, zone, due)
    return [] if following is None else ["--wait-until", max(due, following - _MARGIN).isoformat()]


def _fired_between(expression: str, zone: ZoneInfo, due: datetime, now: datetime) -> Iterator[datetime]:
    while (missed := next_fire(expression, zone, due)) is not None and missed <= now:
        yield missed
        due = missed


def _run(argv: list[str]) -> int:
    """One run in a group of its own: Ctrl-C comes here first, is handed on once, and the run may tidy up."""
    command = [sys.executable, "-P", "-m", "cli", *argv]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(PROJECT)}, process_group=0) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
