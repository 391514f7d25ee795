"""For how long things are kept: parameters of the job, by which each run cleans up after it has published."""

from dataclasses import dataclass, fields, replace
from typing import Self

from lib.config.kinds import Kind, optional, whole
from lib.config.parameters import FromWidgets, Group, parameter

_MOST = 36500  # a hundred years: what is longer was mistyped


@dataclass(frozen=True)
class Period:
    """For how long one thing is kept."""

    days: int | None  # None: for ever
    is_said: bool = True  # else nobody has said it, and it is the usual one


def period(usual: int) -> Kind[Period]:
    """A number of days, or none; blank, the usual one where a home or schema began with periods, and else for ever."""
    number = optional(whole(1, _MOST, "days"), None)

    def read(name: str, text: str) -> Period:
        return Period(number.read(name, text)) if text else Period(usual, is_said=False)

    return Kind(read, number.values)


@dataclass(frozen=True, kw_only=True)
class Periods(FromWidgets, group=Group.KEPT, of_run=True):
    """For how many days each thing is kept."""

    features: Period = parameter(
        "",
        period(210),
        "features of a cutoff, beyond the 29 newest; whoever asks for others has them computed again",
        name="keep_features_days",
        shown="210",
    )
    predictions: Period = parameter(
        "",
        period(210),
        "scores of a cutoff whose outcome stands, beyond the 29 newest, and who was left out of its list",
        name="keep_predictions_days",
        shown="210",
    )
    lists: Period = parameter(
        "",
        period(90),
        "lists that went out of use, but for the last of each question",
        name="keep_lists_days",
        shown="90",
    )
    notes: Period = parameter(
        "",
        period(210),
        "what runs noted for themselves (drift, attribute_checks, question_runs), but for the last ones",
        name="keep_notes_days",
        shown="210",
    )
    versions: Period = parameter(
        "",
        period(30),
        "earlier versions of tables, by which a wrong load is undone; deployed, of the activity",
        name="keep_versions_days",
        shown="30",
    )
    models: Period = parameter(
        "",
        period(400),
        "versions of models that were never in use",
        name="keep_models_days",
        shown="400",
    )
    reports: Period = parameter(
        "", period(210), "reports of lists, but for each question's newest", name="keep_reports_days", shown="210"
    )
    runs: Period = parameter(
        "", period(90), "run pages on one machine, but for each question's last", name="keep_runs_days", shown="90"
    )
    studies: Period = parameter(
        "",
        period(90),
        "studies of searches on one machine, but for each question's newest",
        name="keep_studies_days",
        shown="90",
    )

    def without_usual(self) -> Self:
        """The same, where what nobody has said is kept for ever: of what was made before there were periods."""
        unsaid = [one.name for one in fields(self) if not getattr(self, one.name).is_said]
        return replace(self, **dict.fromkeys(unsaid, Period(None)))
