"""`alive`: whether the last run that was due took place, for a cron of one's own; tells whoever alerts go to."""

import argparse
import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cli.errors import CliError
from cli.local.alerts import send, take_channels
from cli.local.happenings import MISSED, Happening
from cli.local.home import open_home
from cli.local.plan import load_job
from localrun.platform.cron import next_fire
from localrun.platform.state import State
from localrun.run.record import past_runs


def main(arguments: argparse.Namespace) -> int:
    """0 when a run has succeeded since the last time that one was due, or it is not later than that by `--grace`."""
    if not arguments.home.is_dir():
        raise CliError(f"There is no home in {arguments.home}. Name one with --home.")
    channels = take_channels(os.environ)
    home = open_home(arguments.home)
    job, _ = load_job(arguments)
    schedule = job.settings.schedule
    if schedule is None:
        raise CliError(f"job {job.key} in {job.file} has no schedule. Add one there.")
    good = (run for _, run in past_runs(home.runs) if run.job == job.key and run.state is State.SUCCESS)
    newest = next((datetime.fromisoformat(run.started) for run in good), None)
    zone = ZoneInfo(schedule.timezone_id)
    due = None if newest is None else next_fire(schedule.quartz_cron_expression, zone, newest)
    late = newest is None or (due is not None and due + timedelta(hours=arguments.grace) < datetime.now(UTC))
    if not late:
        print(f"alive: the last run that succeeded began on {newest:%Y-%m-%d %H:%M} UTC")
        return 0
    since = "No run has succeeded yet"
    if due is not None:
        since = f"A run was due on {due:%Y-%m-%d %H:%M} UTC, and none has succeeded since"
    print(f"{since}.")
    send(channels, f"{job.key} in {home.root.name}", [Happening(MISSED, f"{since}.")])
    return 1
