"""The page of a home and the links from page to page: they lead somewhere, wherever the folder lies."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from deltalake import write_deltalake

from cli.local import landing
from cli.local.home import Home
from lib.config.bases import ModelConfig
from lib.config.question import Question
from lib.registry.versions import Version
from lib.tables.contracts import CONTRACTS
from localrun.platform.state import State
from localrun.run import page
from localrun.run.record import JobRun, TaskRun

QUESTION = Question(actions=("rent <film>",), horizon_days=28, cohort_days=90)
CONFIG = ModelConfig(schema="spark_catalog.shop", models="m", experiment="e", run_id="", as_of=None, question=QUESTION)
HEADLINE = "Quality: good. It is.\nContact the first 10 of 100; leave 9 alone.\nPast lists: none is over yet."


class Links(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.places, self.path = [], path
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag == "a" and not dict(attrs)["href"].startswith("#"):
            self.places.append(dict(attrs)["href"])

    @property
    def targets(self):
        return [(self.path.parent / place).resolve() for place in self.places]


def publication(number, day, run_id, kind="published"):
    row = dict.fromkeys(CONTRACTS["publications"]) | {
        "question": QUESTION.slug, "run_id": run_id, "cutoff": day, "kind": kind, "number": number, "users": 2100,
    }  # fmt: skip
    return {name: row[name] for name in ("question", "run_id", "cutoff", "kind", "number", "users")}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of three runs with a report each; the last one's list was only recorded."""
    home = Home(tmp_path / "shop" / ".home")
    days = [date(2024, 6, 1) + timedelta(days=7 * n) for n in range(3)]
    for place, day in enumerate(days):
        folder = home.runs / f"2024060{place}-000000-abcd"
        folder.mkdir(parents=True)
        report = home.root / "reports" / QUESTION.slug / f"{day}.html"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text('<nav class="around" aria-label="Other pages"></nav><p>The list.</p>')
        for name in ("train", "publish"):
            (folder / f"{name}.html").write_text(f'<nav class="around" aria-label="Other pages"></nav>{name}')
        tasks = {name: TaskRun(key=name, notebook=name, depends_on=[], state=State.SUCCESS, begun=1.0,
                               attempts=[f"{name}.html"]) for name in ("train", "publish")}  # fmt: skip
        tasks["publish"].values = {"headline": HEADLINE, "report": str(report), "summary": "u1 is first"}
        run = JobRun(run_id=folder.name, job="propensity", target="dev", started=f"{day}T00:00:00+00:00",
                     parameters={"action": "rent <film>", "seed": "0"}, changed=["seed"], tasks=tasks)  # fmt: skip
        run.state = State.SUCCESS
        page.write_page(folder, run)
        for name in ("run.json", "spark.log"):
            (folder / name).touch()
    kinds = ("published", "published", "recorded")
    rows = [publication(n + 1, day, f"2024060{n}-000000-abcd", kinds[n]) for n, day in enumerate(days)]
    write_deltalake(home.warehouse / "shop" / "publications", pd.DataFrame(rows))
    monkeypatch.setattr(landing, "registered_models", lambda home: [])
    monkeypatch.setattr(landing, "questions_of", lambda models: [CONFIG])
    champion = Version(prediction_version="4", preprocessing_version="3", in_use=True, champion_since="2024-05-01",
                       trained_through="2024-04-01")  # fmt: skip
    monkeypatch.setattr(landing, "registered_versions", lambda home, config: [champion])
    return home


def text_of(path):
    return re.sub(r"<style>.*?</style>|<[^>]+>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_it_tells_of_each_question_the_newest_list_in_use_and_the_models(home):
    landing.write_pages(home)
    told = " ".join(text_of(home.root / "index.html").split())
    assert "shop No run is scheduled here" in told
    assert "rent &lt;film&gt; within 28 days, users active in the last 90 days" in told
    assert "Newest list: 8 June 2024, 2,100 users." in told
    assert "Quality: good. It is. Contact the first 10 of 100; leave 9 alone." in told
    assert "Models in use: version 4 since 1 May 2024, trained through 1 April 2024." in told
    assert "20240602-000000-abcd ✓ success propensity rent &lt;film&gt; 15 June 2024, 00:00 UTC" in told
    assert told.index("20240602-000000-abcd") < told.index("20240600-000000-abcd")
    assert "u1" not in told  # a summary names users, and stays where it is
    links = Links(home.root / "index.html")
    assert links.places[:2] == [f"reports/{QUESTION.slug}/2024-06-08.html", "runs/20240601-000000-abcd/index.html"]


def test_every_page_leads_up_back_and_forward_and_every_link_leads_somewhere_though_the_folder_moved(home):
    landing.write_pages(home)
    moved = home.root.parent / "elsewhere"
    home.root.rename(moved)
    pages = sorted(moved.rglob("*.html"))
    assert len(pages) == 1 + 3 + 6 + 3
    for path in pages:
        links = Links(path)
        assert [place for place in links.places if place.startswith(("/", "file:"))] == []
        assert [str(target) for target in links.targets if not target.exists()] == []
    middle = Links(moved / "runs" / "20240601-000000-abcd" / "index.html")
    assert middle.places[:3] == [
        "../../index.html", "../20240600-000000-abcd/index.html", "../20240602-000000-abcd/index.html",
    ]  # fmt: skip
    assert "../../reports/" + QUESTION.slug + "/2024-06-08.html" in middle.places
    report = Links(moved / "reports" / QUESTION.slug / "2024-06-08.html")
    assert report.places == ["../../index.html", "2024-06-01.html", "2024-06-15.html"]
    notebook = Links(moved / "runs" / "20240602-000000-abcd" / "train.html")
    assert notebook.places == ["index.html", "publish.html"]


def test_a_page_of_several_questions_is_led_to_and_leads_back(home):
    page_of_all = home.root / "reports" / "questions" / "2024-06-15.html"
    page_of_all.parent.mkdir()
    page_of_all.write_text('<nav class="around" aria-label="Other pages"></nav>')
    landing.write_pages(home)
    assert Links(home.root / "index.html").places[0] == "reports/questions/2024-06-15.html"
    assert Links(page_of_all).places == ["../../index.html"]


def test_what_a_run_of_several_questions_said_of_each_is_told_with_it(home):
    row = dict.fromkeys(CONTRACTS["question_runs"], "") | {
        "run_id": "20240601-000000-abcd", "question": QUESTION.slug, "stage": "publish", "number": 1,
        "said": json.dumps({"headline": "Contact the first 7 of 70; wait."}),
    }  # fmt: skip
    kept = {name: row[name] for name in ("run_id", "question", "stage", "number", "said")}
    write_deltalake(home.warehouse / "shop" / "question_runs", pd.DataFrame([kept]))
    landing.write_pages(home)
    told = text_of(home.root / "index.html")
    assert "Contact the first 7 of 70; wait." in told
    assert "Contact the first 10 of 100" not in told


def test_links_to_pages_that_are_gone_are_mended(home):
    landing.write_pages(home)
    (home.root / "reports" / QUESTION.slug / "2024-06-01.html").unlink()
    landing.write_pages(home)
    assert Links(home.root / "reports" / QUESTION.slug / "2024-06-08.html").places == [
        "../../index.html", "2024-06-15.html",
    ]  # fmt: skip


def test_the_next_run_is_told_while_somebody_waits_for_it(home):
    due = datetime.now(UTC) + timedelta(days=2)
    (home.root / landing.NEXT_RUN).write_text(due.isoformat())
    landing.write_pages(home)
    assert f"Next run: {due:%Y-%m-%d %H:%M} UTC" in text_of(home.root / "index.html")
    (home.root / landing.NEXT_RUN).write_text((due - timedelta(days=3)).isoformat())
    landing.write_pages(home)
    assert "No run is scheduled here" in text_of(home.root / "index.html")


def test_a_home_without_a_question_has_a_page(tmp_path):
    home = Home(tmp_path / "new")
    home.root.mkdir()
    landing.write_pages(home)
    assert "No question yet" in text_of(home.root / "index.html")
    assert "new No run is scheduled" in " ".join(text_of(home.root / "index.html").split())


def test_what_goes_wrong_is_a_warning(home, monkeypatch, capsys):
    monkeypatch.setattr(landing, "registered_versions", lambda home, config: 1 / 0)
    landing.write_pages(home)
    assert capsys.readouterr().out == "warning: the home's page was not written: ZeroDivisionError: division by zero\n"
    assert not Path(home.root / "index.html").exists()
