"""The first task of a job refuses what a later one could not read, before it reads anything."""

import sys
from pathlib import Path

import pytest

from lib.errors import ConfigError
from lib.stages import extract_features
from lib.tables import delta
from localrun.bundle.bundle import load_bundle
from localrun.notebook.dbutils import DBUtils, Notebook, TaskValues, Widgets
from localrun.notebook.source import to_ipynb

ROOT = Path(__file__).parents[2]
OWN = {"events": "shop.events", "action": "buy", "schema": "main.shop", "bundle_root": str(ROOT)}


class Begun(Exception):
    """The stage was called: all parameters were found sound."""


def play(monkeypatch, parameters):
    """The notebook's cells, as far as the call of the stage, with what a job or nobody gives."""

    def begin(*_):
        raise Begun

    monkeypatch.setattr(extract_features, "read", begin)
    monkeypatch.setattr(delta, "DeltaTables", lambda *_: None)
    monkeypatch.setattr(sys, "path", [*sys.path])  # which the first cell puts the bundle's root on
    dbutils = DBUtils(Widgets(parameters), TaskValues({}, {}.__setitem__), Notebook(None))
    namespace = {"dbutils": dbutils, "spark": None, "display": None}
    for cell in to_ipynb(ROOT / "notebooks" / "extract_features.py").cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, "extract_features", "exec"), namespace)


@pytest.fixture
def job():
    """What a deployed job gives its first task: its own defaults, filled in."""
    defaults = {item.name: item.default for item in load_bundle(ROOT).job("propensity").settings.parameters}
    return (
        defaults
        | OWN
        | {"run_id": "17", "repair_count": "0", "models": "main.shop.propensity", "experiment": "/shop"}
        | {"run_date": "2024-06-03"}
    )


@pytest.mark.parametrize(("changes", "message"), [
    ({"cost_of_contact": "0,40"}, "cost_of_contact must be a number from 0 to 1e+09, got '0,40'. Write decimals with a "
     "point."),
    ({"cost_of_contact": "0,40", "value_of_action": "2"}, "cost_of_contact must be a number from 0 to 1e+09, got "
     "'0,40'. Write decimals with a point."),
    ({"cost_of_contact": "0.40"}, "value_of_action and cost_of_contact are given together or not at all, got '' and "
     "'0.40'. Give both in one currency, or leave both blank."),
    ({"export": "list.xls"}, "export must end in .csv or .parquet or .jsonl, got 'list.xls'. Leave it blank for none."),
    ({"held_out_share": "10"}, "held_out_share must be a number from 0 to 1, got '10'."),
    ({"n_trials": "abc"}, "n_trials must be a whole number >= 1, got 'abc'."),
    ({"cohort_days": "0.5"}, "cohort_days must be a whole number >= 1, got '0.5'."),
    ({"search_on": "spark"}, "search_on is spark and compute is serverless, whose executors reach no network and have "
     "1 GB of memory: no trial could read its folds or note its result. Set search_on to driver, or deploy with "
     "compute: classic."),
])  # fmt: skip
def test_a_wrong_parameter_of_any_stage_is_refused_by_the_first(monkeypatch, job, changes, message):
    with pytest.raises(ConfigError) as refused:
        play(monkeypatch, job | changes)
    assert str(refused.value) == message


def test_what_the_job_gives_by_default_is_sound(monkeypatch, job):
    with pytest.raises(Begun):
        play(monkeypatch, job)


@pytest.mark.parametrize("compute", ["classic", "existing", "none", ""])
def test_trials_may_run_on_any_executors_that_reach_the_network(monkeypatch, job, compute):
    with pytest.raises(Begun):
        play(monkeypatch, job | {"search_on": "spark", "compute": compute})


def test_by_hand_the_notebook_asks_only_for_what_is_its_own(monkeypatch):
    with pytest.raises(Begun):
        play(monkeypatch, OWN)
    with pytest.raises(ConfigError, match="action is blank"):
        play(monkeypatch, OWN | {"action": ""})
