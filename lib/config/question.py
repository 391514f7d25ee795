"""The question: what is done or not, within which days, asked of whom."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Self

from lib.config.event_kinds import names, quote_name
from lib.config.kinds import flag, optional, whole, whole_or, word
from lib.config.parameters import FromWidgets, Get, Group, parameter
from lib.config.question_kinds import (
    amount,
    check_newcomers,
    check_reach,
    choose_named,
    cohort_condition,
    format_named,
    named_actions,
)
from lib.config.slugs import make_slug
from lib.config.words import ACTING, STAYING, Words
from lib.expressions.facts import Fact, UserCondition
from lib.expressions.named import NamedAction
from lib.timeline import MOST_DAYS, Window

EVERYBODY = "all"  # in the place of cohort_days: whoever was ever seen


@dataclass(frozen=True, kw_only=True)
class Question(FromWidgets, group=Group.QUESTION):
    """What one pair of models answers: will a user of this cohort do it, or not do it, on days to come?"""

    actions: tuple[str, ...] = parameter(
        "",
        names(),
        "the event type asked about; several with commas: any of them counts",
        name="action",
        job="${var.action}",
    )
    horizon_days: int = parameter(
        "28", whole(1, MOST_DAYS, "days"), "how many days the prediction covers", job="${var.horizon_days}"
    )
    cohort_days: int | None = parameter(  # None: everybody who was ever seen
        "90",
        whole_or(EVERYBODY, 1, MOST_DAYS, "days"),
        "users are asked about who did anything in so many days before; all: ever",
        job="${var.cohort_days}",
    )
    without: bool = parameter(
        "false", flag(), "true asks who will not do it, as for churn, among those who did it before",
        group=Group.MORE, unread=False,
    )  # fmt: skip
    all_actions: bool = parameter(
        "false", flag(), "of several actions, true asks for all of them, each by itself", group=Group.MORE, unread=False
    )
    at_least: int = parameter("1", whole(1, unit="times"), "how often it is to be done", group=Group.MORE, unread=1)
    at_least_value: Decimal | None = parameter(
        "", optional(amount(), None), "what the values of the action are to come to",
        shown="any", group=Group.MORE, unread=None,
    )  # fmt: skip
    starts_in_days: int = parameter(
        "0", whole(0, MOST_DAYS, "days"), "the days that the prediction covers begin so many days later",
        group=Group.MORE, unread=0,
    )  # fmt: skip
    cohort_where: UserCondition | None = parameter(
        "", optional(cohort_condition(), None), "who is asked about besides, like events('view', 28) >= 2",
        shown="everybody active", group=Group.MORE, unread=None,
    )  # fmt: skip
    named: tuple[NamedAction, ...] = parameter(  # of those that are given, the ones that the question names
        "", optional(named_actions(), ()), "actions of one's own, like big_order=order WHERE value > 50",
        name="actions", group=Group.MORE, unread=(),
    )  # fmt: skip
    newcomers: str = parameter(
        "", optional(word("a column of users"), ""),
        "asks also about users without any event: their column that says when they signed up, like joined",
        shown="users with events alone", group=Group.MORE, unread="",
    )  # fmt: skip

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        question = super().from_widgets(get)
        before = question.cohort_where.event_types if question.cohort_where else ()
        summed = () if question.is_plain or question.needs_all else question.actions
        question = replace(question, named=choose_named(question.named, {*question.actions, *before}, summed))
        check_reach(question.starts_in_days, question.horizon_days)
        check_newcomers(question.newcomers, bool(question.facts_before))
        return question

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Self:
        """The question of some parameters, or of a pair's tags: older ones lack what came to be since."""
        return cls.from_widgets(defaultdict(str, texts).__getitem__)

    @property
    def action(self) -> str:
        """The action as tables carry it: its event types joined by a comma."""
        return ",".join(self.actions)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The event types under which the events of the actions are kept."""
        return tuple(map(self.kind_of, self.actions))

    def kind_of(self, event_type: str) -> str:
        """The event type under which events are kept that the question calls so."""
        return next((one.kind for one in self.named if one.name == event_type), event_type)

    @property
    def plain_actions(self) -> tuple[str, ...]:
        """The actions that are event types of the log."""
        return tuple(action for action in self.actions if self.kind_of(action) == action)

    @property
    def source_types(self) -> tuple[str, ...]:
        """The event types of the log that the actions are, or are made of."""
        own = {one.name: one.event_type for one in self.named}
        return tuple(sorted({own.get(action, action) for action in self.actions}))

    @property
    def reach_days(self) -> int:
        """From a cutoff to the end of the days that are asked about: when a label is known."""
        return self.starts_in_days + self.horizon_days

    def window(self, cutoff: date) -> Window:
        """The days that are asked about at a cutoff."""
        return Window.horizon(cutoff + timedelta(days=self.starts_in_days), self.horizon_days)

    @property
    def is_plain(self) -> bool:
        """Whether it is enough that any of the actions is done once."""
        return not (self.needs_all or self.at_least > 1 or self.at_least_value)

    @property
    def needs_all(self) -> bool:
        """Whether there are several actions, each of which is to be done."""
        return self.all_actions and len(self.actions) > 1

    @property
    def facts_before(self) -> tuple[Fact, ...]:
        """Where the cohort follows from the question, as of churn: what its users did before, each at least once.

        One fact for each action: any of them will do, all where all are asked for.
        """
        if not self.without or self.cohort_where:
            return ()
        return tuple(Fact("events", action, self.cohort_days or 0) for action in self.actions)

    @property
    def slug(self) -> str:
        """A name for models: letters, digits and underscores, distinct for distinct questions."""
        days = "" if self.cohort_days is None else "d"
        return make_slug(self.actions, self.horizon_days, f"{self.cohort}{days}", self._more, without=self.without)

    @property
    def _more(self) -> dict[str, Any]:
        """What is asked beyond actions, horizon and days of the cohort: the same for the same question."""
        said = {
            "without": self.without,
            "all_actions": self.needs_all,
            "at_least": self.at_least if self.at_least > 1 else 0,
            "at_least_value": str(self.at_least_value.normalize()) if self.at_least_value else "",
            "starts_in_days": self.starts_in_days,
            "cohort_where": self.cohort_where.same if self.cohort_where else "",
            "actions": [one.kind for one in self.named],
            "newcomers": self.newcomers,
        }
        return {name: value for name, value in said.items() if value}

    @property
    def cohort(self) -> str:
        """The value of the parameter `cohort_days`."""
        return EVERYBODY if self.cohort_days is None else str(self.cohort_days)

    def texts(self) -> dict[str, str]:
        """The question as its parameters; those at their defaults are blank, but for the first three."""
        return {
            "action": ",".join(map(quote_name, self.actions)),
            "horizon_days": str(self.horizon_days),
            "cohort_days": self.cohort,
            "without": "true" if self.without else "",
            "all_actions": "true" if self.all_actions else "",
            "at_least": str(self.at_least) if self.at_least > 1 else "",
            "at_least_value": str(self.at_least_value or ""),
            "starts_in_days": str(self.starts_in_days or ""),
            "cohort_where": self.cohort_where.text if self.cohort_where else "",
            "actions": format_named(self.named),
            "newcomers": self.newcomers,
        }

    @property
    def what(self) -> str:
        """What is asked, without when and of whom."""
        if not self.without:
            return self._done
        no = "no" if not self.needs_all else "not both" if len(self.actions) == 2 else "not all of"
        return f"{no} {self._done}"

    @property
    def _done(self) -> str:
        each = " each" if self.needs_all else ""
        often = f" at least {self.at_least} times{each}" if self.at_least > 1 else ""
        worth = f" worth at least {self.at_least_value.normalize():f}{each}" if self.at_least_value else ""
        return f"{(' and ' if self.needs_all else ' or ').join(self.actions)}{often}{worth}"

    @property
    def words(self) -> Words:
        """What the users of the head of a list are expected to do, in short."""
        return STAYING if self.without else ACTING

    def phrase(self, name: str = "") -> str:
        """What users do, or do not, for a sentence: "about 40 of them do buy"; `name` is a name for doing it."""
        done = name or f"do {self._done}"
        return f"do not {done}" if self.without else done

    @property
    def came_true(self) -> str:
        """What users of label 1 did, or did not, for a sentence: "40 of them did buy"."""
        return f"did not do {self._done}" if self.without else f"did {self._done}"

    @property
    def when(self) -> str:
        """On which days, for a sentence."""
        days = "1 day" if self.horizon_days == 1 else f"{self.horizon_days} days"
        return f"within the {days} from day {self.starts_in_days + 1} on" if self.starts_in_days else f"within {days}"

    @property
    def whom(self) -> str:
        """Who is asked about."""
        if self.facts_before:
            either = " and " if self.needs_all else " or "
            ever = "ever did" if self.cohort_days is None else "did"
            days = "" if self.cohort_days is None else f" in the last {_days(self.cohort_days)}"
            return f"users who {ever} {either.join(self.actions)}{days}"
        within = "" if self.cohort_days is None else _days(self.cohort_days)
        whom = f"users active in the last {within}" if within else "all users ever seen"
        if self.newcomers:
            whom += f", or signed up{' then' * bool(within)} without any event yet"
        return f"{whom} of whom {self.cohort_where.words}" if self.cohort_where else whom

    def __str__(self) -> str:
        later = f", beginning {self.starts_in_days} days later" if self.starts_in_days else ""
        named = "".join(f", where {one.name} is {one.definition}" for one in self.named)
        return f"{self.what} within {self.horizon_days} days{later}, {self.whom}{named}"


def _days(number: int) -> str:
    return "day" if number == 1 else f"{number} days"
