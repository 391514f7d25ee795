"""What must hold before anything is used or published, and who is contacted: parameters of the job."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from lib.config.numbers import parse_decimal


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """One limit for each metric that is judged, and the certainty that a replacement needs."""

    min_skill_over_base_rate: float  # share of the base rate's log loss that the scores must save
    min_skill_over_naive: float  # the same, against the rule by recency and frequency
    max_auc_drop: float  # since the pair was registered
    max_ap_drop: float  # the same, of average precision over the base rate
    max_calibration_error: float  # absolute log ratio of expected to observed actions
    max_ece: float  # mean distance of scores and observed rates
    max_drifted_share: float  # of the features that the pair reads
    max_unseen_share: float  # of the newest events: those of types that it reads otherwise than it learnt
    max_age_days: float  # since the last label that it learnt from was complete
    promote_probability: float  # of a lower log loss, to replace a champion that holds

    @classmethod
    def from_widgets(cls, get: Callable[[str], str]) -> Self:
        return cls(
            min_skill_over_base_rate=parse_decimal("min_skill_over_base_rate", get, least=-1, most=1),
            min_skill_over_naive=parse_decimal("min_skill_over_naive", get, least=-1, most=1),
            max_auc_drop=parse_decimal("max_auc_drop", get, least=0, most=1),
            max_ap_drop=parse_decimal("max_ap_drop", get, least=0, most=1),
            max_calibration_error=parse_decimal("max_calibration_error", get, least=0, most=10),
            max_ece=parse_decimal("max_ece", get, least=0, most=1),
            max_drifted_share=parse_decimal("max_drifted_share", get, least=0, most=1),
            max_unseen_share=parse_decimal("max_unseen_share", get, least=0, most=1),
            max_age_days=parse_decimal("max_age_days", get, least=0, most=36500),
            promote_probability=parse_decimal("promote_probability", get, least=0.5, most=1),
        )


@dataclass(frozen=True, kw_only=True)
class PublishLimits:
    """How far a list may be from the last one of an earlier cutoff, and from what happens usually."""

    max_users_change: float  # share of the users by which the larger of the two lists is larger than the smaller
    max_score_shift: float  # distance of the two distributions of propensities, 0 to 1
    max_rate_ratio: float  # of the mean propensity to the base rate, either way

    @classmethod
    def from_widgets(cls, get: Callable[[str], str]) -> Self:
        return cls(
            max_users_change=parse_decimal("max_users_change", get, least=0, most=1000),
            max_score_shift=parse_decimal("max_score_shift", get, least=0, most=1),
            max_rate_ratio=parse_decimal("max_rate_ratio", get, least=1, most=1000),
        )


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """How contacts are chosen. Nothing chosen: the whole list is exported, with its flag of users held out."""

    top: int  # so many at the most; 0: no limit
    value_of_action: float | None  # both or none, in one currency
    cost_of_contact: float | None

    @property
    def everybody(self) -> bool:
        """Whether nothing is chosen."""
        return not self.top and self.value_of_action is None
