"""What people are told of a run: received by real servers of HTTP and SMTP, each kind, and never its reason to fail."""

import json
import os
import re
import socketserver
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pandas as pd
import pytest
from deltalake import write_deltalake

from cli.__main__ import main
from cli.errors import CliError
from cli.local import alerts, job_run
from cli.local.alerts import Channels, make_body, send, take_channels
from cli.local.happenings import Happening, find_happenings
from cli.local.home import open_home
from lib.tables.contracts import CONTRACTS
from lib.tables.schemas import to_arrow
from localrun.platform.state import State
from localrun.run.record import JobRun, TaskRun
from tests.builders.runs import WIDGETS
from tests.fakes.stage import Result

AS_OF = date(2024, 6, 3)
SLUG = "buy_7d_cohort28d"
HAPPENED = [Happening("verdict bad", "buy <within> 7 days & more.")]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(alerts, "_PAUSES", (0.0, 0.0))


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web():
    """A server that answers as it is told to, 200 when nothing is said; what it received."""
    received, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Content-Type"], json.loads(content)))
            code = answers.pop(0) if answers else 200
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with serving(HTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}/hook/hush", received, answers


@pytest.fixture
def post():
    """A mail server of a few commands; what it received."""
    received = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().strip():
                word = line.split()[0].upper()
                if word == b"EHLO":
                    self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n")
                elif word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    received.append(b"".join(lines).decode())
                    self.wfile.write(b"250 taken\r\n")
                else:
                    received.append(line.decode())
                    self.wfile.write(
                        b"221 bye\r\n" if word == b"QUIT" else b"235 good\r\n" if word == b"AUTH" else b"250 good\r\n"
                    )
                if word == b"QUIT":
                    return

    with serving(socketserver.TCPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"127.0.0.1:{port}", received


def test_a_webhook_receives_what_happened(web):
    address, received, _ = web
    channels = take_channels({"PROPENSITY_WEBHOOK": address})
    send(channels, "run 1", HAPPENED)
    body = {"source": "propensity", "head": "run 1", "happenings": [vars(HAPPENED[0])]}
    assert received == [("/hook/hush", "application/json", body)]
    send(channels, "run 2", [])
    assert len(received) == 1  # nothing happened


def test_slack_and_teams_receive_what_they_show():
    assert make_body("slack", "run 1", HAPPENED) == {
        "text": "run 1\nverdict bad: buy &lt;within&gt; 7 days &amp; more."
    }
    (attachment,) = make_body("teams", "run 1", HAPPENED)["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in attachment["content"]["body"]] == ["run 1", f"verdict bad: {HAPPENED[0].text}"]


@pytest.mark.parametrize(("address", "given", "shape"), [
    ("https://hooks.slack.com/services/x", "", "slack"), ("https://a.webhook.office.com/x", "", "teams"),
    ("https://notslack.com/x", "", "json"), ("https://chat.example.com/x", "slack", "slack"),
])  # fmt: skip
def test_the_shape_follows_the_host_unless_it_is_said(address, given, shape):
    assert take_channels({"PROPENSITY_WEBHOOK": address, "PROPENSITY_WEBHOOK_SHAPE": given}).shape == shape


@pytest.mark.parametrize("refused", [[503], [503, 500]])
def test_it_is_tried_three_times(web, refused):
    address, received, answers = web
    answers += refused
    said = []
    send(Channels(webhook=address), "run 1", HAPPENED, said.append)
    assert (len(received), said) == (len(refused) + 1, [])


@pytest.mark.parametrize("answer", [500, 302])
def test_what_is_refused_for_good_is_said_without_the_address(web, answer):
    address, received, answers = web
    answers += [answer] * 3
    said = []
    send(Channels(webhook=address), "run 1", HAPPENED, said.append)
    assert [path for path, *_ in received] == ["/hook/hush"] * 3
    assert said == ["Nobody was told of it: the webhook could not be reached (HTTPError)."]


def test_a_mail_is_received_with_what_happened(post):
    place, received = post
    environment = {
        "PROPENSITY_SMTP": f"smtp://job:hush%21@{place}",
        "PROPENSITY_MAIL": "job@a.example, ana@a.example,bo@a.example",
    }
    send(take_channels(environment), "run 1", HAPPENED)
    assert received[0].startswith("AUTH PLAIN ")
    assert received[1].startswith("mail FROM:<job@a.example>")
    assert received[2:4] == ["rcpt TO:<ana@a.example>", "rcpt TO:<bo@a.example>"]
    assert "Subject: propensity: verdict bad\r\n" in received[4]
    assert "verdict bad: buy <within> 7 days & more." in received[4]
    assert environment == {}


def test_who_cannot_be_reached_costs_a_line_and_no_more():
    said = []
    nowhere = Channels("http://127.0.0.1:9/hush", "json", "smtp://job:hush@127.0.0.1:9", ("a@a", "b@a"))
    send(nowhere, "run 1", HAPPENED, said.append)
    assert said == [
        "Nobody was told of it: the webhook could not be reached (URLError).",
        "Nobody was told of it: the mail server could not be reached (ConnectionRefusedError).",
    ]
    assert "hush" not in repr(nowhere)


@pytest.mark.parametrize(("environment", "message"), [
    ({"PROPENSITY_WEBHOOK": "http://hooks.slack.com/hush"}, "PROPENSITY_WEBHOOK must begin with https:// and name a "
     "host; http in clear only to this machine."),
    ({"PROPENSITY_WEBHOOK": "hush"}, "PROPENSITY_WEBHOOK must begin with https:// and name a host"),
    ({"PROPENSITY_WEBHOOK": "http://127.0.0.1.example.com/hush"}, "PROPENSITY_WEBHOOK must begin with https://"),
    ({"PROPENSITY_SMTP": "imap://a:hush@b"}, "PROPENSITY_SMTP must begin with smtps:// or smtp:// and name a host"),
    ({"PROPENSITY_SMTP": "smtps://a:hush@b"}, "PROPENSITY_SMTP is set, and PROPENSITY_MAIL does not name two"),
    ({"PROPENSITY_WEBHOOK_SHAPE": "irc"}, "PROPENSITY_WEBHOOK_SHAPE must be slack, teams or json, got 'irc'."),
])  # fmt: skip
def test_what_would_be_read_on_the_way_is_refused_without_showing_it(environment, message):
    with pytest.raises(CliError, match=re.escape(message)) as told:
        take_channels(environment)
    assert "hush" not in str(told.value)


def a_run(**errors):
    """A run whose tasks failed with these errors."""
    tasks = {
        "extract_features": TaskRun(key="extract_features", notebook="x", depends_on=[], values={"as_of": str(AS_OF)})
    }
    for key, error in errors.items():
        tasks.setdefault(key, TaskRun(key=key, notebook=key, depends_on=[]))
        tasks[key].state, tasks[key].error = State.FAILED, error
    return JobRun(run_id="run-1", job="propensity", target="dev", started="2024-06-03T06:00:00+00:00",
                  parameters=WIDGETS, changed=[], tasks=tasks)  # fmt: skip


def write(schema, name, *rows):
    head = {"question": SLUG, "run_id": "run-1", "as_of": AS_OF}
    full = [dict.fromkeys(CONTRACTS[name]) | head | row for row in rows]
    write_deltalake(schema / name, to_arrow(name, pd.DataFrame(full, columns=list(CONTRACTS[name]))))


@pytest.mark.parametrize(("task", "error", "kind", "text"), [
    ("extract_features", "SourceError: user_id u17 is odd", "source", "The source was not taken, and nothing"),
    ("publish", "PublishRefused: u17 stands twice", "list refused", "The new list was not published, and the one"),
    ("train", "ValueError: u17", "run failed", "Task train failed. The run's page says why."),
])  # fmt: skip
def test_a_task_that_failed_is_told_by_its_kind_and_names_nobody(tmp_path, task, error, kind, text):
    (happening,) = find_happenings(a_run(**{task: error}), tmp_path)
    assert happening.kind == kind
    assert happening.text.startswith(text)
    assert "u17" not in happening.text


def test_what_a_run_wrote_is_told(tmp_path):
    write(tmp_path, "decisions", {"kind": "promoted", "prediction_version": "7", "number": 2, "why": "u17"},
          {"kind": "promoted", "prediction_version": "6", "number": 1, "run_id": "run-0"})  # fmt: skip
    write(tmp_path, "model_checks", {"answer": "bad", "reasons": "u17", "metric": "live_calibration", "measured": 0.5,
                                     "low": 0.4, "high": 0.6, "threshold": 0.25})  # fmt: skip
    poor = {"part": "all", "users": 200, "expected": 40.4, "observed": 61, "metric": "auc", "word": "poor"}
    before = {"cutoff": date(2024, 5, 20), "as_of": date(2024, 5, 27)}  # which an earlier run told of
    good = {"cutoff": date(2024, 5, 13), "word": "good"}
    write(tmp_path, "outcomes", poor | {"cutoff": date(2024, 5, 27)}, poor | before, poor | good)
    remark = {"events": "e.csv", "message": "u17 is odd"}
    write(tmp_path, "source_checks", remark | {"kind": "told"}, remark | {"kind": "accepted"})
    question = "buy within 7 days, users active in the last 28 days"
    assert [(one.kind, one.text) for one in find_happenings(a_run(), tmp_path)] == [
        ("models replaced", f"{question}: version 7 is in use now."),
        ("verdict bad", f"{question}: the models in use no longer hold, judged as of 2024-06-03."),
        ("level off", f"{question}: lists of late were off by a factor of 1.65 in how many were expected to act."),
        ("source", "source_checks has 1 remarks on the events as of 2024-06-03."),
        (
            "poor list",
            f"{question}: the list of 2024-05-27 proved poor: 40 of 200 users were expected to act, and so it was with "
            "61.",
        ),
    ]


def test_a_quiet_run_and_one_without_a_question_tell_nothing(tmp_path):
    assert find_happenings(a_run(), tmp_path) == []
    run = a_run()
    run.parameters = {}
    assert find_happenings(run, tmp_path) == []


def test_a_run_stands_whatever_telling_of_it_comes_to(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(job_run, "find_happenings", lambda *_: 1 / 0)
    plan = type("Plan", (), {"home": open_home(tmp_path / "home")})()
    job_run._alert(plan, a_run(), Channels())
    assert capsys.readouterr().out == "Nobody was told what happened: ZeroDivisionError.\n"


@pytest.mark.parametrize("reached", [True, False])
def test_a_run_tells_of_its_failure_and_no_file_of_it_and_no_process_knows_where(
    stage, web, monkeypatch, capsys, reached
):
    address, received, _ = web
    alerts.own_channels.cache_clear()
    monkeypatch.setenv("PROPENSITY_WEBHOOK", address if reached else "http://127.0.0.1:9/hook/hush")
    stage.results["predict"] = Result("FAILED", error="SourceError: u17 is odd.")
    assert stage() == 1
    alerts.own_channels.cache_clear()
    assert "PROPENSITY_WEBHOOK" not in os.environ
    said = capsys.readouterr().out
    assert ("Nobody was told of it: the webhook could not be reached (URLError)." in said) is not reached
    told = [one["kind"] for *_, body in received for one in body["happenings"]]
    assert told == (["source"] if reached else [])
    assert "u17" not in json.dumps([body for *_, body in received])
    files = [path for path in stage.home.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files if b"hush" in path.read_bytes()]
    assert "hush" not in said


@pytest.fixture
def home(tmp_path):
    return open_home(tmp_path / "home")


def ran(home, started, state=State.SUCCESS):
    run = a_run()
    run.started, run.state = started.isoformat(timespec="seconds"), state
    folder = home.runs / f"{started:%Y%m%d-%H%M%S}-0000"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(run.to_json())


def test_a_run_that_did_not_take_place_is_told_and_one_that_did_is_alive(home, web, capsys, monkeypatch):
    address, received, _ = web

    def alive(*options):
        monkeypatch.setenv("PROPENSITY_WEBHOOK", address)
        code = main(["alive", "--home", str(home.root), *options])
        assert "PROPENSITY_WEBHOOK" not in os.environ
        return code, capsys.readouterr().out

    assert alive() == (1, "No run has succeeded yet.\n")
    now = datetime.now(UTC)
    ran(home, now - timedelta(days=20))
    ran(home, now - timedelta(hours=1), State.FAILED)  # which is no sign of life
    code, said = alive()
    assert (code, said[:17]) == (1, "A run was due on ")
    assert alive("--grace", str(24 * 30))[0] == 0
    ran(home, now - timedelta(minutes=1))
    assert alive() == (
        0,
        f"alive: the last run that succeeded began on {now - timedelta(minutes=1):%Y-%m-%d %H:%M} UTC\n",
    )
    told = [body["happenings"] for *_, body in received]
    assert [[one["kind"] for one in happenings] for happenings in told] == [["run missed"]] * 2
    assert "hush" not in "".join(path.read_text(errors="replace") for path in home.root.rglob("*") if path.is_file())
