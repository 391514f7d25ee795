"""What a search needs of Optuna's studies besides opening them: what a kill left, what failed, and quiet."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.trial import TrialState


def give_up_unfinished(study: optuna.Study) -> None:
    """Fail the trials that a kill left running or waiting, so that nothing is drawn from them."""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    while study.get_trials(states=(TrialState.WAITING,)):
        study.tell(study.ask(), state=TrialState.FAIL)


def first_line(error: Exception) -> str:
    """What a storage says, without the statement that it was asked, and without an address that may hold a secret."""
    cause = error.__cause__ or error
    line = str(getattr(cause, "orig", None) or cause).strip().partition("\n")[0]
    hidden = re.sub(r"://\S*@", "://...@", line)
    return f"{type(cause).__name__}: {hidden}"


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keep Optuna's own log, and its warnings of options that are wanted, out of the notebook."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)
