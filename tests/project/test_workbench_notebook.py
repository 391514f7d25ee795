"""The notebook `workbench`, cell by cell to its end, over a home in memory."""

import sys
from pathlib import Path

from lib.registry import mlflow_registry
from lib.report import charts
from lib.tables import delta
from localrun.notebook.dbutils import DBUtils, Notebook, TaskValues, Widgets
from localrun.notebook.source import to_ipynb
from tests.builders.runs import AS_OF, WIDGETS

ROOT = Path(__file__).parents[2]
GIVEN = ("action", "horizon_days", "cohort_days", "max_cutoffs", "min_positives", "schema", "models", "experiment")


def test_it_runs_to_its_end_and_leaves_the_home_as_it_was(after_first_run, monkeypatch, capsys):
    home, shown = after_first_run.copy(), []
    before = dict(home.tables.stored)
    monkeypatch.setattr(sys, "path", [*sys.path])  # which the first cell puts the bundle's root on
    monkeypatch.setattr(delta, "DeltaTables", lambda *_: home.tables)
    monkeypatch.setattr(mlflow_registry, "MlflowRegistry", lambda *_: home.registry)
    monkeypatch.setattr(charts, "plot_importances", lambda table: table)
    given = {name: WIDGETS[name] for name in GIVEN} | {"bundle_root": str(ROOT)}
    dbutils = DBUtils(Widgets(given), TaskValues(None, {}.__setitem__), Notebook(None))
    namespace = {"dbutils": dbutils, "spark": None, "display": shown.append}
    for cell in to_ipynb(ROOT / "notebooks" / "workbench.py").cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, "workbench", "exec"), namespace)
    assert f"as of {AS_OF}, asked of 100% of the users" in capsys.readouterr().out
    assert [len(rows) > 0 for rows in shown] == [True] * 11
    assert namespace["scores"]["reasons"].notna().any()
    best, again = namespace["scores"], shown[-1]
    assert list(again["user_id"]) == list(best["user_id"].head(20))  # the same parameters, so the same models
    assert home.tables.stored == before
