"""What can go wrong in a way that the person who runs the job can mend.

Every message names what was wrong, what was found and what to do; anything else that is raised is a bug.
"""

from textwrap import shorten

LONGEST_REASON = 300  # letters of what a library says


def shorten_reason(text: str) -> str:
    """What a library says, in one line that nobody has to scroll through."""
    return shorten(text, LONGEST_REASON, placeholder=" ...")


class PropensityError(Exception):
    """The base of all errors that an operator can fix."""


class ConfigError(PropensityError):
    """A parameter is missing, unreadable or out of range."""


class SourceError(PropensityError):
    """The events cannot be read, or do not say what the job needs."""


class ContractBroken(PropensityError):
    """A table's columns, types or rows are not what its contract promises."""


class NotEnoughHistory(PropensityError):
    """No cutoff, or too few, can be labelled at this as_of."""


class OneClass(PropensityError):
    """Everybody, or nobody, performed the action: nothing can be learnt or judged."""


class ModelError(PropensityError):
    """A registered model is missing, broken, or belongs to another question or partner."""


class NotPromoted(PropensityError):
    """No model that may be used is left: the run stops and the published list stays."""


class QuestionsFailed(PropensityError):
    """Some questions of a run failed, each by its own error; those of the others are done."""


class PublishRefused(PropensityError):
    """The new list failed a check; the published one stays."""
