"""The run page and run.json: what they show, and that they are whole at every moment."""

import json
import re
from html.parser import HTMLParser

import pytest

from localrun.bundle.bundle import load_bundle
from localrun.platform.rules import select_tasks
from localrun.platform.state import State
from localrun.run import page
from localrun.run.graph import draw
from localrun.run.record import JobRun, TaskRun, new_tasks
from tests.builders import bundles


@pytest.fixture
def run(tmp_path):
    job = load_bundle(bundles.write(tmp_path)).job("toy")
    record = JobRun(
        run_id="20240601-060000-1a2b", job="toy", target="dev", started="2024-06-01T06:00:00+00:00",
        parameters={"schema": "a <b>", "run_id": "1"}, changed=["schema"],
        tasks=new_tasks(job, select_tasks(job.settings.tasks, None)),
    )  # fmt: skip
    for key in ("extract", "train"):
        task = record.tasks[key]
        task.state, task.begun, task.seconds, task.attempts = State.SUCCESS, 1.0, 2.5, [f"{key}.html"]
    record.tasks["train"].values = {"needed": False, "summary": "AUC & more\n  0.803"}
    gate = record.tasks["gate"]
    gate.state, gate.begun, gate.outcome = State.SUCCESS, 3.5, "false"
    gate.parameters = {"left": "false", "op": "EQUAL_TO", "right": "true"}
    record.tasks["retrain"].state = State.EXCLUDED
    return record


class Checker(HTMLParser):
    """Collects what the page would load from elsewhere, and checks that its tags pair."""

    def __init__(self):
        super().__init__()
        self.open, self.links = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "path", "rect"):
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href") and tag != "a"]

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(run):
    checker = Checker()
    checker.feed(page.render_page(run))
    assert (checker.open, checker.links) == ([], [])
    assert "http" not in page.render_page(run).replace("http-equiv", "")


def test_it_shows_results_parameters_and_values(run):
    html = page.render_page(run)
    assert "2024-06-01 06:00:00 UTC" in html
    assert '<a href="train.html">executed notebook</a>' in html
    assert "<code>false EQUAL_TO true</code> → false" in html
    assert "<td>needed</td><td><code>false</code></td>" in html
    assert '<td class="changed">schema</td><td><code>a &lt;b&gt;</code></td>' in html
    assert "<pre>AUC &amp; more\n  0.803</pre>" in html
    assert html.count("skipped") == 2  # in the graph and in the table


def test_a_failed_task_shows_its_error_and_every_attempt(run):
    task = run.tasks["predict"]
    task.state, task.error, task.begun = State.FAILED, "SourceError: <none>", 4.0
    task.attempts = ["predict.html", "predict-2.html"]
    html = page.render_page(run)
    assert "SourceError: &lt;none&gt;" in html
    assert '<a href="predict.html">attempt 1</a> <a href="predict-2.html">executed notebook</a>' in html


def test_the_page_reloads_itself_only_while_the_job_runs(run):
    assert 'http-equiv="refresh"' in page.render_page(run)
    run.state = State.SUCCESS
    assert 'http-equiv="refresh"' not in page.render_page(run)


def test_it_follows_the_readers_light_or_dark_theme(run):
    assert "prefers-color-scheme: dark" in page.render_page(run)


def test_writing_leaves_two_whole_files_and_no_parts(run, tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    page.write_page(folder, run)
    page.write_page(folder, run)
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "run.json"]
    stored = json.loads((folder / "run.json").read_text())
    assert stored["tasks"]["gate"]["outcome"] == "false"
    assert stored["tasks"]["retrain"]["state"] == "EXCLUDED"


def test_what_a_killed_run_left_is_shown_as_canceled(run, tmp_path):
    run.tasks["predict"].state, run.tasks["predict"].begun = State.RUNNING, 4.0
    for name, state in (("killed", State.RUNNING), ("done", State.SUCCESS)):
        (tmp_path / "runs" / name).mkdir(parents=True)
        run.state = state
        page.write_page(tmp_path / "runs" / name, run)
    (tmp_path / "runs" / "foreign").mkdir()
    (tmp_path / "runs" / "foreign" / "run.json").write_text('{"version": 9}')  # by another version: left alone
    page.close_abandoned(tmp_path / "runs")
    stored = JobRun.from_json((tmp_path / "runs" / "killed" / "run.json").read_text())
    assert (stored.state, stored.tasks["predict"].state) == (State.CANCELED, State.CANCELED)
    assert stored.tasks["train"] == run.tasks["train"]
    assert "refresh" not in (tmp_path / "runs" / "killed" / "index.html").read_text()
    assert JobRun.from_json((tmp_path / "runs" / "done" / "run.json").read_text()).state is State.SUCCESS


def boxes(svg):
    return {name: (int(x), int(y)) for x, y, name in re.findall(r'translate\((\d+) (\d+)\)"><title>(.*?)</title>', svg)}


def test_the_main_line_is_straight_and_the_branch_lies_below(run):
    places = boxes(draw(run.tasks))
    assert {places[key][1] for key in ("extract", "train", "predict")} == {0}
    assert places["gate"][1] == places["retrain"][1] > 0
    columns = [places[key][0] for key in ("extract", "train", "gate", "retrain", "predict")]
    assert columns == sorted(set(columns))


def test_no_two_boxes_share_a_place():
    edges = {"a": "", "b": "a", "c": "a", "d": "a", "e": "b c", "f": "a e", "g": "d f"}
    tasks = {
        key: TaskRun(key=key, notebook=key, depends_on=[(name, None) for name in before.split()])
        for key, before in edges.items()
    }
    places = boxes(draw(tasks))
    assert len(set(places.values())) == len(places) == 7


def test_edges_that_were_not_taken_look_different(run):
    svg = draw(run.tasks)
    assert svg.count('class="edge taken"') == 3  # to train, gate and predict
    assert svg.count('class="edge"') == 2  # to retrain, and from it


def test_what_came_out_stands_on_top_and_files_are_linked_from_the_page(run, tmp_path):
    folder, report = tmp_path / "runs" / "20240601", tmp_path / "reports" / "list.html"
    report.parent.mkdir()
    report.touch()
    (tmp_path / "list.csv").touch()
    run.state = State.SUCCESS
    run.parameters |= {"export": str(tmp_path / "list.csv")}
    run.tasks["predict"].values = {"report": str(report), "headline": "Quality: good <b>.\nContact the first 5; wait."}
    html = page.render_page(run, folder)
    assert "<p><b>Quality:</b> good &lt;b&gt;.</p>" in html
    assert '<p class="do">Contact the first 5; wait.</p>' in html
    assert '<a class="file" href="../../reports/list.html">Report of the list</a>' in html
    assert '<a class="file" href="../../list.csv">File list.csv</a>' in html
    assert html.index("What came out") < html.index("<h2>Tasks</h2>") < html.index("<h2>What each task says</h2>")
    assert "headline" not in html
    assert html.index(">schema<") < html.index(">run_id<")  # what was given first
    run.questions = {"buy": {"action": "buy"}, "read": {"action": "read"}}
    assert '<a class="file" href="../../reports/list.html">Reports of all lists</a>' in page.render_page(run, folder)


def test_each_question_has_the_link_to_its_own_file(run, tmp_path):
    for name in ("report.html", "a.csv", "b.csv"):
        (tmp_path / name).touch()
    run.state, run.parameters["export"] = State.SUCCESS, str(tmp_path / "a.csv")
    run.questions = {"a": {}, "b": {"export": str(tmp_path / "b.csv")}, "c": {"export": "none"}}
    run.tasks["predict"].values = {"report": str(tmp_path / "report.html")}
    html = page.render_page(run, tmp_path / "runs" / "20240601")
    assert re.findall(r">File ([^<]*)<", html) == ["a.csv", "b.csv"]


def test_what_failed_stands_on_top(run):
    task = run.tasks["predict"]
    task.state, task.error = State.FAILED, "SourceError: <none>"
    html = page.render_page(run)
    assert html.index('<p class="error"><b>predict</b>: SourceError: &lt;none&gt;</p>') < html.index("<h2>Tasks</h2>")


def test_a_run_in_a_home_leads_up_back_and_forward(run, tmp_path):
    runs = tmp_path / "runs"
    for name in ("1", "2", "3"):
        (runs / name).mkdir(parents=True)
        page.write_page(runs / name, run)
    (tmp_path / "index.html").touch()
    assert page.run_links(runs / "2") == [
        ("All questions and runs", "../../index.html"), ("← Run before", "../1/index.html"),
        ("Next run →", "../3/index.html"),
    ]  # fmt: skip
    assert page.run_links(runs / "1")[1:] == [("Next run →", "../2/index.html")]
    assert page.run_links(tmp_path / "far" / "other" / "1") == []
