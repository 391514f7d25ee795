"""The report: what a page says equals the facts, whatever they are, and it needs nothing but itself."""

import functools
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from lib.audience.advice import give_advice
from lib.audience.contacts import choose_contacts
from lib.audience.effects import pool_effect
from lib.audience.uplift import Learnt, Uplift
from lib.config.question import Question
from lib.config.thresholds import Contacts
from lib.config.words import ACTING
from lib.errors import ContractBroken
from lib.report import numbers, plots
from lib.report.facts import Facts
from lib.report.page import render_page
from lib.report.sentences import format_advice
from lib.report.tables import format_share
from lib.tables.contracts import CONTRACTS
from tests.builders.advice import advice
from tests.builders.lists import compare

AS_OF = date(2024, 6, 1)
BEFORE = AS_OF - timedelta(days=7)  # the last list
ASKED = Question(actions=("rent",), horizon_days=28, cohort_days=90)
ALL = Contacts(top=0, value_of_action=None, cost_of_contact=None, quiet_days=0)
BANDS = {"far above average": 0.3, "above average": 0.1, "average": 0.05, "below average": 0.0}
NONE = pd.DataFrame
ANYTHING = re.compile(r"<title>([^<]*)</title>")
FREE = "The likeliest who may be contacted"
HOSTILE = "<script>alert('x')</script>\"&$a_{\u202e"

NOTHING = Learnt(Uplift(0, 0, None, 2), None, ())


def frame(name, rows):
    return pd.DataFrame(rows, columns=list(CONTRACTS[name]))


def listed(users, cutoff=AS_OF, seed=0, version="7"):
    """A list of so many users, as `audience` has it."""
    rng = np.random.default_rng(seed)
    p = np.sort(rng.beta(0.6, 8, users))[::-1]
    ids = [f"user {n}" for n in rng.permutation(int(users * 1.1) + 1)[:users]]
    return frame("audience", {
        "question": ASKED.slug, "action": "rent", "horizon_days": 28, "user_id": ids, "cutoff": cutoff, "propensity": p,
        "preprocessing_version": version, "prediction_version": version, "run_id": "run-9",
        "reasons": ["rent: 4 times in 28 days, last 3 days ago (raises); activity: on 20 days (lowers)"] * users,
        "rank": np.arange(1, users + 1), "decile": np.arange(users) * 10 // users + 1, "low_evidence": False,
        "percentile": np.arange(users) * 100 // users + 1,
        "band": [next(band for band, least in BANDS.items() if value >= least) for value in p],
        "expected_actions": np.cumsum(p), "held_out": rng.random(users) < 0.1,
    })  # fmt: skip


def outcome(cutoff, users, seed, word="good", held=True):
    """The rows of `outcomes` of one list."""
    rng = np.random.default_rng(seed)
    p = listed(users, cutoff, seed)["propensity"].to_numpy()
    y = rng.random(users) < p * 0.9
    head = {"question": ASKED.slug, "action": "rent", "horizon_days": 28, "cutoff": cutoff, "as_of": AS_OF,
            "preprocessing_version": "6", "prediction_version": "6"}  # fmt: skip
    rows = []

    def told(part, mask, **metrics):
        counts = {"users": int(mask.sum()), "expected": float(p[mask].sum()), "observed": int(y[mask].sum())}
        for name, (value, arm) in metrics.items():
            low = value - arm if name == "effect" else max(0.0, value - arm)
            rows.append(head | counts | {
                "part": part, "metric": name, "measured": value, "low": low, "high": value + arm,
                "word": word if part == "all" else None,
            })  # fmt: skip

    everybody = np.ones(users, bool)
    told("all", everybody, auc=(0.7 + seed / 100, 0.03), log_loss=(0.2, 0.01), ratio=(p.sum() / y.sum(), 0.15))
    for decile in range(1, 11):
        mask = np.arange(users) * 10 // users + 1 == decile
        told(f"decile {decile}", mask, rate=(y[mask].mean(), 0.04), lift=(y[mask].mean() / y.mean(), 0.4))
    if held:
        mask = np.arange(users) % 10 == 3
        told("held out", mask, rate=(y[mask].mean(), 0.03))
        told("not held out", ~mask, rate=(y[~mask].mean(), 0.01), effect=(y[~mask].mean() - y[mask].mean(), 0.03))
    return frame("outcomes", rows)


def decisions(*kinds):
    """One decision a week, the last one by this run."""
    return frame("decisions", [
        {"run_id": f"run-{9 - back}", "question": ASKED.slug, "as_of": AS_OF - timedelta(days=7 * back), "kind": kind,
         "preprocessing_version": "7", "prediction_version": "7", "challenger_version": "7", "low_evidence": False,
         "why": f"Sentence {back} of a decision.", "number": len(kinds) - back}
        for back, kind in reversed(list(enumerate(reversed(kinds))))
    ])  # fmt: skip


def checks():
    metrics = {"auc": (0.74, 0.71, 0.77, None), "skill_over_base_rate": (0.08, 0.05, 0.11, 0.0),
               "auc_kept": (-0.01, -0.03, 0.02, -0.03), "age_days": (35.0, 35.0, 35.0, 365.0)}  # fmt: skip
    return frame("model_checks", [
        {"run_id": run, "question": ASKED.slug, "as_of": day, "holdout": date(2024, 5, 4), "preprocessing_version": "7",
         "prediction_version": "7", "answer": answer, "retrain_needed": answer != "good",
         "reasons": "First sentence.\nSecond sentence.", "metric": name, "measured": value, "low": low, "high": high,
         "threshold": limit}
        for run, day, answer in (("run-8", AS_OF - timedelta(days=7), "bad"), ("run-9", AS_OF, "good"))
        for name, (value, low, high, limit) in metrics.items()
    ])  # fmt: skip


def drifts(names):
    psi = [0.9 / (n + 1) for n in range(len(names))]
    return frame("drift", {
        "run_id": "run-9", "question": ASKED.slug, "as_of": AS_OF, "prediction_version": "7", "feature": names,
        "psi": psi, "low": [0.8 * value for value in psi], "high": [1.2 * value for value in psi],
        "drifted": [value > 0.25 for value in psi],
    })  # fmt: skip


def publication(audience, previous=None):
    return {
        "question": ASKED.slug, "run_id": "run-9", "cutoff": AS_OF, "kind": "published", "number": 6,
        "preprocessing_version": "7", "prediction_version": "7", "users": len(audience), "base_rate": 0.0612,
        "mean_propensity": audience["propensity"].mean(), "held_out_share": 0.1,
        "previous_cutoff": None if previous is None else previous["cutoff"].iloc[0], "entered": None, "left": None,
        "jaccard": None if previous is None else 0.625, "mean_shift": None if previous is None else -0.012,
        "score_shift": None, "scored": len(audience), "suppressed": 0, "suppressed_by": "{}",
        "chosen": None, "quiet": 0,
    }  # fmt: skip


def first_run(users=200):
    """The facts of a question's first list."""
    audience = listed(users)
    return Facts(
        question=ASKED, as_of=AS_OF, run_id="run-9", audience=audience, moves=(),
        publication=publication(audience), outcomes=frame("outcomes", []), checks=frame("model_checks", []),
        drift=frame("drift", []), decisions=decisions("promoted"), importances=NONE(columns=["name", "mean", "std"]),
        evidence=NONE(columns=["decile", "users", "expected", "observed"]), advice=advice(), contacts=ALL,
        free=audience, currency="",
    )  # fmt: skip


def advised(facts):
    """The same facts with the advice that follows from them."""
    chosen = choose_contacts(facts.audience.assign(resting=False), facts.contacts)
    newest = numbers.newest_outcomes(facts.outcomes)
    asked = f"do {' or '.join(facts.question.actions)}"
    told = give_advice(
        facts.audience, chosen, facts.contacts, numbers.past_lists(facts.outcomes), pool_effect(newest, 28),
        advice().quality, NOTHING, "propensity", oldest=AS_OF, base_rate=0.0612, reach_days=28, delay_days=0, seed=0,
        question=asked, judged_on="2024-05-04", when="within 28 days", words=ACTING,
    )  # fmt: skip
    return replace(facts, advice=told, free=chosen.free)


def sixth_run(users=2000):
    """The facts of a question five of whose lists have matured."""
    audience, previous = listed(users), listed(users, BEFORE, seed=1)
    cutoffs = [AS_OF - timedelta(days=28 + 7 * back) for back in range(5)]
    words = "good", "very good", "fair", "too few to tell", "good"
    return replace(
        first_run(users), moves=compare(audience, previous).moves, publication=publication(audience, previous),
        outcomes=pd.concat([outcome(day, users, seed, word) for seed, (day, word) in enumerate(zip(
            cutoffs, words, strict=True))], ignore_index=True),
        checks=checks(), decisions=decisions("promoted", "kept", "rejected", "kept", "promoted", "kept"),
        drift=drifts([f"{kind}__{name}" for kind in ("rent", "add_to_list", "view") for name in (
            "events_28", "days_90", "recency", "value_7", "trend_7_28")]),
        importances=NONE({"name": ["rent", "activity", "rhythm", "add to list", "weekends"],
                          "mean": [0.031, 0.012, 0.004, 0.001, -0.0002], "std": [0.003, 0.002, 0.001, 0.001, 0.0001]}),
    )  # fmt: skip


class Page(HTMLParser):
    """What a page holds: its words, its tables by caption, its elements with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.words, self.tables, self.elements, self.open = [], {}, [], []
        self.feed(text)

    @classmethod
    def of(cls, facts):
        return cls(render_page(advised(facts)))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in ("meta", "use", "path", "br"):
            self.open.append(tag)
        if tag == "caption":
            self.rows, self.caption = [], ""
        elif tag == "tr" and "tbody" in self.open:
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append(["", attributes["data-value"]])

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass
        if tag == "caption":
            self.tables[self.caption] = self.rows

    def handle_data(self, data):
        if "caption" in self.open:
            self.caption += data
        elif "td" in self.open:
            self.rows[-1][-1][0] += data
        elif not {"style", "script", "svg"} & set(self.open):
            self.words.append(data)

    @property
    def told(self):
        """All sentences, in one line."""
        return " ".join("".join(self.words).split())

    def values(self, caption, place):
        return [float(row[place][1]) for row in self.tables[caption]]

    def texts(self, caption, place):
        return [row[place][0] for row in self.tables[caption]]

    def count(self, tag):
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module")
def sixth():
    return advised(sixth_run())


@pytest.fixture(scope="module")
def text(sixth):
    return render_page(sixth)


@pytest.fixture(scope="module")
def told(text):
    return Page(text)


@functools.cache
def first_page(currency):
    """What a first report tells where nobody said what things cost, or in a currency."""
    facts = first_run()
    return Page.of(replace(facts, contacts=PRICED, currency=currency) if currency else facts).told


@pytest.fixture
def no_plots(monkeypatch):
    """Leave the plots out, which cost a second a page, where a test reads what is said."""
    for name in [name for name in vars(plots) if name.startswith("plot_")]:
        monkeypatch.setattr(plots, name, lambda *_, **__: "")


def test_the_question_is_asked_in_days_that_a_reader_can_count(told):
    assert "Who will do rent: the list of 1 June 2024" in told.told
    assert "at least once on the days 1 June 2024 to 28 June 2024 inclusive? Asked about " in told.told
    assert (
        "about users active in the last 90 days when 1 June 2024 began, from what was known before that day."
        in told.told
    )
    assert "look again on 29 June 2024." in told.told


def test_the_first_screen_tells_the_advice_and_its_reasons(sixth, told):
    for line in format_advice(sixth.advice, ""):
        assert line in told.told
    assert told.told.index("Contact the first ") < told.told.index("How many to contact?")
    assert "Quality, by the holdout good AUC 0.75 (0.70 to 0.80)" in told.told
    assert "Last list proved good " in told.told
    contents = [attributes["href"] for name, attributes in told.elements if name == "a"]
    ids = [f"#{attributes['id']}" for _, attributes in told.elements if "id" in attributes]
    assert contents == [f"#{name}" for name in (
        "advice", "sizes", "head", "left", "parts", "past", "believed", "effect", "moves", "drift", "inputs",
        "decision", "versions", "terms",
    )]  # fmt: skip
    assert set(contents) <= set(ids)


def test_the_summary_of_the_list_equals_its_rows(sixth, told):
    audience = sixth.audience
    assert f"2,000 users are on it, {audience['propensity'].mean():.1%} of whom are expected to act." in told.told
    assert "Of the newest users whose outcome is known, 6.1% acted." in told.told
    bands = audience["band"].value_counts()
    assert told.texts("Bands", 0) == list(BANDS)
    assert told.values("Bands", 1) == [bands[name] for name in BANDS]
    by_decile = audience.groupby("decile")["propensity"].sum()
    assert told.values("Deciles", 2) == pytest.approx(by_decile.tolist())


def test_the_head_is_of_users_who_may_be_contacted_and_those_held_out_stand_apart(sixth, told):
    held = sixth.audience[sixth.audience["held_out"]]
    free = sixth.audience[~sixth.audience["held_out"]]
    assert f"{len(held)} users are held out ({len(held) / 2000:.0%} of the list; 10% was asked for)." in told.told
    for caption, rows in ((FREE, free), ("The likeliest who are held out", held)):
        assert told.texts(caption, 1) == rows["user_id"].head(20).tolist()
        assert told.values(caption, 2) == pytest.approx(rows["propensity"].head(20).tolist())
    chips = [attributes["class"] for name, attributes in told.elements if name == "span"]
    assert chips[:2] == ["chip raises", "chip lowers"]
    assert told.texts(FREE, 4)[0] == ("rent: 4 times in 28 days, last 3 days agoactivity: on 20 days")


def test_of_a_list_by_estimated_effects_the_page_calls_nobody_of_the_head_the_likeliest(sixth, told):
    of_effects = Page.of(replace(sixth, audience=sixth.audience.assign(effect=0.01)))
    assert "Contact so many, those moved most first" in of_effects.told
    assert len(of_effects.texts("The users who may be contacted and whom that is estimated to move most", 1)) == 20
    assert FREE not in of_effects.told
    assert "Contact so many, the likeliest first" in told.told


def test_the_slider_and_its_table_count_those_who_act_among_the_first(sixth):
    priced = replace(ALL, value_of_action=10.0, cost_of_contact=2.0)
    told = Page.of(replace(sixth, contacts=priced, currency="EUR"))
    free = sixth.audience[~sixth.audience["held_out"]]["propensity"].to_numpy()
    users = [int(n) for n in told.values("How many to contact", 0)]
    assert told.values("How many to contact", 1) == pytest.approx([free[:n].sum() for n in users])
    assert told.values("How many to contact", 2) == pytest.approx(
        [free[:n].sum() / sixth.audience["propensity"].sum() for n in users]
    )
    assert told.values("How many to contact", 3) == pytest.approx([10 * free[:n].sum() - 2 * n for n in users])
    (slider,) = [attributes for _, attributes in told.elements if "data-steps" in attributes]
    steps = json.loads(slider["data-steps"])
    advised_number = int((free > 0.2).sum())
    (knob,) = [attributes for name, attributes in told.elements if name == "input"]
    assert steps["users"][int(knob["value"])] == advised_number
    assert len(steps["users"]) == int(knob["max"]) + 1
    assert steps["profit"][int(knob["value"])] == max(steps["profit"])
    assert (slider["data-users"], slider["data-currency"]) == ("2000", "EUR")
    assert "hidden" in slider  # until the script shows it, and without one each step is a row of text
    every = "Every step of the slider"
    assert [0, *told.values(every, 0)] == steps["users"]
    assert [0, *(float(row[1][0].replace(",", "")) for row in told.tables[every])] == pytest.approx(
        np.round(steps["expected"]), abs=1
    )
    assert [0, *told.values(every, 3)] == pytest.approx(steps["profit"], abs=0.01)
    assert told.count("svg") == 12  # with one of the profit


def test_a_report_does_not_grow_with_its_list(sixth):
    small, large = (len(render_page(advised(facts)).encode()) for facts in (sixth, sixth_run(30_000)))
    assert large == pytest.approx(small, rel=0.05)
    assert large < 1_500_000


def test_past_lists_stand_with_the_newest_first_and_equal_the_ledger(sixth, told):
    ledger = sixth.outcomes[sixth.outcomes["part"] == "all"].sort_values("cutoff", ascending=False)
    auc = ledger[ledger["metric"] == "auc"]
    assert told.texts("How past lists turned out", 0) == [str(day) for day in auc["cutoff"]]
    assert told.texts("How past lists turned out", 1) == ["good", "very good", "fair", "too few to tell", "good"]
    assert told.values("AUC of past lists", 1) == pytest.approx([0.70, 0.71, 0.72, 0.73, 0.74])
    assert told.texts("AUC of past lists", 2)[0] == "0.67 to 0.73"
    assert told.values("Expected and observed actions", 1) == pytest.approx(auc["expected"].tolist())
    assert told.values("Expected and observed actions", 2) == auc["observed"].tolist()
    ratio = ledger[ledger["metric"] == "ratio"].iloc[0]
    ends = f"{ratio['expected'] / ratio['high']:,.0f} to {ratio['expected'] / ratio['low']:,.0f}"
    assert told.texts("Expected and observed actions", 3)[0] == ends
    lift = sixth.outcomes[(sixth.outcomes["part"] == "decile 1") & (sixth.outcomes["metric"] == "lift")]
    newest_first = lift.sort_values("cutoff", ascending=False)["measured"]
    assert told.values("Lift of the first decile", 1) == pytest.approx(newest_first.tolist())
    assert "5 lists have matured" in told.told
    assert "The newest, of 4 May 2024, proved good:" in told.told


def test_reliability_and_gains_come_from_the_newest_matured_list(sixth, told):
    newest = sixth.outcomes[sixth.outcomes["cutoff"] == date(2024, 5, 4)]
    deciles = newest[(newest["metric"] == "rate") & newest["part"].str.startswith("decile")]
    assert told.values("Expected and observed shares", 2) == pytest.approx(
        (deciles["expected"] / deciles["users"]).tolist()
    )
    assert told.values("Expected and observed shares", 3) == pytest.approx(
        (deciles["observed"] / deciles["users"]).tolist()
    )
    gained = (deciles["observed"].cumsum() / deciles["observed"].sum()).tolist()
    assert told.values("Gains and lift", 1) == pytest.approx([n / 10 for n in range(1, 11)])
    assert told.values("Gains and lift", 2) == pytest.approx(gained)
    assert told.values("Gains and lift", 3) == pytest.approx([10 * share / n for n, share in enumerate(gained, 1)])
    assert "From the newest list whose outcome is known, that of 4 May 2024" in told.told


def test_users_left_alone_are_held_against_the_others(sixth, told):
    newest = sixth.outcomes[sixth.outcomes["cutoff"] == date(2024, 5, 4)].set_index(["part", "metric"])["measured"]
    alone, others = newest["held out", "rate"], newest["not held out", "rate"]
    shares = [format_share(side) for side in (alone, others)]
    assert f"{shares[0]} of the 200 users left alone acted, and {shares[1]} of the 1,800 others." in told.told
    assert told.values("Left alone and not, list by list", 5)[0] == pytest.approx(others - alone)
    only_rates = replace(sixth, outcomes=sixth.outcomes[sixth.outcomes["metric"] != "effect"])
    assert Page.of(only_rates).texts("Left alone and not, list by list", 5) == ["-"] * 5


def test_who_entered_and_who_left_are_counted_and_the_strongest_named(sixth, told):
    now, then = (frame.set_index("user_id") for frame in (sixth.audience, listed(2000, BEFORE, seed=1)))
    new = [user for user in now.index if user not in then.index]
    gone = [user for user in then.index if user not in now.index]
    tops = [set(frame.index[frame["decile"] == 1]) for frame in (now, then)]
    assert f"{len(new)} users entered the list and {len(gone)} users left the list." in told.told
    assert f"{len(tops[0] - tops[1])} users entered the first decile, {len(tops[1] - tops[0])} users left" in told.told
    assert told.texts("The strongest who entered the list", 0) == new[:5]
    assert told.texts("The strongest who left the list", 0) == gone[:5]
    assert told.values("The strongest who left the list", 2) == then.loc[gone[:5], "rank"].tolist()
    risen = [user for user in now.index if user in tops[0] - tops[1]]
    assert told.texts("The strongest who entered the first decile", 0) == risen[:5]
    assert "62% are in both" in told.told
    assert "The average probability fell by 1.2 percentage points" in told.told


def test_the_decision_and_every_sentence_of_the_verdict_are_told(told):
    assert "The decision of this run: kept, version 7 is in use. Sentence 0 of a decision." in told.told
    assert "(version 7): they still hold. No new ones were needed. First sentence. Second sentence." in told.told
    assert told.texts("What the verdict rests on", 0) == ["skill over base rate", "auc kept", "age days", "auc"]
    assert told.texts("What the verdict rests on", 2) == [
        "0.050 to 0.110", "-0.030 to 0.020", "35", "0.710 to 0.770",
    ]  # fmt: skip
    assert told.texts("What the verdict rests on", 3) == ["0.000", "-0.030", "365", "-"]  # AUC itself has no limit
    assert told.texts("What the verdict rests on", 4) == [
        "The scores save 8.0% (5.0% to 11.0%) of the base rate's log loss; more than 0.0% is wanted.",
        "AUC is 0.010 lower (0.030 lower to 0.020 higher) than when the models were registered; at most 0.03 lower is "
        "allowed.",
        "The last label that the pair learnt from is 35 days old; at most 365 is allowed.",
        "-",
    ]
    assert told.texts("Decisions so far", 1) == ["kept", "promoted", "kept", "rejected", "kept", "promoted"]
    assert told.texts("Verdicts so far", 1) == ["good", "bad"]


@pytest.mark.usefixtures("no_plots")
def test_a_decision_for_the_reasons_of_the_verdict_does_not_repeat_them(sixth):
    told = Page.of(replace(sixth, decisions=sixth.decisions.assign(why="First sentence.; Second sentence.")))
    assert told.told.count("Second sentence.") == 1


@pytest.mark.usefixtures("no_plots")
def test_a_run_without_a_decision_says_whose_decision_stands(sixth):
    later = replace(sixth, run_id="run-10", as_of=date(2024, 6, 8))
    assert "This run decided nothing; the decision of 1 June 2024 stands: kept" in Page.of(later).told
    assert "The verdict on the models in use" not in Page.of(later).told


@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize(
    ("run_id", "as_of"),
    [("", AS_OF - timedelta(days=7)), ("run-8", AS_OF)],  # by hand a week ago; another run of the same day
)
def test_what_another_run_wrote_is_not_this_runs(sixth, run_id, as_of):
    others = {name: getattr(sixth, name).assign(run_id=run_id, as_of=as_of) for name in ("decisions", "checks")}
    told = Page.of(replace(sixth, run_id="" if run_id == "" else "run-9", **others)).told
    assert "This run decided nothing" in told
    assert "The verdict on the models in use" not in told


def test_drift_and_importances_are_shown_in_order(sixth, told):
    assert "3 inputs of 15 changed by much" in told.told
    assert told.values("Inputs that moved most", 1) == pytest.approx(sixth.drift["psi"].tolist())
    assert told.texts("Inputs that moved most", 0)[:2] == ["rent: events 28", "rent: days 90"]
    assert told.values("What the model looks at", 1) == sixth.importances["mean"].tolist()


def test_on_a_phone_a_table_with_sentences_says_what_each_number_is(told):
    titles = [attributes.get("data-title") for name, attributes in told.elements if name == "td"]
    assert {"Measured", "Limit", "In words", "Why", None} <= set(titles)  # others keep their heads
    assert [attributes["class"] for name, attributes in told.elements if name == "table" and "class" in attributes] == [
        "people", "people", "told", "told", "told",
    ]  # fmt: skip


def test_each_plot_is_named_and_an_image(text, told):
    plots = [attributes for name, attributes in told.elements if name == "svg"]
    assert len(plots) == 11
    assert {attributes["role"] for attributes in plots} == {"img"}
    named = [text for text in ANYTHING.findall(text)[1:] if re.search(r"\d", text)]
    assert told.count("title") == 1 + len(plots) + len(named) > 60  # each point and bar tells its value
    assert "decile 1: " in " ".join(named)
    assert told.count("figure") == len(plots)


def test_a_first_run_says_what_is_not_known_yet_and_leaves_out_what_has_no_content():
    told = Page.of(first_run())
    assert "Past lists: none is over yet; the first one is known on 29 June 2024." in told.told
    assert "Last list proved not known yet first on 29 June 2024" in told.told
    assert "Added by contacts not known yet" in told.told
    contents = [attributes["href"] for name, attributes in told.elements if name == "a"]
    assert contents == ["#advice", "#sizes", "#head", "#left", "#parts", "#decision", "#versions", "#terms"]
    assert told.count("svg") == 2  # sizes, and deciles of the list
    assert list(told.tables) == [
        "How many to contact", "Every step of the slider", FREE, "The likeliest who are held out", "Bands", "Deciles",
        "Decisions so far",
    ]  # fmt: skip


PRICED = replace(ALL, value_of_action=10.0, cost_of_contact=2.0)


@pytest.mark.parametrize(("question", "answer"), [
    ("whom?", "Whom to contact first The first 20 of 175 users who may be contacted."),
    ("how many?", "Contact the first 10 of 200;"),
    ("how sure is that?", "about 3 (1 to 6) of them"),
    ("how good were the last lists?", "Past lists: none is over yet; the first one is known on 29 June 2024."),
    ("would they do it anyway?", "Would they do it anyway? Some would. How many, those left alone will show: a first"),
    ("what did it bring?", "Added by contacts not known yet about 29 June 2024"),
    ("what changed?", "It is the first list of the question: the next report says who entered and who left."),
    ("whom not?", "Whom to leave alone 25 users are held out"),
    ("what does it cost and earn?", "an action is worth 10 EUR and a contact costs 2 EUR, so from there on a contact "
     "costs more than it brings. Expected profit 12 EUR (-11 to 36)"),
    ("what does it cost and earn, where nobody said?", "What it costs and earns is told once value_of_action and "
     "cost_of_contact are given"),
    ("when to look again?", "look again on 29 June 2024."),
])  # fmt: skip
def test_the_first_report_answers_what_a_product_manager_asks(question, answer):
    assert answer in first_page("" if "nobody said" in question else "EUR")


def test_without_a_matured_list_the_curves_come_from_the_evidence():
    seen = [9, *[1] * 9]
    evidence = NONE({"decile": range(1, 11), "users": 20, "expected": np.arange(10.0, 0, -1), "observed": seen})
    told = Page.of(replace(first_run(), evidence=evidence))
    assert "From the evidence of the models in use, in deciles" in told.told
    assert told.values("Gains and lift", 2) == pytest.approx([(9 + n) / 18 for n in range(10)])
    assert told.texts("Expected and observed shares", 4) == ["-"] * 10  # the evidence has no intervals
    nobody = Page.of(replace(first_run(), evidence=evidence.assign(observed=0)))
    assert "Gains and lift" not in nobody.tables


def test_a_list_on_which_nobody_acted_has_a_word_and_no_plot_of_its_order():
    rows = outcome(date(2024, 5, 4), 100, 1, "too few to tell", held=False).assign(observed=0)
    rows = rows[(rows["metric"] == "log_loss") | (rows["metric"] == "rate")]
    told = Page.of(replace(first_run(), outcomes=rows.assign(measured=0.0, low=0.0, high=0.02)))
    assert "of 4 May 2024, can hardly be judged (too few to tell)" in told.told
    assert "on each of these lists everybody acted, or nobody did" in told.told
    assert "nobody acted on any of these lists" in told.told
    assert told.texts("How past lists turned out", 5) == ["-"]


@pytest.mark.usefixtures("no_plots")
def test_of_a_cutoff_told_twice_the_later_telling_counts():
    rows = outcome(date(2024, 5, 4), 100, 1)
    later = rows.assign(as_of=date(2024, 6, 8), observed=rows["observed"] + 1)
    for both in ([rows, later], [later, rows]):
        told = Page.of(replace(first_run(), outcomes=pd.concat(both)))
        assert told.values("How past lists turned out", 4) == [rows["observed"].iloc[0] + 1]


@pytest.mark.usefixtures("no_plots")
def test_low_evidence_is_said_in_plain_words():
    facts = first_run()
    assert "Low evidence." not in Page.of(facts).told
    told = Page.of(replace(facts, audience=facts.audience.assign(low_evidence=True)))
    assert "Low evidence. There was too little to show that these probabilities are better than" in told.told


def test_a_list_of_one_user_is_told():
    told = Page.of(first_run(1))
    assert told.values("Deciles", 1) == [1]
    assert "1 user are on it" not in told.told


@pytest.mark.usefixtures("no_plots")
def test_nobody_held_out_is_said(sixth):
    told = Page.of(replace(sixth, audience=sixth.audience.assign(held_out=False)))
    assert "No user is held out, so what contacting users adds cannot be measured on this list." in told.told


@pytest.mark.usefixtures("no_plots")
def test_one_day_and_several_actions_are_spelt_out():
    asked = Question(actions=("buy", "rent"), horizon_days=1, cohort_days=1)
    told = Page.of(replace(first_run(), question=asked))
    assert "that they do buy or rent at least once on the day 1 June 2024?" in told.told
    assert "users active in the last day when 1 June 2024 began, from what was known before that day." in told.told


def test_hostile_names_are_text_and_nothing_else(sixth):
    asked = replace(ASKED, actions=(HOSTILE,))
    facts = replace(
        sixth, question=asked, drift=drifts([HOSTILE, "$x_{"]),
        audience=sixth.audience.assign(user_id=[HOSTILE, *sixth.audience["user_id"][1:]], reasons=HOSTILE),
        importances=NONE({"name": [HOSTILE], "mean": [0.1], "std": [0.01]}),
        decisions=sixth.decisions.assign(why=HOSTILE), checks=sixth.checks.assign(reasons=HOSTILE),
    )  # fmt: skip
    text = render_page(advised(facts))
    told = Page(text)
    assert told.count("script") == 1
    assert HOSTILE in told.texts(FREE, 1) + told.texts("The likeliest who are held out", 1)
    assert told.texts("What the model looks at", 0) == [HOSTILE]
    assert [attributes["aria-label"] for name, attributes in told.elements if attributes.get("role") == "region"]
    assert "<script>alert" not in text


def test_the_page_needs_nothing_but_itself(sixth, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # the template is found wherever a notebook is started
    text = render_page(sixth)
    told = Page(text)
    loading = [
        value
        for _, attributes in told.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href") and not value.startswith("#")
    ]
    assert loading == []
    assert re.findall(r"https?:|@import|url\((?!#)", text) == []
    assert told.count("link") == 0


def test_no_two_elements_have_the_same_id_and_each_reference_has_its_element(text):
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(set(ids)) == len(ids) > 0
    assert set(re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', text)) <= {(name, "") for name in ids} | {
        ("", name) for name in ids
    }


def test_plots_have_the_colours_of_the_page_alone(text):
    colours = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", text))
    assert colours <= {"none", "currentColor", "var(--line)", "var(--first)", "var(--second)"}
    assert {"currentColor", "var(--first)", "var(--second)"} <= colours


def test_the_same_facts_give_the_same_bytes_and_few_of_them(text):
    assert text == render_page(advised(sixth_run()))
    assert len(text.encode()) < 400_000


def test_every_column_can_be_sorted_and_numbers_sort_by_all_their_digits(told):
    heads = [attributes for name, attributes in told.elements if name == "th"]
    assert len(heads) == told.count("button") > 50
    lone = Page.of(first_run(3))
    digits = first_run(3).audience["propensity"].tolist()
    assert lone.values("Deciles", 2) == pytest.approx(digits, rel=1e-11)


def test_an_empty_list_is_no_report():
    with pytest.raises(ContractBroken, match=r"The list of 2024-06-01 for rent within 28 days, .* Publish it first\."):
        render_page(replace(first_run(), audience=frame("audience", [])))
