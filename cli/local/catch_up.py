"""`run --catch-up`: the runs that were missed since a question's list, in order, each as it would have been."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from cli.errors import CliError
from cli.local import questions
from cli.local.home import Home
from cli.local.plan import Plan, plan_run
from lib.config.bases import ModelConfig
from lib.config.catalogue import defaults, with_defaults
from lib.config.kinds import is_none
from lib.config.question_file import Entry
from localrun.platform.cron import next_fire
from localrun.platform.state import State
from localrun.run.job import job_parameters
from localrun.run.record import JobRun

_FIRST = "extract_features"  # the task that says what a blank as_of comes to
_NEEDED = ("as_of", "catch_up_to")
Start = Callable[[Plan], JobRun]


def catch_up(arguments: argparse.Namespace, home: Home, plan: Plan, start: Start) -> list[JobRun]:
    """Make the missed runs; one that fails is the last. Nothing is run where none was missed, which is said.

    Raises
    ------
    CliError
        If the job cannot, or the question has no list yet.
    """
    parameters = _check(arguments, plan)
    entries = plan.file.entries if plan.file else (Entry(),)
    configs = [ModelConfig.from_widgets(one.over(parameters).__getitem__) for one in entries]
    newest = min(_newest_list(home, config) for config in configs)
    if is_none(parameters["as_of"]):
        looked = start(replace(plan, selection=frozenset([_FIRST])))
        if looked.state is not State.SUCCESS:
            return [looked]
        until = date.fromisoformat(looked.tasks[_FIRST].values["as_of"])
    else:
        until = date.fromisoformat(parameters["as_of"])
    days = missed_days(plan, newest, until)
    if not days:
        print(f"Nothing was missed: the list of {newest} is the last that was due by {until}.")
        return []
    recorded = set.intersection(*(_recorded(home, config) for config in configs)) - {days[-1]}
    return list(_run_each(arguments, home, [day for day in days if day not in recorded], start))


def _newest_list(home: Home, config: ModelConfig) -> date:
    made = questions.rows(home, config, "audience")
    if made.empty:
        raise CliError(f"There is no list for {config.question} in {home.root} yet: run the job without --catch-up.")
    newest: date = max(made["cutoff"])
    return newest


def _recorded(home: Home, config: ModelConfig) -> set[date]:
    lists = questions.rows(home, config, "publications")
    return set(lists.loc[lists["kind"] == "recorded", "cutoff"])


def missed_days(plan: Plan, newest: date, until: date) -> list[date]:
    """The as_of of every run that was due after the one of the newest list, up to a day, by the job's schedule.

    They keep the distance that the newest list's as_of had to the time of its run: a load at night makes it a day.
    """
    schedule = plan.job.settings.schedule
    if schedule is None:
        raise CliError(f"job {plan.job.key} in {plan.job.file} has no schedule, so no run was missed. Add one there.")
    zone, moment = ZoneInfo(schedule.timezone_id), datetime.combine(newest, time.min, UTC)
    late, days = None, list[date]()
    while (fired := next_fire(schedule.quartz_cron_expression, zone, moment)) is not None:
        late = fired.date() - newest if late is None else late
        day = fired.date() - late
        if day > until:
            break
        if day > newest and day not in days[-1:]:
            days.append(day)
        moment = fired
    return days


def _check(arguments: argparse.Namespace, plan: Plan) -> dict[str, str]:
    if arguments.only:
        raise CliError("--catch-up makes whole runs: leave out --only.")
    names = {parameter.name for parameter in plan.job.settings.parameters or []}
    if missing := [name for name in _NEEDED if name not in names]:
        raise CliError(f"--catch-up needs a job with the parameter {missing[0]}, and job {plan.job.key} has none.")
    return defaults() | with_defaults(job_parameters(plan.job, plan.given, "", datetime.now(UTC)))


def _run_each(arguments: argparse.Namespace, home: Home, days: list[date], start: Start) -> Iterator[JobRun]:
    others = [pair for pair in arguments.param if pair.partition("=")[0].strip() not in _NEEDED]
    for number, day in enumerate(days, start=1):
        print(f"catch-up, run {number} of {len(days)}: as of {day}", flush=True)
        asked = argparse.Namespace(**vars(arguments))
        asked.param = [*others, f"as_of={day}", f"catch_up_to={days[-1]}"]
        run = start(plan_run(asked, home))
        yield run
        if run.state is not State.SUCCESS:
            return
