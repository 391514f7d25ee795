"""`schedule`: run the job by its own Quartz cron and time zone, until stopped."""

import argparse
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cli.arguments import PROJECT
from cli.errors import CliError
from cli.local.home import open_home
from cli.local.plan import plan_run
from cli.local.sources import check_given
from localrun.platform.cron import next_fire

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
        print(f"next run: {due.astimezone(zone):%a %Y-%m-%d %H:%M:%S} {schedule.timezone_id}", flush=True)
        while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
            time.sleep(min(left, _NAP_SECONDS))
        code = _run(["run", *arguments.rest])
        print(f"run ended with exit code {code}" + ("" if code == 0 else ": it failed"), flush=True)
    print(f"the schedule {schedule.quartz_cron_expression!r} has no further time")
    return 0


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
