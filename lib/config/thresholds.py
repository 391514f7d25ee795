"""What must hold before anything is used or published, and who is contacted: parameters of the job."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from lib.config.kinds import decimal, optional, whole, whole_or_share
from lib.config.parameters import FromWidgets, Get, Group, parameter
from lib.errors import ConfigError
from lib.timeline import MOST_DAYS


@dataclass(frozen=True, kw_only=True)
class Thresholds(FromWidgets, group=Group.VERDICT):
    """One limit for each metric that is judged, and the certainty that a replacement needs."""

    min_skill_over_base_rate: float = parameter(
        "0", decimal(-1, 1), "share of the base rate's log loss that the models in use must save"
    )
    min_skill_over_naive: float = parameter("0", decimal(-1, 1), "the same, against the naive rule")
    max_auc_drop: float = parameter("0.03", decimal(0, 1), "how far AUC may fall since the models were registered")
    max_ap_drop: float = parameter(
        "0.1", decimal(0, 1), "the same, average precision, 0 at the base rate and 1 for a perfect order"
    )
    max_calibration_error: float = parameter(
        "0.25", decimal(0, 10), "log ratio of expected to observed actions, either way"
    )
    max_ece: float = parameter("0.05", decimal(0, 1), "how far scores and observed rates may lie apart on average")
    max_drifted_share: float = parameter(
        "0.3", decimal(0, 1), "share of the features whose spread may have changed since the models learnt"
    )
    max_unseen_share: float = parameter(
        "0.2", decimal(0, 1), "share of the last 28 days' events whose type the models learnt otherwise, or never saw"
    )
    max_age_days: float = parameter(
        "365", decimal(0, 36500, "days"), "how old the newest label may be that the models learnt from"
    )
    promote_probability: float = parameter(
        "0.9", decimal(0.5, 1), "how probably better new models must be to replace ones that hold"
    )


@dataclass(frozen=True, kw_only=True)
class LoadLimits(FromWidgets, group=Group.LIMITS, of_run=True):
    """How far what is loaded may be from what was read before, and from the log's own past."""

    min_counted_events: int = parameter(
        "50", whole(1), "of fewer events nothing is said by the bounds below: one user may have as many"
    )
    max_lost_share: float = parameter(
        "0.05", decimal(0, 1), "share of their events that days read before may have lost; 1: all of them"
    )
    min_week_share: float = parameter("0.5", decimal(0, 1), "share of its usual events that the newest week must have")
    min_action_share: float = parameter("0.5", decimal(0, 1), "the same, of the events that are asked about")
    min_source_share: float = parameter("0.5", decimal(0, 1), "the same, of each one of several sources")
    min_known_share: float = parameter(
        "0.5",
        decimal(0, 1),
        "of its events those of users who were there in the four weeks before, as a share of the usual",
    )
    min_returning_share: float = parameter(
        "0.55",
        decimal(0, 1),
        "of the users of the four weeks before those who came back in the newest, as a share of the usual",
    )
    min_likeness_share: float = parameter(
        "0.5",
        decimal(0, 1),
        "how far users do there what they did before, as a share of what is usual: of exchanged ids none",
    )
    max_doubled_share: float = parameter(
        "0.5", decimal(0, 1), "share of the days read before that may have twice their events"
    )
    max_repeated_share: float = parameter(
        "0.75", decimal(0, 1), "share of the newest week's events, or a day's, that may be there twice, by even numbers"
    )
    told_week_share: float = parameter(
        "0.75", decimal(0, 1), "a newest week with less than that share of its usual events is told"
    )


@dataclass(frozen=True, kw_only=True)
class PublishLimits(FromWidgets, group=Group.LIMITS):
    """How far a list may be from the last one of an earlier cutoff, and from what happens usually."""

    max_users_change: float = parameter(
        "0.5", decimal(0, 1000), "how much larger one of the new and the last list may be"
    )
    max_score_shift: float = parameter(
        "0.5",
        decimal(0, 1),
        "how far propensities may have moved since the last list, or a new pair's from the pair's before",
    )
    max_rate_ratio: float = parameter(
        "3", decimal(1, 1000), "how many times the base rate the mean propensity may be, or the other way round"
    )


@dataclass(frozen=True, kw_only=True)
class Contacts(FromWidgets, group=Group.LIST):
    """How contacts are chosen. Nothing chosen: all of the list but the users held out."""

    top: float = parameter(  # below 1 a share of the list
        "0",
        whole_or_share(),
        "whom that file holds at the most: so many users, or a share like 20%; 0: all but the users held out",
        name="export_top",
    )
    value_of_action: float | None = parameter(
        "",
        optional(decimal(0, 1e9), None),
        "what an action is worth; with the cost: the file holds whom contacting pays for",
    )
    cost_of_contact: float | None = parameter(
        "", optional(decimal(0, 1e9), None), "what a contact costs, in the currency of the value"
    )

    quiet_days: int = parameter(
        "0",
        whole(0, MOST_DAYS, "days"),
        "who was contacted in so many days before as_of, on whatever question, is in no file",
        name="quiet_days_after_contact",
    )

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        contacts = super().from_widgets(get)
        if (contacts.value_of_action is None) != (contacts.cost_of_contact is None):
            texts = [get(name).strip() for name in ("value_of_action", "cost_of_contact")]
            raise ConfigError(
                "value_of_action and cost_of_contact are given together or not at all, got "
                f"{texts[0]!r} and {texts[1]!r}. Give both in one currency, or leave both blank."
            )
        return contacts

    @property
    def everybody(self) -> bool:
        """Whether nothing is chosen."""
        return not self.top and self.value_of_action is None and not self.quiet_days


def exact(share: float) -> Fraction:
    """A share as it was written, so that bounds are met to the event."""
    return Fraction(str(share))
