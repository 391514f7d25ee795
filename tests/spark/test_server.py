"""The shared Spark server: what it knows when it starts, how it fails, and that nothing of it stays."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from cli import prepare
from localrun.errors import LocalRunError, SetupError, SparkServerError
from localrun.spark import java
from localrun.spark.server import SparkServer, server_at
from localrun.spark.session import session

ROOT = Path(__file__).parents[2]


@pytest.mark.spark
def test_a_new_server_knows_the_tables_of_the_one_before(tmp_path: Path) -> None:
    home = tmp_path / "it's a home"  # a quote and blanks, as folders have them
    with SparkServer(home, ["shop"], home / "log") as server:
        server.wait_ready()
        with session(server.url) as spark:
            spark.range(5).write.format("delta").saveAsTable("shop.kept")
            spark.sql("CREATE SCHEMA made")  # with no place said, Spark 4.2 lays it into made.db
            spark.range(7).write.format("delta").saveAsTable("made.kept")
        assert (home / "warehouse" / "shop" / "kept" / "_delta_log").is_dir()
        process = server_process(server)
    assert ended(process)
    (home / "warehouse" / "other" / "cut_short" / "_delta_log").mkdir(parents=True)
    (home / "warehouse" / "other" / "cut_short" / "part-0.parquet").write_text("")
    shutil.copytree(home / "warehouse" / "shop", home / "warehouse" / "shop, a copy")
    shutil.copytree(home / "warehouse" / "shop" / "kept", home / "warehouse" / "shop" / "kept.before")

    with SparkServer(home, ["shop"], home / "log", extra_conf={"spark.sql.shuffle.partitions": "3"}) as server:
        server.wait_ready()
        with session(server.url) as spark:
            assert spark.table("shop.kept").count() == 5
            assert spark.table("made.kept").count() == 7
            known = [row.namespace for row in spark.sql("SHOW SCHEMAS").collect()]
            assert known == ["default", "made", "other", "shop"]
            assert [row.tableName for row in spark.sql("SHOW TABLES IN shop").collect()] == ["kept"]
            assert not (home / "warehouse" / "other" / "cut_short").exists()
            conf = {
                key: spark.conf.get(f"spark.sql.{key}")
                for key in ("session.timeZone", "ansi.enabled", "shuffle.partitions")
            }
            assert conf == {"session.timeZone": "UTC", "ansi.enabled": "true", "shuffle.partitions": "3"}


@pytest.mark.spark
def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "warehouse" / "shop" / "broken"
    (broken / "_delta_log").mkdir(parents=True)
    (broken / "_delta_log" / f"{0:020}.json").write_text("no json")

    with SparkServer(tmp_path, [], tmp_path / "log") as server, pytest.raises(LocalRunError) as caught:
        server.wait_ready()

    assert str(caught.value).startswith(f"The table in {broken} cannot be read: ")
    assert str(caught.value).endswith("Restore its files, or move the folder away.")
    assert "stacktrace" not in str(caught.value)


@pytest.mark.spark
def test_a_server_that_cannot_start_tells_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with SparkServer(tmp_path, [], log, memory="1k") as server, pytest.raises(SparkServerError) as caught:
        server.wait_ready()

    assert str(caught.value).startswith(f"The local Spark server has ended. The end of {log}:")
    assert "Too small maximum heap" in str(caught.value)


@pytest.mark.spark
def test_java_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            dedent(f"""
            import sys, time
            sys.path.insert(0, {str(ROOT)!r})
            from pathlib import Path
            from localrun.spark.server import SparkServer
            server = SparkServer(Path({str(tmp_path)!r}), [], Path({str(tmp_path / "log")!r}))
            server.start()
            print(server._process.pid, server._scratch, flush=True)
            time.sleep(60)
            """),
        ],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid, scratch = parent.stdout.readline().decode().split()
    shell = psutil.Process(int(pid))
    wait_for(lambda: any(child.name() == "java" for child in shell.children()))
    family = [shell, *shell.children()]

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    assert all(ended(process) for process in family)
    assert not Path(scratch).exists()


@pytest.mark.spark
def test_a_stopped_server_is_not_found_any_more(tmp_path: Path) -> None:
    server = SparkServer(tmp_path, [], tmp_path / "log")
    server.stop()  # before it was started, nothing happens
    server.start()
    process = server_process(server)
    assert server_at(server.url) is server

    server.stop()
    server.stop()

    assert server_at(server.url) is None
    assert ended(process)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def version(number: str) -> str:
    return f"echo 'openjdk version \"{number}\" 2025' >&2"


@pytest.mark.parametrize(
    ("home", "path", "found"),
    [
        ("17.0.15", "21.0.8", "home"),
        ("25.0.2", "21.0.8", "path"),
        ("11.0.2", "17", "path"),
        ("1.8.0_402", "21", "path"),
    ],
)
def test_the_first_fit_java_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str, path: str, found: str
) -> None:
    places = {
        "home": script(tmp_path / "home" / "bin" / "java", version(home)),
        "path": script(tmp_path / "path" / "java", version(path)),
    }
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")

    assert java.find_java().program == places[found]


def test_no_fit_java_names_those_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = script(tmp_path / "home" / "bin" / "java", version("11.0.2"))
    dead = script(tmp_path / "path" / "java", "exit 1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}")
    monkeypatch.setattr(java.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]

    with pytest.raises(SetupError) as caught:
        java.find_java()

    assert f"needs Java 17 or 21; found only {old} (11), {dead} (does not run)." in str(caught.value)


def test_a_missing_jar_says_how_to_bring_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "storage", lambda: tmp_path)

    with pytest.raises(SetupError, match=r"delta-spark_.*\.jar is missing\. Delete \.venv/ready and call"):
        java.class_path()


def test_a_step_of_the_installation_that_fails_tells_its_last_words() -> None:
    command = ["/bin/sh", "-c", "echo one; echo two >&2; exit 3"]

    with pytest.raises(SetupError, match=r"could not\. It said:\n  one\n  two\nCall \./propensity again"):
        prepare._call("It could not", command)


def server_process(server: SparkServer) -> psutil.Process:
    assert server._process is not None
    return psutil.Process(server._process.pid)


def ended(process: psutil.Process) -> bool:
    return wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def wait_for(reached: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not reached() and time.monotonic() < until:
        time.sleep(0.05)
    return reached()
