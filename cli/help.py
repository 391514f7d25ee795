"""What `--help` says, in at most 80 columns, and what a slip of the pen on the command line is answered.

Standard library and the catalogue of parameters only: help comes before anything is installed.
"""

import argparse
import difflib
import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from lib.config.catalogue import all_parameters, group_parameters
from lib.config.parameters import Group

_WIDTH = 80
_COLUMN = 18  # where meanings begin

INTRODUCTION = """\
For every user of an app: how probable is it that they do a given thing within
the next days?

Runs the job of this bundle (databricks.yml, jobs/, notebooks/) on this machine,
as Databricks would."""

ALERTS = """\
A run, and this command, tell what happened wherever the environment says:
  PROPENSITY_WEBHOOK=https://...          Slack, Teams, or JSON for any other;
  PROPENSITY_WEBHOOK_SHAPE=slack          where the host does not tell
  PROPENSITY_SMTP=smtps://user:word@host  and PROPENSITY_MAIL=from,to,to"""

EXAMPLES = """\
first steps
  ./propensity run        load a year of real groceries, train, score, publish
  ./propensity ui         look at the models and their search
  ./propensity run        again: the models hold, so nothing is trained
  ./propensity run --help the parameters: events, action, horizon_days, ...

your own events
  ./propensity run --param events=clicks.parquet --param action=purchase
  ./propensity run --param events=db/events --param action=share,favorite \\
                   --param horizon_days=14 --param as_of=2024-06-01
  ./propensity look clicks.parquet --write propensity.yml
  ./propensity run --home shop --param question_file=propensity.yml
                          what that file asks: one question, or several

the models
  ./propensity models     every version: how good, in use from when to when, why
  ./propensity models diff 3 5
                          what differs between two of them
  ./propensity models rollback
                          back to the one before
  ./propensity models challenge URI
                          let a model of your own compete

is retraining worth it
  ./propensity backtest --from 2017-06-25 --to 2017-12-17
                          26 weekly runs of the past under four policies

did it run
  ./propensity alive      for a cron of your own: 1 when a run is overdue

while you work
  ./propensity validate   check the YAML, the notebooks, and how they are wired
  ./propensity run --only train+
                          run train and all that comes after it
  ./propensity notebook train
                          open one notebook in Jupyter or VS Code
  ./propensity parameters write lib/config into notebooks, YAML and docs
  ./propensity check      lint, types, and the tests that start nothing
  ./propensity test       all of them

deployed on Databricks
  ./propensity remote status
                          the last runs, their tasks and verdicts
  ./propensity remote run --target staging
                          start a run, follow it, and fail when a task did
"""


class Parser(argparse.ArgumentParser):
    """A parser whose help fits a terminal, and which names what was probably meant.

    With `hands_on` it leaves to others what it does not know itself.
    """

    def __init__(self, *, hands_on: bool = False, **settings: Any) -> None:
        self._flags: list[str] = []
        self._hands_on = hands_on
        super().__init__(**{"formatter_class": _Formatter, **settings})

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        self._flags += [name for name in names if name.startswith("--")]
        return super().add_argument(*names, **settings)

    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        """Refuse what is not known here: the parser of the command knows its own flags best."""
        found, unknown = super().parse_known_args(*given, **named)
        if unknown and not self._hands_on:
            self.refuse(unknown)
        return found, unknown

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End with what is not known, and what was probably meant."""
        self.error(f"unknown arguments: {' '.join(unknown)}.{_flag_hint(unknown[0], self._flags)}")

    def error(self, message: str) -> NoReturn:
        found = re.fullmatch(r"argument (.+): invalid choice: '(.*)' \(choose from (.*)\)", message, re.DOTALL)
        if found:
            choices = re.findall(r"[\w-]+", found[3])
            hint = _hint(difflib.get_close_matches(found[2], choices, n=1))
            message = f"{found[1]} knows no {found[2]!r}, only {', '.join(choices)}.{hint}"
        super().error(message)


class _Formatter(argparse.HelpFormatter):
    """Wraps what is one line, and leaves as it stands what has several."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=24, width=min(_WIDTH, shutil.get_terminal_size().columns))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


def _flag_hint(word: str, flags: Sequence[str]) -> str:
    """What was probably meant by a word that no parser knows: a flag, or a parameter without `--param`."""
    name, equals, value = word.lstrip("-").partition("=")
    if (name := name.replace("-", "_")) in all_parameters():
        return _hint([f"--param {name}={value if equals else '...'}"])
    return _hint(difflib.get_close_matches(word.partition("=")[0], flags, n=1) if word.startswith("-") else [])


def _hint(near: Sequence[str]) -> str:
    return f" Did you mean {near[0]}?" if near else ""


def format_parameters() -> str:
    """The job's parameters by groups: those of the first day with their meaning, the others by name and default."""
    return "\n".join(_parameter_lines())


def _parameter_lines() -> Iterator[str]:
    yield "parameters: --param NAME=VALUE; in brackets is what a blank one comes to"
    for group in Group:
        if group is Group.JOB:
            continue
        yield from ("", f"{group}".lower())
        if group is not Group.QUESTION:
            yield _names_of(group)
            continue
        for each in group_parameters(group):
            text = each.meaning + (f" ({each.shown})" if each.shown else "")
            first = f"  {each.name}".ljust(_COLUMN)
            yield textwrap.fill(text, _WIDTH, initial_indent=first, subsequent_indent=" " * _COLUMN)
    yield "\nREADME.md says of each what it means and takes."


def format_periods() -> str:
    """The parameters that say how long things are kept, by name and default."""
    return f"parameters, with how many days a blank one comes to:\n{_names_of(Group.KEPT)}"


def _names_of(group: Group) -> str:
    names = ", ".join(each.name + (f" ({each.shown})" if each.shown else "") for each in group_parameters(group))
    return textwrap.fill(names, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
