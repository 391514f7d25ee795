"""The catalogue: every parameter once, blank as not given, and the check of all stages at once."""

import pytest

from lib.config.catalogue import (
    STAGES,
    all_parameters,
    check_all,
    defaults,
    group_parameters,
    stage_parameters,
    with_defaults,
)
from lib.config.parameters import Group, merge
from lib.config.stages import ExtractConfig, PublishConfig, RetrainConfig, TrainConfig
from lib.errors import ConfigError
from tests.builders.runs import WIDGETS, asked

NEEDED = {"events", "action", "schema", "models", "experiment"}
FIRST_DAY = ["events", "event_columns", "action", "horizon_days", "cohort_days", "as_of", "question_file"]


def test_those_that_matter_on_the_first_day_come_first():
    assert list(all_parameters())[:7] == FIRST_DAY
    assert [each.name for each in group_parameters(Group.QUESTION)] == FIRST_DAY


def test_every_parameter_has_a_meaning_of_one_line_and_a_default_that_it_can_read():
    for name, each in all_parameters().items():
        assert each.name == name
        assert 0 < len(each.meaning) <= 100, name
        assert "\n" not in each.meaning
        assert each.group in Group
    assert {name for name, each in all_parameters().items() if each.is_required} == NEEDED


def test_what_two_stages_read_is_declared_once():
    for name, each in all_parameters().items():
        for stage in STAGES:
            assert all(other == each for other in stage_parameters(stage) if other.name == name)


@pytest.mark.parametrize("kind", [ExtractConfig, RetrainConfig, PublishConfig])
def test_a_blank_text_is_not_given(kind):
    blank = {name: "" if name not in NEEDED else text for name, text in WIDGETS.items()}
    full = WIDGETS | {name: text for name, text in defaults().items() if name not in NEEDED}
    assert kind.from_widgets(blank.__getitem__) == kind.from_widgets(full.__getitem__)


def test_blank_and_none_say_that_there_is_nothing():
    for nothing in ("", " ", "none", "None"):
        extract = asked(ExtractConfig, as_of=nothing, max_source_gap_days=nothing, event_columns=nothing)
        assert (extract.as_of, extract.max_source_gap_days, extract.event_columns) == (None, None, {})
        retrain = asked(RetrainConfig, challenger=nothing, optuna_storage=nothing)
        assert (retrain.challenger, retrain.optuna_storage) == ("", "")
        publish = asked(
            PublishConfig, export=nothing, reports=nothing, value_of_action=nothing, cost_of_contact=nothing
        )
        assert (publish.export.file, publish.reports, publish.contacts.value_of_action) == ("", "", None)
        assert publish.contacts.everybody


def test_what_is_given_by_hand_beats_a_file_and_that_the_catalogue():
    hand, file, catalogue = {"a": "1", "b": " "}, {"a": "2", "b": "2", "c": ""}, {"a": "3", "b": "3", "c": "3", "d": ""}
    assert merge(hand, file, catalogue) == {"a": "1", "b": "2", "c": "3", "d": ""}
    assert merge(hand, catalogue) == {"a": "1", "b": "3", "c": "3", "d": ""}


def test_defaults_fill_in_what_is_there_and_blank_and_nothing_else():
    given = {"cohort_days": " ", "horizon_days": "7", "reports": "", "other": "", "mine": " x "}
    assert with_defaults(given) == {"cohort_days": "90", "horizon_days": "7", "reports": "", "other": "", "mine": " x "}


# What is refused before anything starts, by whatever stage reads it.
WRONG = [
    ({"cost_of_contact": "0.40"}, "value_of_action and cost_of_contact are given together or not at all, got '' and "
     "'0.40'. Give both in one currency, or leave both blank."),
    ({"cost_of_contact": "0,40"}, "cost_of_contact must be a number from 0 to 1e+09, got '0,40'. Write decimals with a "
     "point."),
    ({"cost_of_contact": "0,40", "value_of_action": "2"}, "cost_of_contact must be a number from 0 to 1e+09, got "
     "'0,40'. Write decimals with a point."),
    ({"export": "list.xls"}, "export must end in .csv or .parquet or .jsonl, got 'list.xls'. Leave it blank for none."),
    ({"held_out_share": "10"}, "held_out_share must be a number from 0 to 1, got '10'."),
    ({"n_trials": "abc"}, "n_trials must be a whole number >= 1, got 'abc'."),
    ({"cohort_days": "0.5"}, "cohort_days must be a whole number >= 1, got '0.5'."),
    ({"action": " "}, "action is blank. Give the job or the notebook's widget a value for it."),
    ({"max_ece": "2"}, "max_ece must be a number from 0 to 1, got '2'."),
    ({"reasons": "11"}, "reasons must be at most 10, got '11'."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_the_parameters_of_all_stages_are_checked_at_once(changes, message):
    for given in (WIDGETS | changes, changes):  # also where nothing else is known
        with pytest.raises(ConfigError) as refused:
            check_all(given)
        assert str(refused.value) == message


def test_what_is_not_known_is_passed_over():
    check_all({})
    check_all(WIDGETS)
    check_all({"bundle_root": "/here", "action": "buy", "days": "no parameter of ours"})


def test_the_day_that_an_earlier_task_resolved_is_told_by_its_own_name():
    with pytest.raises(ConfigError, match="resolved_as_of must be a date like 2024-06-01, got 'soon'"):
        asked(TrainConfig, resolved_as_of="soon")
