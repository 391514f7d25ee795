"""The question: which action, within how many days, asked of whom."""

import re
from dataclasses import dataclass
from hashlib import sha1

from lib.config.event_kinds import names
from lib.config.kinds import whole, whole_or
from lib.config.parameters import FromWidgets, Group, parameter

MAX_SLUG = 80
MAX_DAYS = 3650  # ten years: what is longer was mistyped, and at some length dates end
EVERYBODY = "all"  # in the place of cohort_days: whoever was ever seen


@dataclass(frozen=True, kw_only=True)
class Question(FromWidgets, group=Group.QUESTION):
    """What one pair of models answers: will a user of this cohort perform the action within the horizon?"""

    actions: tuple[str, ...] = parameter(
        "",
        names(),
        "the event type asked about; several with commas: any of them counts",
        name="action",
        job="${var.action}",
    )
    horizon_days: int = parameter(
        "28", whole(1, MAX_DAYS, "days"), "how many days the prediction covers", job="${var.horizon_days}"
    )
    cohort_days: int | None = parameter(  # None: everybody who was ever seen
        "90",
        whole_or(EVERYBODY, 1, MAX_DAYS, "days"),
        "users are asked about who did anything in so many days before; all: ever",
        job="${var.cohort_days}",
    )

    @property
    def action(self) -> str:
        """The action as tables carry it: its event types joined by a comma."""
        return ",".join(self.actions)

    @property
    def slug(self) -> str:
        """A name for models: letters, digits and underscores, distinct for distinct questions."""
        plain = "_or_".join(re.sub(r"[^0-9a-z]+", "_", action.lower()) for action in self.actions)
        exact = "_or_".join(self.actions)
        if plain != exact or len(self.actions) > 1 or len(plain) > MAX_SLUG:
            mark = sha1("\n".join(self.actions).encode(), usedforsecurity=False).hexdigest()[:8]
            plain = f"{plain[:MAX_SLUG]}_{mark}"
        return f"{plain}_{self.horizon_days}d_cohort{EVERYBODY if self.cohort_days is None else f'{self.cohort_days}d'}"

    @property
    def cohort(self) -> str:
        """The value of the parameter `cohort_days`."""
        return EVERYBODY if self.cohort_days is None else str(self.cohort_days)

    def __str__(self) -> str:
        whom = "all users ever seen"
        if self.cohort_days is not None:
            whom = f"users active in the last {self.cohort_days} days"
        return f"{' or '.join(self.actions)} within {self.horizon_days} days, {whom}"
