"""What is said of a list on its first day: the same sentences in the summary, on the run's page and in the report."""

from collections.abc import Mapping
from datetime import timedelta

from lib.audience.advice import Advice
from lib.audience.contacts import worth
from lib.audience.effects import Basis
from lib.audience.outcomes import UNTOLD
from lib.audience.uplift import UPLIFT
from lib.config.words import STAYING
from lib.evaluation.measured import Measured
from lib.report.amounts import format_day, format_money, format_people, format_worth

NOBODY = {  # why nobody is to be contacted
    "added": "contacts of past lists added less than they cost",
    "profit": "nobody is expected to bring what a contact costs",
}
NEWEST = 12  # so many past lists are named by their words
SIDES: Mapping[Basis, str] = {  # whom the users left alone are compared with
    "effect": "those who could be contacted", "effect_chosen": "those who stood in the file",
    "effect_contacted": "those who were contacted",
}  # fmt: skip


def format_advice(advice: Advice, currency: str) -> list[str]:
    """All that is said, in the order in which people ask."""
    lines = [
        format_quality(advice), format_recommendation(advice), format_reason(advice, currency),
        format_effect(advice, currency), format_order(advice), format_past(advice), format_bias(advice),
    ]  # fmt: skip
    return [line for line in lines if line]


def format_quality(advice: Advice) -> str:
    """How good the models are, in a word and a number, and where that was measured."""
    if advice.quality is None or "auc" not in advice.quality.metrics:
        return "Quality: how good the models are was not recorded with them."
    auc = advice.quality.metrics["auc"]
    return (
        f"Quality: {advice.word}. Of two users of whom one {advice.words.acts}, the list puts that one first in "
        f"{auc.value:.0%} of all cases ({auc.low:.0%} to {auc.high:.0%}). Measured on the holdout of "
        f"{format_day(advice.judged_on)}: users whose outcome is known, and whom the models had not learnt from."
    )


def format_recommendation(advice: Advice) -> str:
    """What to do, in one sentence."""
    again = f"look again on {format_day(advice.again)}."
    if not len(advice.contact):
        why = NOBODY.get(advice.rule, "nobody is left to")
        return f"Contact nobody: {why}; {again}"
    head = f"Contact the first {len(advice.contact):,} of {advice.users:,}"
    head += " by estimated effect (the column effect, not rank)" if advice.in_order else ""
    act = (
        f"about {format_people(advice.expected)} of them {advice.question} {advice.when}, "
        "as users like them did under the contacts of that time"
    )
    leave = f"leave {advice.held_out:,} alone as the comparison" if advice.held_out else "nobody is left alone"
    return f"{head}; {act}; {leave}; {again}"


def format_reason(advice: Advice, currency: str) -> str:
    """Why just so many."""
    number = len(advice.contact)
    if not number:
        return ""
    hold = (
        f"they are {number / advice.users:.0%} of the list and hold {advice.held_share:.0%} of those who will "
        f"{advice.words.act}"
    )
    if advice.profit is not None and advice.value is not None and advice.cost is not None:
        if advice.rule == "added" and advice.added is not None:
            return _format_added_reason(advice, advice.added, currency, hold)
        return (
            f"Why {number:,}: an action is worth {format_money(advice.value, currency)} and a contact costs "
            f"{format_money(advice.cost, currency)}, so from there on a contact costs more than it brings. Expected "
            f"profit {format_worth(advice.profit, currency)}; {hold}."
        )
    if advice.rule == "top":
        return f"Why {number:,}: so many were asked for by export_top; {hold}."
    if advice.in_order:
        return f"Why {number:,}: a contact is estimated to move them more than the average of the list; {hold}."
    return (
        f"Why {number:,}: they are likelier to {advice.words.act} than the average of the list; {hold}. For "
        "another number, set export_top. What it costs and earns is told once value_of_action and cost_of_contact are "
        "given; the number is then where contacts stop paying."
    )


def _format_added_reason(advice: Advice, added: Measured, currency: str, hold: str) -> str:
    value, cost, number = advice.value or 0.0, advice.cost or 0.0, len(advice.contact)
    return (
        f"Why {number:,}: an action is worth {format_money(value, currency)} and a contact costs "
        f"{format_money(cost, currency)}; by past lists, contacts beyond these add less than they cost. About "
        f"{format_people(added)} {_because(advice)} of it: the profit that counts these alone is "
        f"{format_worth(worth(added, number, value, cost), currency)}; {hold}."
    )


def format_order(advice: Advice) -> str:
    """Whether whom a contact moves can be told, and whether the list is in that order; blank without a comparison."""
    uplift = advice.uplift
    if not advice.held_out and not uplift.lists:
        return ""
    about, asked = "Whom does a contact move?", advice.order == UPLIFT
    if uplift.is_shown and uplift.gain is not None:
        gain = f"{1000 * uplift.gain.low:.1f} to {1000 * uplift.gain.high:.1f}"
        better = (
            f"on {_lists(uplift.judged)} whose contacts it was not learnt from, an order by estimated effect added "
            f"{1000 * uplift.gain.value:.1f} ({gain}) more actions per 1,000 users than that by probability, on "
            "average over how many are contacted"
        )
        if advice.in_order:
            return f"{about} The file is in that order, as order=uplift asks; rank is that by probability: {better}."
        return f"{about} That is known well enough to be used: {better}. order=uplift puts it in use."
    kept = " order=uplift was asked for; the list stays in the order of probability." if asked else ""
    if uplift.judged and uplift.more is None:
        seen = f"on {_lists(uplift.judged)} an order by estimated effect was not better than that by probability"
        return f"{about} Nothing to go by yet: {seen}.{kept}"
    have = "1 more list has" if uplift.more == 1 else f"{uplift.more} more lists have"
    if uplift.judged:
        return f"{about} Not known yet: as the last ones went, about {have} to be over first.{kept}"
    return (
        f"{about} Not known yet: at least {have} to be over first: one to learn from, a later one to compare on.{kept}"
    )


def _lists(number: int) -> str:
    return "1 list" if number == 1 else f"{number} lists"


def format_head(advice: Advice, number: str = "") -> str:
    """What stands above the first (so many) of those who may be contacted, in the order in which they are to be."""
    if advice.in_order:
        return f"The {number or 'users '}who may be contacted and whom that is estimated to move most"
    return f"The {number}likeliest who may be contacted"


def format_past(advice: Advice) -> str:
    """How the last lists proved."""
    known = advice.past.tail(NEWEST)
    if known.empty:
        return f"Past lists: none is over yet; the first one is known on {format_day(advice.first_known)}."
    last = known.iloc[-1]
    words = ", ".join(known["word"])
    lists = f"the last {len(known)} lists, oldest first: {words}" if len(known) > 1 else f"it proved {words}"
    if last["word"] == UNTOLD and len(known) == 1:
        lists = "too few acted to judge it"
    return (
        f"Past lists: of the newest whose outcome is known ({format_day(last['cutoff'])}), {last['expected']:,.0f} of "
        f"{last['users']:,} users were expected to {advice.words.act} and {last['observed']:,} did; {lists}."
    )


def format_bias(advice: Advice) -> str:
    """Whether past lists all erred to one side; blank where there are too few to say."""
    bias, known = advice.bias, len(advice.past)
    if bias is None or not bias.lasting:
        return f"No lasting bias: the last {known} lists did not all err to one side." if known > 2 else ""
    factor = bias.factor if bias.too_many else _turn(bias.factor)
    many, how = (
        ("too many", f"as many as {advice.words.acted}")
        if bias.too_many
        else ("too few", f"as many {advice.words.acted} as expected")
    )
    likely = Measured(
        *(end / bias.factor.value for end in (advice.expected.value, advice.expected.low, advice.expected.high))
    )
    return (
        f"A lasting bias: {bias.lists} lists in a row expected {many}: {factor.value:.2f} times ({factor.low:.2f} to "
        f"{factor.high:.2f}) {how}. If that goes on, count on {format_people(likely)} instead of "
        f"{format_people(advice.expected)}."
    )


def format_effect(advice: Advice, currency: str) -> str:
    """How many would do it anyway, as far as it is known, or when it will be."""
    ask = "Does a contact keep them?" if advice.words == STAYING else "Would they do it anyway?"
    if not advice.held_out and advice.effect is None:
        return f"{ask} That will not be known: nobody is held out to compare with. Give held_out_share."
    effect = advice.effect
    if effect is None:
        some = "Some of them" if advice.words == STAYING else "Some would"
        return (
            f"{ask} {some}. How many, those left alone will show: a first figure on {format_day(advice.first_known)}, "
            f"{_when(advice, 'one', 'none')}."
        )
    lists = "1 past list" if effect.lists == 1 else f"{effect.lists} past lists whose days do not overlap"
    difference = f"on {lists}, {SIDES[effect.basis]} {_more(advice, effect.overall)}, allowing for how likely each were"
    if not advice.is_effect_known or advice.added is None:
        return f"{ask} Not settled: {difference}. There will be {_when(advice, 'a figure', 'no figure')}."
    of_all = format_people(advice.expected, alone=True)
    added = f"about {format_people(advice.added)} of the {of_all} {_because(advice)} of it"
    if not len(advice.contact):
        return f"{ask} Mostly, it seems: {difference}."
    return f"{ask} Most likely {added}: {difference}.{_incremental(advice, currency)}"


def _incremental(advice: Advice, currency: str) -> str:
    if advice.profit is None or advice.added is None or advice.value is None or advice.cost is None:
        return ""
    profit = worth(advice.added, len(advice.contact), advice.value, advice.cost)
    return (
        f" Counting these alone, the profit is {format_worth(profit, currency)}; counting everybody who "
        f"{advice.words.acts}, {format_worth(advice.profit, currency)}."
        f"{' So the contacts cost more than they add: do not contact for this alone.' if profit.high < 0 else ''}"
        f"{_format_paying(advice.paying_deciles)}"
    )


def _format_paying(deciles: list[int] | None) -> str:
    """Where in the list a contact is worth it by what it adds."""
    if deciles is None:
        return ""
    where = {0: "in no decile", 10: "in every decile"}.get(len(deciles), f"in deciles {', '.join(map(str, deciles))}")
    return f" By what a contact adds, it pays {where} of the list."


def _more(advice: Advice, added: Measured) -> str:
    """How much more often they acted than those left alone, or less often; of who stays away, the other way round."""
    words = ("less", "more") if advice.words == STAYING else ("more", "less")
    low, high = (f"{abs(100 * end):.1f}" for end in (added.low, added.high))
    way = words[added.value < 0]
    if added.low < 0 < added.high:
        low, high = f"{low} {words[1]}", f"{high} {words[0]}"
    elif added.value < 0:
        low, high = high, low
    return (
        f"{advice.words.acted} {way} often than those left alone, by {abs(100 * added.value):.1f} percentage points "
        f"({low} to {high})"
    )


def _because(advice: Advice) -> str:
    return "are kept because" if advice.words == STAYING else "act because"


def _turn(ratio: Measured) -> Measured:
    """The other way round."""
    return Measured(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)


def _when(advice: Advice, one: str, none: str) -> str:
    known = advice.effect_known
    if known is None:
        return f"{none} close enough to act on within five years: hold more users out"
    monday = known - timedelta(days=known.weekday())
    when = f"on {format_day(known)}" if known == advice.first_known else f"in the week of {format_day(monday)}"
    return f"{one} close enough to act on {when}"
