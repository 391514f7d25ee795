"""Make a challenger: search, fit, compare, fit once more, explain. Reads and writes nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from lib.audience import outcomes
from lib.config.stages import RetrainConfig
from lib.explain import reasons
from lib.labels.rows import Rows, check_two_classes
from lib.labels.split import Split
from lib.models.checks import take_probe
from lib.models.pair import Pair
from lib.progress import Say
from lib.training import comparison
from lib.training.comparison import Trained
from lib.training.search import SearchResult, TrialRunner, search


@dataclass(frozen=True)
class ChallengerRequest:
    """What a challenger is to be made from, and what it is to be compared with."""

    config: RetrainConfig
    as_of: date
    rows: Rows  # labelled, of all matured cutoffs
    parts: Split
    champion: Pair | None
    retrain_needed: bool  # what the run's check said of the champion
    named: SearchResult | None  # somebody's own models in the place of what a search would find
    kinds: Iterable[str]  # event types of the log
    elsewhere: TrialRunner | None = None  # what runs the trials where it is not this process
    may_adapt: bool = True  # whether what changed of late may be taken for a change of behaviour
    others: Sequence[Mapping[str, Any]] = ()  # parameters that searches for other questions have found


@dataclass(frozen=True)
class MadeChallenger:
    """A challenger that was found, fitted and compared; nothing of it is written down yet."""

    search: SearchResult
    trained: Trained
    pair: Pair  # what is to be registered: if it is promoted, the fit through the holdout
    importances: Sequence[Mapping[Any, Any]]  # groups of features: name, mean, std; the largest first
    learnt_from: int  # rows of the training cutoffs


Make = Callable[[ChallengerRequest, Say], MadeChallenger]


def make_challenger(request: ChallengerRequest, say: Say) -> MadeChallenger:
    """Search, or take the models that were named; fit and compare; where it is promoted, fit it through the holdout.

    Raises
    ------
    OneClass
        If everybody or nobody acted, at the training cutoffs or at the holdout.
    """
    config, rows, parts, champion = request.config, request.rows, request.parts, request.champion
    training = rows.at(parts.training)
    check_two_classes(training.y, f"at {len(parts.training)} training cutoffs", config.question.came_true)
    check_two_classes(rows.at(parts.holdout).y, f"at the holdout {parts.holdout[0]}", config.question.came_true)
    # A champion of this very day is no start: with it, running the day again would search otherwise.
    champion_params = champion.params if champion and champion.trained_through < parts.holdout[0].isoformat() else None
    say(f"learning from {len(training)} rows of {len(parts.training)} training cutoffs")
    result = request.named or search(
        training, parts.training, config, request.as_of, champion_params, say, request.elsewhere, request.others
    )
    say("fitting what was found, and comparing it on the holdout")
    trained = comparison.fit_and_compare(
        rows, parts, result.params, config.question, champion, request.retrain_needed, config.thresholds, config.seed,
        may_adapt=request.may_adapt, asked=result.asked,
    )  # fmt: skip
    pair = trained.pair
    if trained.choice.promote:
        say("promoted: fitting once more, through the holdout")
        pair = comparison.refit(rows, parts, trained, config.question, config.seed)
    say("measuring what it looks at")
    cohort = training.at([training.frame["cutoff"].max()])
    why = reasons.explanation_notes(
        trained.pair, cohort.X, trained.judged, request.kinds, config.seed, config.question.named
    )
    deciles = outcomes.count_by_decile(trained.pair.score(trained.judged.X), trained.judged.y).to_dict("records")
    notes = replace(
        pair.notes, typical=why.typical, names=why.names, importances=why.importances, deciles=deciles,
        probe=take_probe(pair, cohort.X),
    )  # fmt: skip
    pair = comparison.note_evidence(replace(pair, notes=notes), trained.quality)
    return MadeChallenger(result, trained, pair, why.importances, len(training))
