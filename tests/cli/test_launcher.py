"""The launcher with a Python that only pretends: what it does in which order, and that it mends itself."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A Python that makes an environment with itself inside, notes what it is asked, and fails where $FAIL says.
PYTHON = """\
#!/bin/sh
case "$*" in
*ensurepip* | *argparse*) exit ${TOO_OLD:-0} ;;
"-c import pip") exit 0 ;;
esac
echo "$*" >>"$NOTES"
case "$*" in
*"${FAIL:-nothing}"*) echo "this went wrong"; exit 1 ;;
"-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
"-P -m cli.prepare"*) ;;
*"-P -m cli"*) echo "in $PWD, path $PYTHONPATH" ;;
esac
"""
Launch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "a project"
    (root / "cli").mkdir(parents=True)
    for name in (
        "propensity",
        "requirements.txt",
        "requirements-local.txt",
        "constraints.txt",
        "cli/prepare.py",
        "cli/follow.py",
    ):
        shutil.copy(ROOT / name, root / name)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return root


@pytest.fixture
def launch(project: Path, tmp_path: Path) -> Launch:
    def call(
        *arguments: str, file: Path = project / "propensity", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        own = {"PYTHON": str(tmp_path / "python"), "NOTES": str(tmp_path / "notes"), "PATH": os.defpath}
        (tmp_path / "notes").write_text("")
        return subprocess.run(
            [file, *arguments], env=own | environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return call


def notes(tmp_path: Path) -> list[str]:
    """The modules that Python was asked to run."""
    return re.findall(r"-m (?:cli\.)?(\w+)", (tmp_path / "notes").read_text())


def test_the_first_call_installs_and_the_second_does_not(launch: Launch, project: Path, tmp_path: Path) -> None:
    first = launch("run", "--home", "a b")

    assert first.returncode == 0, first.stderr
    assert notes(tmp_path) == ["venv", "pip", "prepare", "cli"]
    assert (tmp_path / "notes").read_text().endswith("-P -m cli run --home a b\n")
    assert first.stdout == f"in {tmp_path}, path {project}\n"  # the caller's folder, for paths that it names
    assert not (project / ".venv" / "lock").exists()
    second = launch("run")
    assert (second.stderr, notes(tmp_path)) == ("", ["cli"])


@pytest.mark.parametrize("part", ["venv", "pip", "cli.prepare"])
def test_an_installation_that_fails_is_completed_by_the_next_call(launch: Launch, tmp_path: Path, part: str) -> None:
    failed = launch("run", FAIL=f"-m {part}")

    assert failed.returncode == 1
    assert "this went wrong" in failed.stderr
    assert "cli" not in notes(tmp_path)
    again = launch("run")
    assert again.returncode == 0, again.stderr
    assert notes(tmp_path) == (["venv"] if part == "venv" else []) + ["pip", "prepare", "cli"]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-local.txt", "constraints.txt", "cli/prepare.py"])
def test_changed_requirements_are_installed(launch: Launch, project: Path, tmp_path: Path, name: str) -> None:
    launch("run")
    with (project / name).open("a") as file:
        file.write("# changed\n")

    launch("run")

    assert notes(tmp_path) == ["pip", "prepare", "cli"]


def test_it_is_called_through_links(launch: Launch, project: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "one").symlink_to("../two")
    (tmp_path / "two").symlink_to(project / "propensity")

    called = launch("run", file=tmp_path / "bin" / "one")

    assert called.stdout == f"in {tmp_path}, path {project}\n"


def test_a_python_that_does_not_fit_is_passed_over(launch: Launch, project: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "readlink", "cat", "cksum", "mkdir", "rm", "tail", "sleep"):
        (tools / name).symlink_to(shutil.which(name, path=os.defpath) or name)

    none = launch("run", TOO_OLD="1", PATH=str(tools))

    assert none.returncode == 1
    assert "error: found no Python 3.11 or newer that can make virtual environments" in none.stderr
    assert not (project / ".venv" / "lock").exists()
    shutil.copy(tmp_path / "python", tools / "python3.12")
    assert launch("run", PYTHON="/no/such/python", PATH=f"{tools}:{os.defpath}").returncode == 0


def test_the_lock_of_a_killed_call_holds_nobody_up(launch: Launch, project: Path, tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    (project / ".venv" / "lock").mkdir(parents=True)
    (project / ".venv" / "lock" / "process").write_text(f"{ended.pid}\n")

    assert launch("run").returncode == 0
    assert notes(tmp_path) == ["venv", "pip", "prepare", "cli"]


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"], ["--version"], ["run", "--help"], ["help", "run"]])
def test_help_is_answered_before_anything_is_installed(launch: Launch, project: Path, tmp_path: Path, words: list[str]):
    asked = launch(*words)

    assert asked.returncode == 0, asked.stderr
    assert notes(tmp_path) == ["cli"]
    assert (tmp_path / "notes").read_text() == f"-B -P -m cli {' '.join(words)}\n"
    assert asked.stdout == f"in {tmp_path}, path {project}\n"
    assert asked.stderr == ""
    assert not (project / ".venv").exists()


def test_help_after_the_installation_is_the_installed_python_s(launch: Launch, tmp_path: Path) -> None:
    launch("run")
    launch("--help")
    assert (tmp_path / "notes").read_text() == "-P -m cli --help\n"


def test_a_project_that_was_moved_takes_its_installation_along(launch: Launch, project: Path, tmp_path: Path) -> None:
    launch("run")
    scripts = {"tool": "#!{}/bin/python\nimport tool\n", "activate": "VIRTUAL_ENV='{}'\n", "other": "#!/bin/sh\n"}
    for name, text in scripts.items():
        (project / ".venv" / "bin" / name).write_text(text.format(project / ".venv"))
        (project / ".venv" / "bin" / name).chmod(0o755)
    moved = project.rename(tmp_path / "moved")
    real = moved / ".venv" / "bin" / "python"
    real.write_text(f'#!/bin/sh\ncase "$1" in\n*follow.py) exec {sys.executable} "$@" ;;\nesac\n' + PYTHON)

    called = launch("run", file=moved / "propensity")

    assert (called.stderr, notes(tmp_path)) == ("", ["cli"])
    tool, activate, other = ((moved / ".venv" / "bin" / name).read_text() for name in scripts)
    assert tool == f"#!/bin/sh\n'''exec' \"{moved}/.venv/bin/python\" \"$0\" \"$@\"\n' '''\nimport tool\n"
    assert activate == f"VIRTUAL_ENV='{moved}/.venv'\n"
    assert other == "#!/bin/sh\n"
    assert os.access(moved / ".venv" / "bin" / "tool", os.X_OK)
    (moved / ".venv" / "bin" / "tool").unlink()
    assert launch("run", file=moved / "propensity").returncode == 0


@pytest.mark.job
def test_a_script_that_was_moved_runs_with_its_python(tmp_path: Path) -> None:
    """Also from a place with blanks, or with a path longer than a system reads in a first line."""
    new = tmp_path / "a b" / ("x" * 130)
    (new / "bin").mkdir(parents=True)
    (new / "bin" / "python").symlink_to(sys.executable)
    (new / "bin" / "tool").write_text("#!/old/.venv/bin/python\nimport sys\nprint(sys.argv[1:])\n")
    (new / "bin" / "tool").chmod(0o755)
    subprocess.run([sys.executable, ROOT / "cli" / "follow.py", "/old/.venv", new], check=True)
    said = subprocess.run([new / "bin" / "tool", "a b", "c"], capture_output=True, text=True, check=True).stdout
    assert said == "['a b', 'c']\n"


def test_a_parameter_that_is_called_help_is_no_question_for_it(launch: Launch, tmp_path: Path) -> None:
    launch("run", "--param", "help=1", "version")
    assert notes(tmp_path) == ["venv", "pip", "prepare", "cli"]
