"""What is said of a list on its first day, in every case that there is."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from lib.audience.effects import Effect
from lib.audience.track_record import Bias
from lib.audience.uplift import Uplift
from lib.config.words import ACTING, STAYING
from lib.evaluation.measured import Measured
from lib.report.amounts import format_money, format_people
from lib.report.sentences import format_advice, format_head
from tests.builders.advice import AS_OF, advice

ANYWAY = "Would they do it anyway? "
MOVED = "Whom does a contact move? "


def said(made, start, currency=""):
    (line,) = [line for line in format_advice(made, currency) if line.startswith(start)]
    return line


def past(*words, expected=100.0, observed=96):
    days = [AS_OF - timedelta(days=28 + 7 * back) for back in range(len(words))][::-1]
    return pd.DataFrame({
        "cutoff": days, "word": words, "users": 8000, "expected": expected, "observed": observed, "ratio": 1.0,
        "ratio_low": 0.9, "ratio_high": 1.1,
    })  # fmt: skip


def test_a_first_list_says_how_good_it_is_what_to_do_and_when_more_is_known():
    assert format_advice(advice(), "") == [
        "Quality: good. Of two users of whom one acts, the list puts that one first in 75% of all cases (70% to 80%). "
        "Measured on the holdout of 6 May 2024: users whose outcome is known, and whom the models had not learnt from.",
        "Contact the first 1,650 of 8,273; about 680 (640 to 720) of them rent a film within 28 days, as users like "
        "them did under the contacts of that time; leave 854 alone as the comparison; look again on 1 July 2024.",
        "Why 1,650: they are likelier to act than the average of the list; they are 20% of the list and hold 41% of "
        "those who will act. For another number, set export_top. What it costs and earns is told once value_of_action "
        "and cost_of_contact are given; the number is then where contacts stop paying.",
        ANYWAY + "Some would. How many, those left alone will show: a first figure on 1 July 2024, one close enough to "
        "act on in the week of 26 August 2024.",
        MOVED + "Not known yet: at least 2 more lists have to be over first: one to learn from, a later one "
        "to compare on.",
        "Past lists: none is over yet; the first one is known on 1 July 2024.",
    ]  # fmt: skip


BETTER = (
    "on 3 lists whose contacts it was not learnt from, an order by estimated effect added 4.5 (1.1 to 7.9) more "
    "actions per 1,000 users than that by probability, on average over how many are contacted"
)
SHOWN = Uplift(4, 3, Measured(0.0045, 0.0011, 0.0079), 0)


@pytest.mark.parametrize(("changes", "told"), [
    ({"uplift": SHOWN}, f"That is known well enough to be used: {BETTER}. order=uplift puts it in use."),
    ({"uplift": SHOWN, "order": "uplift", "in_order": True},
     f"The file is in that order, as order=uplift asks; rank is that by probability: {BETTER}."),
    ({"uplift": Uplift(2, 1, Measured(0.0045, -0.002, 0.011), 2), "order": "uplift"},
     "Not known yet: as the last ones went, about 2 more lists have to be over first. order=uplift was asked for; the "
     "list stays in the order of probability."),
    ({"uplift": Uplift(2, 1, Measured(-0.0045, -0.02, 0.011), None)}, "Nothing to go by yet: on 1 list an order by "
     "estimated effect was not better than that by probability."),
])  # fmt: skip
def test_whether_it_is_known_whom_a_contact_moves_is_said(changes, told):
    assert said(advice(**changes), MOVED) == MOVED + told


def test_where_nobody_is_left_alone_nothing_is_said_of_whom_a_contact_moves():
    assert not [line for line in format_advice(advice(held_out=0), "") if line.startswith(MOVED)]


def test_a_list_by_estimated_effects_says_why_just_so_many():
    made = advice(uplift=SHOWN, order="uplift", in_order=True)
    assert said(made, "Why 1,650: ").startswith(
        "Why 1,650: a contact is estimated to move them more than the average of the list; they are 20% of the list"
    )


def test_a_list_by_estimated_effects_calls_nobody_the_likeliest():
    by_effect, by_rank = advice(uplift=SHOWN, order="uplift", in_order=True), advice(uplift=SHOWN, order="uplift")
    assert said(by_effect, "Contact ").startswith(
        "Contact the first 1,650 of 8,273 by estimated effect (the column effect, not rank); about "
    )
    assert said(by_rank, "Contact ").startswith("Contact the first 1,650 of 8,273; about ")
    assert format_head(by_effect, "ten ") == "The ten who may be contacted and whom that is estimated to move most"
    assert format_head(by_rank, "ten ") == "The ten likeliest who may be contacted"


def test_with_value_and_cost_the_profit_is_the_reason():
    made = advice(rule="profit", value=4.0, cost=0.5, profit=Measured(1895.0, 1735.0, 2055.0))
    assert said(made, "Why", "EUR") == (
        "Why 1,650: an action is worth 4 EUR and a contact costs 0.50 EUR, so from there on a contact costs more than "
        "it brings. Expected profit 1,895 EUR (1,735 to 2,055); they are 20% of the list and hold 41% of those who "
        "will act."
    )  # fmt: skip


def test_a_number_that_was_asked_for_is_the_reason():
    assert said(advice(rule="top"), "Why").startswith("Why 1,650: so many were asked for by export_top; they are 20%")


@pytest.mark.parametrize(("rule", "why"), [
    ("profit", "nobody is expected to bring what a contact costs"), ("average", "nobody is left to"),
])  # fmt: skip
def test_nobody_may_be_the_advice(rule, why):
    made = advice(rule=rule, contact=advice().contact.head(0))
    assert said(made, "Contact") == f"Contact nobody: {why}; look again on 1 July 2024."
    assert not [line for line in format_advice(made, "") if line.startswith("Why")]


def test_past_lists_are_told_by_their_words_and_the_newest_by_its_numbers():
    assert said(advice(past=past("good")), "Past lists") == (
        "Past lists: of the newest whose outcome is known (6 May 2024), 100 of 8,000 users were expected to act and 96 "
        "did; it proved good."
    )
    several = said(advice(past=past("fair", "good", "very good")), "Past lists")
    assert several.endswith("96 did; the last 3 lists, oldest first: fair, good, very good.")
    assert said(advice(past=past(*["good"] * 20)), "Past lists").count("good") == 12
    assert "did; too few acted to judge it." in said(advice(past=past("too few to tell")), "Past lists")


def test_twelve_lists_that_expected_too_many_are_said_with_what_to_count_on():
    bias = Bias(12, Measured(1.25, 1.2, 1.3), lasting=True)
    assert said(advice(past=past(*["good"] * 12), bias=bias), "A lasting bias") == (
        "A lasting bias: 12 lists in a row expected too many: 1.25 times (1.20 to 1.30) as many as acted. If that goes "
        "on, count on 540 (510 to 580) instead of 680 (640 to 720)."
    )
    few = Bias(8, Measured(0.8, 0.75, 0.9), lasting=True)
    assert "8 lists in a row expected too few: 1.25 times (1.11 to 1.33) as many acted as expected." in said(
        advice(past=past(*["good"] * 8), bias=few), "A lasting bias"
    )
    quiet = advice(past=past(*["good"] * 3), bias=Bias(2, Measured(1.1, 0.9, 1.3), lasting=False))
    assert said(quiet, "No lasting") == "No lasting bias: the last 3 lists did not all err to one side."
    assert not [line for line in format_advice(advice(past=past("good", "good")), "") if "lasting" in line]


def test_the_reason_of_a_cut_by_what_contacts_add_says_what_they_add():
    made = advice(
        effect=Effect(3, Measured(0.031, 0.012, 0.05), ()), added=Measured(51.0, 20.0, 82.0), effect_known=AS_OF,
        rule="added", value=10.0, cost=0.25, profit=Measured(6387.5, 5987.5, 6787.5),
    )  # fmt: skip
    assert said(made, "Why 1,650: ", "EUR") == (
        "Why 1,650: an action is worth 10 EUR and a contact costs 0.25 EUR; by past lists, contacts beyond these add "
        "less than they cost. About 50 (20 to 80) act because of it: the profit that counts these alone is 98 EUR "
        "(-212 to 408); they are 20% of the list and hold 41% of those who will act."
    )
    nobody = replace(made, contact=made.contact.head(0))
    assert said(nobody, "Contact").startswith("Contact nobody: contacts of past lists added less than they cost; look")
    assert said(nobody, ANYWAY).startswith(ANYWAY + "Mostly, it seems: on 3 past lists")


def test_an_effect_that_is_known_is_counted_beside_everybody_who_acts():
    made = advice(
        effect=Effect(3, Measured(0.031, 0.012, 0.05), ()), added=Measured(51.0, 20.0, 82.0), effect_known=AS_OF,
        rule="profit", value=10.0, cost=0.25, profit=Measured(6387.5, 5987.5, 6787.5),
    )  # fmt: skip
    assert said(made, ANYWAY, "EUR") == (
        ANYWAY + "Most likely about 50 (20 to 80) of the 680 act because of it: on 3 past lists whose days do not "
        "overlap, those who could be contacted acted more often than those left alone, by 3.1 percentage points (1.2 "
        "to 5.0), allowing for how likely each were. Counting these alone, the profit is 98 EUR (-212 to 408); "
        "counting everybody who acts, 6,388 EUR (5,988 to 6,788)."
    )
    for basis, sides in (("effect_chosen", "who stood in the file"), ("effect_contacted", "who were contacted")):
        by = said(replace(made, effect=replace(made.effect, basis=basis)), ANYWAY, "EUR")
        assert f"do not overlap, those {sides} acted more often than those left alone, by 3.1" in by
    kept = said(replace(made, words=STAYING), "Does a contact keep them? ", "EUR")
    assert kept.endswith("; counting everybody who stays away, 6,388 EUR (5,988 to 6,788).")


@pytest.mark.parametrize(("added", "where"), [
    ([0.01, 0.05, 0.05, *[0.01] * 7], "in deciles 2, 3"), ([0.0] * 10, "in no decile"), ([0.1] * 10, "in every decile"),
])  # fmt: skip
def test_where_a_contact_pays_by_what_it_adds_is_told_once_that_is_known(added, where):
    deciles = tuple(Measured(one, one - 0.01, one + 0.01) for one in added)
    made = advice(
        effect=Effect(3, Measured(0.031, 0.012, 0.05), deciles), added=Measured(51.0, 20.0, 82.0), effect_known=AS_OF,
        rule="profit", value=10.0, cost=0.25, profit=Measured(6387.5, 5987.5, 6787.5),
    )  # fmt: skip
    assert said(made, ANYWAY).endswith(f" By what a contact adds, it pays {where} of the list.")
    assert "it pays" not in said(replace(made, effect_known=AS_OF + timedelta(days=7)), ANYWAY)


def test_contacts_that_cost_more_than_they_add_are_said():
    made = advice(
        effect=Effect(3, Measured(0.002, -0.001, 0.005), ()), added=Measured(3.0, -2.0, 8.0), effect_known=AS_OF,
        rule="profit", value=10.0, cost=0.25, profit=Measured(6387.5, 5987.5, 6787.5),
    )  # fmt: skip
    assert said(made, ANYWAY).endswith(
        "the profit is -382 (-432 to -332); counting everybody who acts, 6,388 (5,988 to 6,788). So the contacts cost "
        "more than they add: do not contact for this alone."
    )


def test_an_effect_that_is_not_settled_says_when_it_will_be():
    effect = Effect(1, Measured(0.01, -0.03, 0.05), ())
    told = said(advice(effect=effect, added=Measured(1.0, -9.0, 9.0)), ANYWAY)
    assert told.startswith(ANYWAY + "Not settled: on 1 past list, those who could be contacted acted more often than")
    assert told.endswith(
        "by 1.0 percentage points (3.0 less to 5.0 more), allowing for how likely each were. There will be a "
        "figure close enough to act on in the week of 26 August 2024."
    )
    never = said(advice(effect=effect, added=Measured(1.0, -9.0, 9.0), effect_known=None), ANYWAY)
    assert never.endswith("There will be no figure close enough to act on within five years: hold more users out.")


@pytest.mark.parametrize(("ends", "words", "way"), [
    ((-0.011, -0.041, 0.019), ACTING, "acted less often than those left alone, by 1.1 percentage points (4.1 less to "
     "1.9 more)"),
    ((-0.03, -0.05, -0.01), ACTING, "acted less often than those left alone, by 3.0 percentage points (1.0 to 5.0)"),
    ((0.01, -0.02, 0.04), STAYING, "stayed away less often than those left alone, by 1.0 percentage points (2.0 more "
     "to 4.0 less)"),
    ((-0.03, -0.05, -0.01), STAYING, "stayed away more often than those left alone, by 3.0 percentage points (1.0 to "
     "5.0)"),
])  # fmt: skip
def test_a_difference_is_told_by_its_direction(ends, words, way):
    told = format_advice(advice(effect=Effect(2, Measured(*ends), ()), added=Measured(1.0, -9.0, 9.0), words=words), "")
    (line,) = (line for line in told if "left alone, by" in line)
    assert f"those who could be contacted {way}, allowing" in line


def test_nobody_held_out_leaves_it_unknown():
    made = advice(held_out=0, effect_known=None)
    assert said(made, ANYWAY) == (
        ANYWAY + "That will not be known: nobody is held out to compare with. Give held_out_share."
    )
    assert "nobody is left alone; look again" in said(made, "Contact")


def test_a_quality_that_nobody_noted_is_said():
    assert format_advice(advice(quality=None), "")[0] == "Quality: how good the models are was not recorded with them."
    assert replace(advice(), quality=None).word == ""


@pytest.mark.parametrize(("number", "text"), [
    (Measured(678.3, 641.0, 723.0), "680 (640 to 720)"),
    (Measured(12_345, 10_900, 13_800), "12,300 (10,900 to 13,800)"),
    (Measured(51.2, 20.4, 82.3), "50 (20 to 80)"), (Measured(0.3, 0.0, 1.2), "0 (0 to 1)"),
    (Measured(7.0, 7.0, 7.0), "7 (7 to 7)"), (Measured(512_345, 480_000, 540_000), "510,000 (480,000 to 540,000)"),
    (Measured(512_345, 412_345, 612_345), "510,000 (410,000 to 610,000)"), (Measured(-4.6, -9.0, 0.2), "-5 (-9 to 0)"),
])  # fmt: skip
def test_people_are_whole_and_have_the_digits_that_are_certain(number, text):
    assert format_people(number) == text


@pytest.mark.parametrize(
    ("amount", "text"), [(0.5, "0.50 EUR"), (3.0, "3 EUR"), (1234.56, "1,235 EUR"), (-99.5, "-100 EUR")]
)
def test_amounts_have_the_digits_that_somebody_counts(amount, text):
    assert format_money(amount, "EUR") == text
