"""The MLflow UI asks for a token, and for its own address."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.local.home import open_home
from cli.local.ui_guard import Guard

PROJECT = Path(__file__).parents[2]
HOST = ("host", "127.0.0.1:5000")
COOKIE = ("cookie", "other=1; propensity-ui-5000=secret")


def asked(*headers, query="", method="GET", kind="http"):
    """What comes back from behind a guard: status and headers, or that the application was reached."""
    reached, sent = [], []

    async def application(scope, receive, send):
        reached.append(scope["type"])

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "method": method, "path": "/", "query_string": query.encode(),
             "headers": [(name.encode(), value.encode()) for name, value in headers]}  # fmt: skip
    asyncio.run(Guard(application, "secret", 5000)(scope, None, send))
    if reached:
        return "reached"
    return sent[0].get("status", sent[0]["type"]), dict(sent[0].get("headers", []))


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ([HOST], "", 401),
        ([HOST], "token=wrong", 401),
        ([HOST], "token=", 401),
        ([HOST, ("cookie", "propensity-ui-5000=wrong")], "", 401),
        ([HOST, ("cookie", "propensity-ui-5001=secret")], "", 401),  # another UI's
        ([HOST, ("cookie", "propensity-ui-5000=")], "", 401),
        ([HOST, ("cookie", "a b=;;=")], "", 401),
        ([HOST, ("authorization", "Bearer wrong")], "", 401),
        ([("host", "evil.example:5000"), COOKIE], "", 403),  # a name that was bent to this machine
        ([("host", "127.0.0.1:5001"), COOKIE], "", 403),
        ([COOKIE], "", 403),
        ([HOST, COOKIE, ("origin", "http://evil.example")], "", 403),
        ([HOST, COOKIE, ("origin", "http://127.0.0.1:8888")], "", 403),
        ([HOST, COOKIE, ("origin", "null")], "", 403),
    ],
)
def test_who_has_no_token_or_comes_from_elsewhere_is_refused(headers, query, expected):
    assert asked(*headers, query=query)[0] == expected


@pytest.mark.parametrize(
    "headers",
    [
        [HOST, COOKIE],
        [("host", "localhost:5000"), COOKIE, ("origin", "http://localhost:5000")],
        [HOST, ("authorization", "Bearer secret")],
    ],
)
def test_who_has_it_is_let_through(headers):
    assert asked(*headers) == "reached"
    assert asked(*headers, method="POST") == "reached"


def test_the_printed_address_gives_a_cookie_and_takes_the_token_out_of_the_address():
    status, headers = asked(HOST, query="token=secret")
    assert (status, headers[b"location"]) == (303, b"/")
    assert headers[b"set-cookie"] == b"propensity-ui-5000=secret; Path=/; HttpOnly; SameSite=Strict"
    assert asked(HOST, query="token=secret", method="POST")[0] == 401
    assert asked(HOST, kind="websocket")[0] == "websocket.close"
    assert asked(kind="lifespan") == "reached"


def test_a_port_that_is_taken_is_named(tmp_path, capsys):
    home = open_home(tmp_path)
    home.database.touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert main(["ui", "--home", str(tmp_path), "--port", str(port)]) == 1
    assert f"error: Port {port} cannot be listened on: " in capsys.readouterr().err


@pytest.mark.job
def test_the_ui_is_for_who_was_told_its_address(tmp_path):
    home = open_home(tmp_path / "home")
    home.database.touch()
    command = [sys.executable, "-P", "-m", "cli", "ui", "--home", str(home.root)]
    with subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(PROJECT)}, stdout=subprocess.PIPE, text=True
    ) as ui:
        try:
            said = [ui.stdout.readline(), ui.stdout.readline()]
            address, token = re.search(r"(http://127.0.0.1:\d+/)\?token=(\S+)", said[1]).groups()
            search = f"{address}api/2.0/mlflow/registered-models/search"
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(search)
            with urllib.request.urlopen(
                urllib.request.Request(search, headers={"Authorization": f"Bearer {token}"})
            ) as answer:
                assert answer.status == 200
        finally:
            ui.send_signal(signal.SIGINT)
            ui.wait(30)
    assert token not in (home.root / "ui.log").read_text()
