"""Who is let in by a local Spark server: its own clients, wherever they look, and nobody else."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from localrun.notebook.execution import run_notebook
from localrun.spark.access import TOKEN, client_environment, token_for
from localrun.spark.server import SparkServer
from localrun.spark.session import session

ROOT = Path(__file__).parents[2]
OURS = "from localrun.spark.session import connect; spark = connect({url!r})"
ANY = "from pyspark.sql import SparkSession; spark = SparkSession.builder.remote({url!r}).getOrCreate()"
PROXY = "http://127.0.0.1:9"  # nothing listens there
PROXIES = {"http_proxy": PROXY, "https_proxy": PROXY, "grpc_proxy": PROXY}


@pytest.fixture
def url(spark_server: SparkServer) -> str:
    """The shared server's address, once it is ready."""
    spark_server.wait_ready()
    return spark_server.url


def client(start: str, url: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A client in a process of its own that counts to three; one that is not done after 30 s is an error."""
    kept = {k: v for k, v in os.environ.items() if k != TOKEN and not k.lower().endswith("_proxy")}
    return subprocess.run(
        [sys.executable, "-c", f"{start.format(url=url)}; print(spark.range(3).count())"],
        cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


@pytest.mark.parametrize("start", [OURS, ANY], ids=["ours", "any"])
@pytest.mark.parametrize(
    ("token", "said"), [({}, "No authentication token provided"), ({TOKEN: "wrong"}, "Invalid authentication token")]
)
def test_a_client_without_the_token_is_refused_at_once(url: str, start: str, token: dict[str, str], said: str) -> None:
    done = client(start, url, token)

    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("start", "told", "unless"),
    [
        (OURS, (TOKEN,), {}),  # finds its way even where the environment does not show it
        (ANY, (TOKEN, "no_grpc_proxy"), {"no_proxy": "127.0.0.1"}),
    ],
    ids=["ours", "any"],
)
def test_a_client_with_it_is_let_in_past_proxies_and_where_localhost_is_ipv6_first(
    url: str, start: str, told: tuple[str, ...], unless: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    users = PROXIES | unless | {"GRPC_DNS_RESOLVER": "ares"}  # this resolver gives ::1 first
    for name, value in users.items():
        monkeypatch.setenv(name, value)
    given = {name: client_environment(url)[name] for name in told}

    done = client(start, url, users | given)

    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "localhost"),
        ({"no_proxy": "127.0.0.1,.corp"}, "127.0.0.1,.corp,localhost"),
        ({"no_proxy": "a", "no_grpc_proxy": "b"}, "b,localhost"),
        ({"no_grpc_proxy": "b,localhost,c"}, "b,localhost,c"),
        ({"no_proxy": "a", "no_grpc_proxy": ""}, "localhost"),
    ],
)
def test_what_needs_no_proxy_still_needs_none(
    before: dict[str, str], after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "no_grpc_proxy", TOKEN):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)

    assert client_environment("sc://localhost:1") == {"no_grpc_proxy": after}


@pytest.mark.spark
def test_nobody_else_can_listen_at_the_port_on_ipv6(tmp_path: Path) -> None:
    server = SparkServer(tmp_path, [], tmp_path / "log")
    address = ("::1", int(server.url.rpartition(":")[2]))
    server.start()
    try:
        with socket.socket(socket.AF_INET6) as other, pytest.raises(OSError, match="Address already in use"):
            other.bind(address)
    except OSError:
        pytest.skip("no IPv6 here")
    finally:
        server.stop()
    with socket.socket(socket.AF_INET6) as other:
        other.bind(address)


def test_a_token_of_the_user_s_own_is_neither_used_nor_lost(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "theirs")
    notebook = tmp_path / "task.py"
    notebook.write_text(
        "# Databricks notebook source\nimport os\n"
        f"dbutils.jobs.taskValues.set('found', [spark.range(3).count(), os.environ[{TOKEN!r}]])\n"
    )
    with SparkServer(tmp_path, [], tmp_path / "log") as server:
        server.wait_ready()
        with session(server.url) as spark:
            frame = spark.range(4)
            assert frame.mapInPandas(lambda frames: frames, frame.schema).count() == 4
        with session(url) as spark:  # each server has its own
            assert spark.range(5).count() == 5
        ours = token_for(server.url)
        result = run_notebook(
            notebook, parameters={}, task_key="task", upstream_values={}, spark_url=server.url, environment={},
            timeout_seconds=60, html=tmp_path / "task.html", on_line=print,
        )  # fmt: skip
        assert java_of(server.url).environ()[TOKEN] == ours

    assert ours not in (None, "theirs", token_for(url))
    assert result.task_values == {"found": [3, ours]}, result.error
    assert os.environ[TOKEN] == "theirs"


def test_the_token_is_in_no_file_on_no_command_line_and_in_no_setting(url: str, job_home: Path, tmp_path: Path) -> None:
    notebook = tmp_path / "task.py"
    notebook.write_text(
        "# Databricks notebook source\n"
        "import os, psutil\n"
        f"token = os.environ[{TOKEN!r}]\n"
        "lines = [' '.join(p.info['cmdline'] or []) for p in psutil.process_iter(['cmdline'])]\n"
        "settings = str(spark.sql('SET').collect()) + os.environ['SPARK_REMOTE']\n"
        "display(spark.range(1))\n"
        "print(spark, spark.client, locals().get('dbutils'))\n"
        "dbutils.jobs.taskValues.set('seen', {\n"
        "    'servers': any('spark.connect.grpc.binding.port' in line for line in lines),\n"
        "    'kernels': any('localrun.notebook.kernel' in line for line in lines),\n"
        "    'lines': [line for line in lines if token in line],\n"
        "    'settings': token in settings,\n"
        "})\n"
        "# COMMAND ----------\n"
        "spark.sql('SELECT nothing')\n"
    )
    result = run_notebook(
        notebook, parameters={}, task_key="task", upstream_values={}, spark_url=url, environment={},
        timeout_seconds=60, html=tmp_path / "task.html", on_line=print,
    )  # fmt: skip

    assert result.state == "FAILED"  # its traceback is on the page too
    assert result.task_values == {"seen": {"servers": True, "kernels": True, "lines": [], "settings": False}}
    token = token_for(url)
    assert token is not None
    files = [path for folder in (tmp_path, job_home) for path in folder.rglob("*") if path.is_file()]
    assert {"task.html", "spark.log"} <= {path.name for path in files}
    assert [path for path in files if token.encode() in path.read_bytes()] == []


def java_of(url: str) -> psutil.Process:
    """The server's process; its starter's shell comes before it."""
    port = f"spark.connect.grpc.binding.port={url.rpartition(':')[2]}"
    return next(
        child for child in psutil.Process().children(recursive=True)
        if child.name() == "java" and port in child.cmdline()
    )  # fmt: skip
