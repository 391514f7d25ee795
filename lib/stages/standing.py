"""What stands of a pair that cannot be judged anew, and when one that holds is due for a new fit."""

from datetime import date

from lib.config.question import Question
from lib.evaluation.verdict import Verdict
from lib.models.pair import Pair
from lib.stages.records import has_decision, read_verdicts
from lib.tables.protocol import Tables
from lib.training import comparison


def ask_when_outgrown(verdict: Verdict, pair: Pair, holdout: date, horizon_days: int) -> Verdict:
    """Ask for a new pair where the one that holds was made for a change of which two fifths more is known by now."""
    if verdict.answer != "good" or not comparison.is_outgrown(pair, holdout, horizon_days):
        return verdict
    reason = (
        f"Version {pair.prediction_version} was made for the change of behaviour of {pair.notes.adapts} "
        f"and has learnt through {pair.trained_through}: by now two fifths more is known of the new behaviour."
    )
    return Verdict("good", (*verdict.reasons, reason), outgrown=True)


def recorded_verdict(
    tables: Tables, question: Question, pair: Pair, holdout: date, as_of: date, run_id: str
) -> Verdict:
    """The verdict that stands for a pair which has learnt from the holdout and cannot be judged on it anew.

    What a run with an id has written itself, before it was killed or with other parameters, is none of it.
    """
    checks = read_verdicts(tables, question, pair.prediction_version)
    by_itself = run_id or None  # by hand there is none, and what was said before is somebody else's
    known = None if checks is None else checks[(checks["as_of"] <= as_of) & (checks["run_id"] != by_itself)]
    why = f"Version {pair.prediction_version} has learnt through {pair.trained_through}: nothing newer has matured"
    verdict = Verdict("good", (f"{why}, and it was promoted on the evidence before.",))
    if known is not None and len(known):
        answer = known.iloc[0]["answer"]
        verdict = Verdict(answer, (f"{why}; its recorded verdict, {answer.replace('_', ' ')}, stands.",))
    elif not has_decision(tables, question, pair.prediction_version):
        # Copied from another schema, or its records are gone: what it was worth elsewhere speaks for nothing here.
        verdict = Verdict("cannot_tell", (f"{why}, and no decision of this schema names it.",))
    return ask_when_outgrown(verdict, pair, holdout, question.reach_days)
